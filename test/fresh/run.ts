/**
 * `npm run test:fresh [-- WORD...]`: what the README promises of a new machine, tried in minimal roots of both releases
 * of Debian. Words choose: a release, a newcomer, a command (`-- trixie archive demo`). What was committed last is tried.
 * The last line is `N passed, N failed`; the exit status is 1 when anything failed. Nothing is left behind.
 */
import { mkdirSync, mkdtempSync, statfsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Ended, runBounded } from "./bounded-program.ts";
import { MinimalRoot, ROOT_USER } from "./minimal-root.ts";
import { NEWCOMERS, type Newcomer, RELEASES, type Release, TRIALS, type Trial } from "./newcomers.ts";

const ROOT = resolve(import.meta.dir, "../..");
/** Too large for a /tmp in memory. */
const ROOMY = process.env["TMPDIR"] ?? "/var/tmp";
/** One root at a time, with the packages, the servers' packages and three copies of the project. */
const NEEDED_BYTES = 6 * 1024 ** 3;
const PREPARATION_LIMIT_MS = 600_000;
/** How much of a failed command is shown. */
const LINES_SHOWN = 40;

interface Result {
  readonly title: string;
  readonly failure?: string;
  readonly tookMs: number;
  /** What the command itself said in its last line. */
  readonly closing: string;
}

/** What the words on the command line choose; all of a kind of which they name none. */
interface Choice {
  readonly releases: readonly Release[];
  readonly newcomers: readonly Newcomer[];
  readonly trials: readonly Trial[];
}

function choose(words: readonly string[]): Choice | undefined {
  const known: readonly string[] = [
    ...RELEASES,
    ...NEWCOMERS.map(({ name }) => name),
    ...TRIALS.map(({ name }) => name),
  ];
  if (words.some((word) => !known.includes(word))) {
    say(`test:fresh takes these words: ${known.join(" ")}`);
    return undefined;
  }
  const chosen = <T>(all: readonly T[], nameOf: (one: T) => string): readonly T[] => {
    const named = all.filter((one) => words.includes(nameOf(one)));
    return named.length > 0 ? named : all;
  };
  return {
    releases: chosen(RELEASES, (release) => release),
    newcomers: chosen(NEWCOMERS, ({ name }) => name),
    trials: chosen(TRIALS, ({ name }) => name),
  };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function seconds(timeMs: number): string {
  return `${(timeMs / 1000).toFixed(0)} s`;
}

class FreshMachines {
  readonly results: Result[] = [];
  readonly #choice: Choice;
  readonly #folder: string;
  readonly #signal: AbortSignal;

  constructor(choice: Choice, folder: string, signal: AbortSignal) {
    this.#choice = choice;
    this.#folder = folder;
    this.#signal = signal;
  }

  /** Everything that was chosen, one machine after the other. */
  async tryAll(): Promise<void> {
    for (const release of this.#choice.releases) {
      const root = new MinimalRoot(join(this.#folder, release), this.#signal);
      say(`── ${release}: making a minimal root`);
      const made = await root.make(release);
      if (this.#record(`${release}: the root itself`, made)) await this.#tryNewcomers(release, root);
      await remove(root.folder);
    }
  }

  async #tryNewcomers(release: Release, root: MinimalRoot): Promise<void> {
    for (const newcomer of this.#choice.newcomers) {
      const trials = newcomer.trials.filter((trial) => this.#choice.trials.includes(trial));
      if (trials.length === 0 || this.#signal.aborted) continue;
      const title = `${release}: ${newcomer.story}`;
      const directory = join(newcomer.user.home, `tandem-${newcomer.name}`);
      const prepared = await this.#prepare(newcomer, root, directory);
      if (prepared.status !== 0) {
        this.#record(`${title}: preparation`, prepared);
        continue;
      }
      const run = (trial: Trial) => root.run(trial.command, directory, newcomer.user, trial.limitMs);
      await this.#tryCommands(title, trials, run);
    }
  }

  async #tryCommands(title: string, trials: readonly Trial[], run: (trial: Trial) => Promise<Ended>): Promise<void> {
    for (const trial of trials) {
      if (this.#signal.aborted) return;
      say(`── ${title}: ${trial.command}`);
      this.#record(`${title}: ${trial.command}`, await run(trial));
    }
  }

  /** Brings the project as it was committed last, and does what root has to do first. */
  async #prepare(newcomer: Newcomer, root: MinimalRoot, directory: string): Promise<Ended> {
    const place = join(root.folder, directory);
    mkdirSync(place, { recursive: true });
    const bring =
      newcomer.source === "clone"
        ? ["git", "clone", "--quiet", "--no-hardlinks", ROOT, place]
        : ["sh", "-c", 'git archive HEAD | tar --extract --directory "$1"', "sh", place];
    const brought = await runBounded(bring, { cwd: ROOT, limitMs: PREPARATION_LIMIT_MS, signal: this.#signal });
    if (brought.status !== 0) return brought;
    return await root.run(newcomer.preparation, directory, ROOT_USER, PREPARATION_LIMIT_MS);
  }

  /** Returns whether it went well. */
  #record(title: string, { status, output, tookMs }: Ended): boolean {
    const closing = output.trim().split("\n").at(-1)?.trim() ?? "";
    const failure = this.#signal.aborted ? "interrupted" : status === undefined ? "not at its end" : `exit ${status}`;
    const isGood = status === 0;
    if (!isGood) say(causeIn(output));
    this.results.push({ title, tookMs, closing: isGood ? closing : "", ...(isGood ? {} : { failure }) });
    say(`   ${isGood ? "ok" : `FAILED: ${failure}`} after ${seconds(tookMs)}`);
    return isGood;
  }
}

/** The end, where the tests have their summary; or what did not work in the demonstration, which ends with pages of logs. */
function causeIn(output: string): string {
  const lines = output.trimEnd().split("\n");
  const begin = lines.findLastIndex((line) => line.includes("did not work:"));
  return (begin < 0 ? lines.slice(-LINES_SHOWN) : lines.slice(begin, begin + LINES_SHOWN)).join("\n");
}

/** Never into another file system: what is mounted in a root is so in a namespace that ended with its last process. */
async function remove(folder: string): Promise<void> {
  await Bun.spawn(["rm", "--recursive", "--force", "--one-file-system", "--", folder]).exited;
}

function whatIsInTheWay(): string | undefined {
  if (process.getuid?.() !== 0) return "minimal roots are made by root";
  const commit = Bun.spawnSync(["git", "rev-parse", "--verify", "HEAD"], { cwd: ROOT });
  if (!commit.success)
    return `what is tried is the last commit, and git finds none: ${commit.stderr.toString().trim()}`;
  const { bavail, bsize } = statfsSync(ROOMY);
  if (bavail * bsize < NEEDED_BYTES) return `${ROOMY} has less than 6 GiB free; TMPDIR names another folder`;
  return undefined;
}

async function main(): Promise<number> {
  const choice = choose(process.argv.slice(2));
  if (choice === undefined) return 2;
  const obstacle = whatIsInTheWay();
  if (obstacle !== undefined) {
    say(`test:fresh: ${obstacle}`);
    return 2;
  }
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => interrupted.abort());
  const beganMs = performance.now();
  const folder = mkdtempSync(join(ROOMY, "tandem-fresh-"));
  const machines = new FreshMachines(choice, folder, interrupted.signal);
  try {
    await machines.tryAll();
  } finally {
    await remove(folder);
  }
  const { results } = machines;
  say(`\n── summary, ${seconds(performance.now() - beganMs)}`);
  for (const { title, failure, tookMs, closing } of results) {
    const outcome = failure ?? closing;
    const mark = failure === undefined ? "ok  " : "FAIL";
    say(`${mark} ${seconds(tookMs).padStart(7)}  ${title}${outcome === "" ? "" : `: ${outcome}`}`);
  }
  const failed = results.filter(({ failure }) => failure !== undefined).length;
  say(`${results.length - failed} passed, ${failed} failed`);
  return interrupted.signal.aborted ? 130 : failed === 0 ? 0 : 1;
}

process.exit(await main());
