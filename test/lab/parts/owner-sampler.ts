/**
 * Who has the VIPs? Looks at both routers' kernels every few milliseconds, and at nothing that tandem says.
 * A /proc/net file shows for ever the namespace of the thread that opened it, so two open files are all it takes.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { type Hosts, ROUTERS, type RouterHost, type RouterName } from "../topology.ts";

export interface Ownership {
  readonly atMs: number;
  readonly owners: readonly RouterHost[];
}

export interface OwnerReport {
  /** By VIP: how long more than one router, and none, had it. */
  readonly twoOwnersMs: Readonly<Record<string, number>>;
  readonly noOwnerMs: Readonly<Record<string, number>>;
  /** By VIP: the longest time at a stretch that two had it. */
  readonly longestTwoOwnersMs: Readonly<Record<string, number>>;
  readonly samples: number;
  /** The longest time between two looks: what was shorter than that may have been missed. */
  readonly longestPauseMs: number;
  /** Each change seen, oldest first, on the clock of `performance.now()`. */
  readonly changes: Readonly<Record<string, readonly Ownership[]>>;
}

/** Each router's local addresses take a few kilobytes; a file longer than that is read in part. */
const FILE_LIMIT_BYTES = 256 * 1024;
const CHANGES_LIMIT = 10_000;
/** VIPs that move on in each of so many rounds are seen as the last one shows them. */
const ROUNDS_LIMIT = 10;

/** By VIP, the routers that have it. */
export type Owners = ReadonlyMap<string, readonly RouterHost[]>;

interface Track {
  readonly vip: string;
  readonly pattern: RegExp;
  twoOwnersMs: number;
  /** Of the stretch that may still go on. */
  stretchMs: number;
  longestStretchMs: number;
  noOwnerMs: number;
  readonly changes: Ownership[];
}

export class OwnerSampler implements Disposable {
  readonly #files: readonly { readonly router: RouterHost; readonly descriptors: readonly number[] }[];
  readonly #tracks: readonly Track[];
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #bytes = Buffer.alloc(FILE_LIMIT_BYTES);
  #samples = 0;
  #previousMs: number | undefined;
  #longestPauseMs = 0;
  #away = false;
  #seen: Owners | undefined;

  private constructor(hosts: Hosts, vips: readonly string[], everyMs: number, routers: readonly RouterHost[]) {
    const paths = addressFiles(vips);
    this.#files = routers.map((router) => ({
      router,
      descriptors: hosts.on(router, () => paths.map((path) => openSync(path, "r"))),
    }));
    this.#tracks = vips.map((vip) => ({
      vip,
      pattern: addressPattern(vip),
      twoOwnersMs: 0,
      stretchMs: 0,
      longestStretchMs: 0,
      noOwnerMs: 0,
      changes: [],
    }));
    this.#timer = setInterval(() => this.#look(), everyMs);
    this.#look();
  }

  /** @param routers whose kernels are looked at; default: both of the pair. */
  static start(
    hosts: Hosts,
    vips: readonly string[],
    everyMs = 3,
    routers: readonly RouterHost[] = ROUTERS.map(({ name }) => name),
  ): OwnerSampler {
    return new OwnerSampler(hosts, vips, everyMs, routers);
  }

  /** From now on, until `lookAgain`, no time counts: the owners can't know of each other, or aren't both looked after. */
  lookAway(): void {
    this.#look();
    this.#away = true;
  }

  lookAgain(): void {
    this.#look();
    this.#away = false;
  }

  /** Who has that VIP now. */
  owners(vip: string): readonly RouterHost[] {
    this.#look();
    return this.#tracks.find((track) => track.vip === vip)?.changes.at(-1)?.owners ?? [];
  }

  /** Resolves with the time when exactly that router has every VIP. Rejects after `limitMs`, saying who has them. */
  async awaitOwner(router: RouterName, limitMs: number): Promise<number> {
    const endMs = performance.now() + limitMs;
    while (performance.now() < endMs) {
      const now = this.#tracks.map((track) => this.owners(track.vip));
      if (now.every((owners) => owners.length === 1 && owners[0] === router)) return performance.now();
      await Bun.sleep(2);
    }
    const state = this.#tracks.map((track) => `${track.vip}: ${this.owners(track.vip).join(" and ") || "nobody"}`);
    throw new Error(`${router} does not have the VIPs after ${limitMs} ms (${state.join(", ")})`);
  }

  report(): OwnerReport {
    this.#look();
    const each = <T>(take: (track: Track) => T) => Object.fromEntries(this.#tracks.map((one) => [one.vip, take(one)]));
    return {
      twoOwnersMs: each((track) => track.twoOwnersMs),
      noOwnerMs: each((track) => track.noOwnerMs),
      longestTwoOwnersMs: each((track) => track.longestStretchMs),
      samples: this.#samples,
      longestPauseMs: this.#longestPauseMs,
      changes: each((track) => [...track.changes]),
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const descriptor of this.#files.flatMap((file) => file.descriptors)) closeSync(descriptor);
  }

  /** What was seen last held until now. */
  #look(): void {
    const atMs = performance.now();
    const sinceMs = this.#previousMs === undefined ? 0 : atMs - this.#previousMs;
    this.#longestPauseMs = Math.max(this.#longestPauseMs, sinceMs);
    const seen = atOneMoment(() => this.#round(), this.#seen);
    this.#seen = seen;
    for (const track of this.#tracks) {
      const last = track.changes.at(-1);
      if (last !== undefined && !this.#away) count(track, last.owners.length, sinceMs);
      const owners = seen.get(track.vip) ?? [];
      const changed = last === undefined || last.owners.join() !== owners.join();
      if (changed && track.changes.length < CHANGES_LIMIT) track.changes.push({ atMs, owners });
    }
    this.#samples += 1;
    this.#previousMs = atMs;
  }

  #round(): Owners {
    const texts = this.#files.map(({ router, descriptors }) => ({
      router,
      text: descriptors.map((descriptor) => this.#read(descriptor)).join(""),
    }));
    return new Map(
      this.#tracks.map(({ vip, pattern }) => [
        vip,
        texts.filter(({ text }) => text.search(pattern) >= 0).map(({ router }) => router),
      ]),
    );
  }

  #read(file: number): string {
    return this.#bytes.toString("latin1", 0, readSync(file, this.#bytes, 0, FILE_LIMIT_BYTES, 0));
  }
}

/**
 * The owners at one moment. The kernels are read one after the other, and a VIP that moves in between would be seen on
 * both or on none: two rounds that agree held together from the end of the first to the start of the second.
 * @param last what was seen before; a round that shows the same needs no second one.
 */
export function atOneMoment(round: () => Owners, last?: Owners): Owners {
  let before = last;
  let now = round();
  for (let rounds = 1; rounds < ROUNDS_LIMIT && !same(before, now); rounds += 1) {
    before = now;
    now = round();
  }
  return now;
}

function same(before: Owners | undefined, now: Owners): boolean {
  return before !== undefined && [...now].every(([vip, owners]) => before.get(vip)?.join() === owners.join());
}

/** Adds the time since the last look to what was seen then. */
function count(track: Track, owners: number, sinceMs: number): void {
  track.stretchMs = owners > 1 ? track.stretchMs + sinceMs : 0;
  track.longestStretchMs = Math.max(track.longestStretchMs, track.stretchMs);
  if (owners > 1) track.twoOwnersMs += sinceMs;
  if (owners === 0) track.noOwnerMs += sinceMs;
}

/** Only what is needed: each look costs the slow CPU of the user-mode kernel 40 µs a file. */
function addressFiles(vips: readonly string[]): string[] {
  return [
    ...(vips.some((vip) => !vip.includes(":")) ? ["/proc/thread-self/net/fib_trie"] : []),
    ...(vips.some((vip) => vip.includes(":")) ? ["/proc/thread-self/net/if_inet6"] : []),
  ];
}

/** How the address looks where the kernel lists its own (net/ipv4/fib_trie.c, net/ipv6/addrconf.c). */
export function addressPattern(vip: string): RegExp {
  if (!vip.includes(":"))
    return new RegExp(`\\|-- ${vip.replaceAll(".", "\\.")}\\n(?: +/\\d+ (?!host).*\\n)* +/32 host LOCAL`);
  const [head = "", tail = ""] = vip.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":")).map((group) => group.padStart(4, "0"));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = vip.includes("::") ? [...groups(head), ...Array(missing).fill("0000"), ...groups(tail)] : groups(vip);
  return new RegExp(`^${all.join("")} `, "m");
}
