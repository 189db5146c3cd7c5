/** Looks for frames of the peer on the wire while no heartbeat of it counts. */
import type { Input } from "../../failover/machine/failover-input.ts";
import { asEthernetLink } from "../../kernel/neighbours/ethernet-link.ts";
import { PeerFrameWatch } from "../../kernel/neighbours/peer-frame-watch.ts";
import type { IpAddress } from "../../model/address.ts";
import type { Link } from "../../model/link.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import { PATHS, type PathName } from "../../model/pair.ts";
import type { HeartbeatSource } from "../../wire/heartbeat/heartbeat.ts";
import { readSource } from "../../wire/heartbeat/heartbeat-packet.ts";

/** How long after the last question for the peer its frames are looked for. */
const WATCH_MS = 5_000;

/** Where the peer's heartbeats of a path come in. */
export interface PeerFramePath {
  readonly link: Link;
  readonly address: IpAddress;
  readonly mac?: MacAddress;
}

export interface PeerFramesOptions {
  readonly port: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly onProblem: (message: string) => void;
}

/** What the datagrams say of where they are from; undefined for those that are no heartbeats, which count as well. */
function distinctSources(datagrams: readonly Uint8Array[]): (HeartbeatSource | undefined)[] {
  const sources = datagrams.map(readSource);
  return [...new Map(sources.map((source) => [`${source?.bootId} ${source?.counter}`, source])).values()];
}

interface Watched {
  readonly key: string;
  readonly watch: PeerFrameWatch;
}

/** While the peer is asked for: whether its daemon still sends heartbeats, which may be filtered or signed otherwise. */
export class PeerFrames {
  readonly #options: PeerFramesOptions;
  readonly #watched = new Map<PathName, Watched>();
  #timer: Timer | undefined;
  #problem = "";

  constructor(options: PeerFramesOptions) {
    this.#options = options;
  }

  /** The peer is asked for: its frames are looked for on these paths for some seconds from now. */
  watch(paths: Readonly<Partial<Record<PathName, PeerFramePath>>>): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), WATCH_MS);
    for (const path of PATHS) this.#watchPath(path, paths[path]);
  }

  /** Those since the last look, each once. */
  look(): Input[] {
    if (this.#watched.size === 0) return [];
    const atMs = this.#options.now();
    return [...this.#watched].flatMap(([path, { watch }]) =>
      distinctSources(watch.look()).map((source): Input => {
        return { kind: "peer-frame", path, atMs, ...(source === undefined ? {} : { source }) };
      }),
    );
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { watch } of this.#watched.values()) watch.close();
    this.#watched.clear();
  }

  #watchPath(path: PathName, wanted: PeerFramePath | undefined): void {
    const link = wanted === undefined ? undefined : asEthernetLink(wanted.link);
    const key = link === undefined ? "" : `${link.index} ${wanted?.mac ?? ""}`;
    const known = this.#watched.get(path);
    if ((known?.key ?? "") === key) return;
    known?.watch.close();
    this.#watched.delete(path);
    if (link === undefined || wanted === undefined) return;
    try {
      this.#watched.set(path, { key, watch: new PeerFrameWatch(link, wanted, this.#options.port) });
    } catch (error) {
      this.#complain(`heartbeats on the ${path} wire are not seen: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Questions come every few milliseconds. */
  #complain(problem: string): void {
    if (problem !== this.#problem) this.#options.onProblem(problem);
    this.#problem = problem;
  }
}
