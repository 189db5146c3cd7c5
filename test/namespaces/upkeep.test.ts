/** The log and the disk of an active router fail in every way; its VIPs stay, its peer hears it, and it says what is wrong. */
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StatusReport } from "../../src/daemon/status/status-report.ts";
import { serviceText } from "../lab/parts/pair-config.ts";
import { serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import { VipPair } from "./support/vip-pair.ts";

beforeAll(requireLab);

/** A pipe with a name, and whoever is at its other end. */
class NamedPipe implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "tandem-pipe-"));
  readonly path = join(this.#folder, "log");
  readonly #output = join(this.#folder, "read");
  readonly #holders: Bun.Subprocess[] = [];

  constructor() {
    Bun.spawnSync(["mkfifo", this.path]);
    writeFileSync(this.#output, "");
  }

  /** What is read from now on can be had by `text`. */
  read(): void {
    this.#start('exec cat "$0" >"$1"');
  }

  /** Somebody has the pipe open and never reads it. */
  holdOpen(): void {
    this.#start('exec sleep 100000 <"$0"');
  }

  async endReaders(): Promise<void> {
    for (const holder of this.#holders.splice(0)) {
      holder.kill("SIGKILL");
      await holder.exited;
    }
  }

  get text(): string {
    return readFileSync(this.#output, "utf8");
  }

  #start(script: string): void {
    this.#holders.push(Bun.spawn(["sh", "-c", script, this.path, this.#output]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endReaders();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function statusOf(pair: VipPair): Promise<StatusReport> {
  const status = await pair.router("lvs1").status();
  if (status === undefined) throw new Error(`lvs1 does not answer\n${pair.lab.pair.logs()}`);
  return status;
}

/** Nothing was seen of it: neither by the kernels nor by the peer. */
async function expectUnmoved(pair: VipPair, act: () => Promise<void>): Promise<void> {
  const watched = await pair.watch("log or state", act);
  expect(VipPair.ownersOf(watched)).toEqual([["lvs1"]]);
  const status = await pair.router("lvs2").status();
  expect(status?.transitions).toEqual([]);
  expect(status?.peer).toMatchObject({ alive: true, role: "active" });
}

/** lvs1 is the active, with something around it; lvs2 is as usual. */
async function startPair(around: Parameters<ReturnType<VipPair["router"]>["start"]>[0]): Promise<VipPair> {
  const pair = await VipPair.prepare();
  pair.router("lvs1").start(around);
  await pair.owned("lvs1");
  pair.router("lvs2").start();
  await pair.settled("lvs1");
  return pair;
}

/** Reports of the state between two looks whether lines are lost: some hundred bytes each. */
const REPORTS = 50;

/** Has lvs1 log so much that a pipe which nobody reads is full, and what may wait besides; or for so many turns. */
async function logMuch(pair: VipPair, turns = Number.POSITIVE_INFINITY): Promise<void> {
  const before = pair.config;
  const lostBefore = (await statusOf(pair)).log.lostLines;
  writeFileSync(pair.lab.pair.configPath, `${before}\n${'[[vip]]\naddress = "nonsense"\n'.repeat(300)}`);
  // A refused reload is a warning, which each report repeats.
  pair.router("lvs1").signal("SIGHUP");
  let turn = 0;
  await pair.until("lines are lost", async () => {
    for (let report = 0; report < REPORTS; report += 1) {
      pair.router("lvs1").signal("SIGUSR1");
      // Two of a signal that come together are one.
      await Bun.sleep(1);
    }
    turn += 1;
    return (await statusOf(pair)).log.lostLines > lostBefore || turn > turns;
  });
  writeFileSync(pair.lab.pair.configPath, before);
}

/** What a short command cannot print is its own failure, as ever. */
function statusIntoNothing(pair: VipPair): { readonly exitCode: number; readonly stderr: string } {
  const { binary, runtimeDirectory } = pair.router("lvs1");
  const script = 'exec "$0" status --runtime-dir "$1" >/dev/full';
  const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", script, binary, runtimeDirectory]);
  return { exitCode, stderr: stderr.toString() };
}

describe("the log", () => {
  test.each([
    ["a full disk", "2>/dev/full", "the log cannot be written: no space is left (ENOSPC); "],
    ["nothing at all", ">&- 2>&-", undefined],
  ])("goes to %s from the start", async (_what, redirections, warning) => {
    await using pair = await startPair({ redirections });
    await expectUnmoved(pair, async () => {
      const lost = (await statusOf(pair)).log.lostLines;
      pair.router("lvs1").signal("SIGUSR1");
      if (warning === undefined) return;
      await pair.until("it is counted", async () => (await statusOf(pair)).log.lostLines > lost);
      expect((await statusOf(pair)).warnings).toContainEqual(expect.stringContaining(warning));
      expect((await pair.router("lvs1").tandem("status")).stdout).toContain(warning);
    });
    expect(statusIntoNothing(pair)).toEqual({
      exitCode: 1,
      stderr: "tandem: cannot write to standard output: no space left (ENOSPC)\n",
    });
    expect(await pair.router("lvs1").tandem("failover", "switch")).toMatchObject({ exitCode: 0 });
    await pair.settled("lvs2");
    pair.router("lvs1").signal("SIGTERM");
    expect(await pair.router("lvs1").awaitEnd(60_000)).toBe(0);
  });

  test("loses its reader, and gets another one", async () => {
    await using pipe = new NamedPipe();
    pipe.read();
    await using pair = await startPair({ redirections: `2>${pipe.path}` });
    await expectUnmoved(pair, async () => {
      await pipe.endReaders();
      await pair.until("lines are lost", async () => {
        pair.router("lvs1").signal("SIGUSR1");
        return (await statusOf(pair)).log.failure !== null;
      });
      const { log, warnings } = await statusOf(pair);
      expect(log).toMatchObject({ failure: "its reader is gone (EPIPE)", lastLostMsAgo: expect.any(Number) });
      expect(warnings).toContainEqual(expect.stringContaining("the log cannot be written: its reader is gone (EPIPE)"));
      pipe.read();
      await pair.until("it is said", () => /log: \d+ lines? (was|were) lost: its reader is gone/.test(pipe.text));
      expect((await statusOf(pair)).warnings).toContainEqual(
        expect.stringContaining("of the log could not be written"),
      );
    });
  });

  test("has a reader that never reads, and then does", async () => {
    await using pipe = new NamedPipe();
    pipe.holdOpen();
    await using pair = await startPair({ redirections: `2>${pipe.path}` });
    await expectUnmoved(pair, async () => {
      await logMuch(pair);
      expect((await statusOf(pair)).warnings).toContainEqual(
        expect.stringContaining("the log cannot be written: nobody reads it"),
      );
      expect(await pair.router("lvs1").tandem("failover", "hold")).toMatchObject({ exitCode: 0 });
      pipe.read();
      await pair.until("it is said", () => /log: \d+ lines? (was|were) lost: nobody reads it/.test(pipe.text));
      await pair.until("it is over", async () => (await statusOf(pair)).log.failure === null);
    });
    // Nor does the end wait for one.
    await pipe.endReaders();
    pipe.holdOpen();
    await logMuch(pair, 10);
    pair.router("lvs2").signal("SIGTERM");
    expect(await pair.router("lvs2").awaitEnd(60_000)).toBe(0);
    pair.router("lvs1").signal("SIGTERM");
    expect(await pair.router("lvs1").awaitEnd(60_000)).toBe(0);
  });
});

const NOT_SAVED = /^automatic fail-back is held, but it could not be saved: .*; it is lost at a restart, unless /;

describe("the state directory", () => {
  test.each([
    ["full", { stateMount: "size=64k", isStateFull: true }, "no space is left (ENOSPC)"],
    ["read-only", { stateMount: "ro" }, "its file system is read-only (EROFS)"],
  ])("is %s: the router serves, and says what it could not save", async (_how, around, reason) => {
    await using pair = await startPair(around);
    const lvs1 = pair.router("lvs1");
    await expectUnmoved(pair, async () => {
      const { state, warnings, router } = await statusOf(pair);
      expect(state).toMatchObject({ directory: lvs1.stateDirectory });
      expect(state.failures.map(({ file }) => file)).toContain("failover.json");
      expect(state.failures.map((failure) => failure.reason)).toEqual(state.failures.map(() => reason));
      expect(warnings).toContainEqual(
        expect.stringContaining(`state cannot be kept in ${lvs1.stateDirectory}: ${reason}`),
      );
      // The takeover went on with its term in memory.
      expect(router).toMatchObject({ role: "active", term: 1 });
      const held = await lvs1.tandem("failover", "hold");
      expect(held.stdout).toMatch(NOT_SAVED);
      expect(held.stdout).toContain(reason);
      expect(held.exitCode).toBe(1);
      const json = await lvs1.tandem("failover", "hold", "--json");
      expect(JSON.parse(json.stdout)).toMatchObject({ unsaved: reason });
      expect(json.exitCode).toBe(1);
      expect((await statusOf(pair)).router.held).toBe(true);
    });
    expect(lvs1.log.filter((line) => line.includes(" state: "))).toHaveLength(1);
    await mend(pair);
    await pair.until("all is kept", async () => (await statusOf(pair)).state.failures.length === 0);
    expect(lvs1.log.join("\n")).toContain(`state: state is kept in ${lvs1.stateDirectory} again`);
    expect(readFileSync(lvs1.stateFile("shared.json"), "utf8")).toContain('"held":true');
    expect(await lvs1.tandem("failover", "hold", "--end")).toMatchObject({ exitCode: 0 });
    expect(readFileSync(lvs1.stateFile("shared.json"), "utf8")).toContain('"held":false');
  });

  test("is read-only: what a router without a peer is released for is answered as not saved", async () => {
    await using pair = await VipPair.prepare();
    const lvs1 = pair.router("lvs1");
    lvs1.start({ stateMount: "ro" });
    await pair.owned("lvs1");
    const released = await lvs1.tandem("failover", "release");
    expect(released.stdout).toMatch(
      /but it could not be saved: its file system is read-only \(EROFS\); it is lost at a/,
    );
    expect(released.exitCode).toBe(1);
    // The disk says that it is not released, which is right again.
    expect(await lvs1.tandem("failover", "take")).toMatchObject({ exitCode: 0 });
  });

  test("is read-only: a server is drained, and the order is answered as not saved", async () => {
    const listen = "tcp://203.0.113.10:80";
    const server = `${serverAddress("web1")}:80`;
    await using pair = await VipPair.prepare({
      services: [
        serviceText({
          name: "web",
          listen,
          scheduler: "rr",
          servers: [{ address: server }],
        }),
      ],
    });
    const lvs1 = pair.router("lvs1");
    lvs1.start({ stateMount: "ro" });
    const reason = "its file system is read-only (EROFS)";
    await pair.until("neither the router nor its balancer can save", async () => {
      const files = (await lvs1.status())?.state.failures.map((failure) => failure.file) ?? [];
      return ["balancer.json", "history.json"].every((file) => files.includes(file));
    });
    const drained = await lvs1.tandem("real", "drain", listen, server);
    expect(drained.stdout).toContain(
      `: done, but it could not be saved: ${reason}; it is lost at a restart, unless the`,
    );
    expect(drained.exitCode).toBe(1);
    const weighted = await lvs1.tandem("real", "undrain", listen, server, "--weight", "7", "--json");
    expect(JSON.parse(weighted.stdout)).toMatchObject({ changes: [{ do: "undrain", outcome: "unsaved" }] });
    expect(weighted.exitCode).toBe(1);
    const [service] = (await statusOf(pair)).services;
    expect(service?.servers.map(({ weight }) => weight)).toEqual([7]);
  });

  test("has something else in the place of its files", async () => {
    await using pair = await VipPair.prepare();
    const lvs1 = pair.router("lvs1");
    const inPlace = (name: string) => join(lvs1.stateDirectory, name);
    Bun.spawnSync(["mkfifo", inPlace("failover.json"), inPlace("history.json")]);
    Bun.spawnSync(["mkdir", inPlace("shared.json")]);
    Bun.spawnSync(["truncate", "--size=300M", inPlace("sysctls.json")]);
    lvs1.start();
    await pair.owned("lvs1");
    const log = lvs1.log.join("\n");
    for (const [name, reason] of [
      ["failover.json", "it is no regular file"],
      ["history.json", "it is no regular file"],
      ["shared.json", "it is a directory"],
      ["sysctls.json", "it has 314572800 bytes; the limit is 16777216"],
    ] as const) {
      expect(log).toContain(`${inPlace(name)} is left aside: ${reason}`);
    }
    expect(await lvs1.tandem("failover", "hold")).toMatchObject({ exitCode: 0 });
    expect((await statusOf(pair)).state.failures).toEqual([]);
    expect(readFileSync(inPlace("shared.json"), "utf8")).toContain('"held":true');
  });
});

/** There is room again, and it may be written. */
async function mend(pair: VipPair): Promise<void> {
  const { pid, stateDirectory, stateFile } = pair.router("lvs1");
  Bun.spawnSync(["nsenter", "-t", String(pid), "-m", "mount", "-o", "remount,rw,size=1m", stateDirectory]);
  rmSync(stateFile.call(pair.router("lvs1"), "ballast"), { force: true });
}
