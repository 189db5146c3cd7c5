/** Looks for frames that still come in for VIPs after this router gave them up. */
import type { Input } from "../../failover/machine/failover-input.ts";
import type { EthernetLink } from "../../kernel/neighbours/ethernet-link.ts";
import { type StrayFrame, StrayWatch } from "../../kernel/neighbours/stray-watch.ts";
import type { IpAddress } from "../../model/address.ts";

/** What was on its way when the VIPs were given up has come by then. */
const BEGIN_AFTER_MS = 300;
const LOOK_EVERY_MS = 500;
/** A neighbour that has not learnt it by the second announcement and its own timeouts is worth a report. */
const WATCH_MS = 10_000;

export interface WatchedVips {
  readonly link: EthernetLink;
  readonly addresses: readonly IpAddress[];
}

/** For some seconds after this router gave its VIPs up: who still sends frames for them here (rule 8). */
export class StrayFrames {
  readonly #onInput: (input: Input) => void;
  readonly #onProblem: (message: string) => void;
  #watches: readonly StrayWatch[] = [];
  #timers: Timer[] = [];

  constructor(onInput: (input: Input) => void, onProblem: (message: string) => void) {
    this.#onInput = onInput;
    this.#onProblem = onProblem;
  }

  /** Begins, in place of what was begun before. */
  begin(watched: readonly WatchedVips[]): void {
    this.end();
    this.#timers = [setTimeout(() => this.#open(watched), BEGIN_AFTER_MS), setTimeout(() => this.end(), WATCH_MS)];
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const watch of this.#watches) watch.close();
    this.#timers = [];
    this.#watches = [];
  }

  #open(watched: readonly WatchedVips[]): void {
    try {
      this.#watches = watched.flatMap(({ link, addresses }) =>
        (["inet", "inet6"] as const).flatMap((family) => {
          const own = addresses.filter((address) => address.family === family);
          return own.length === 0 ? [] : [new StrayWatch(link, family, own)];
        }),
      );
      this.#timers.push(setInterval(() => this.#look(), LOOK_EVERY_MS));
    } catch (error) {
      this.#onProblem(`frames for old VIPs are not watched: ${error instanceof Error ? error.message : error}`);
    }
  }

  #look(): void {
    const found = new Map<string, StrayFrame>();
    for (const frame of this.#watches.flatMap((watch) => watch.look())) {
      found.set(`${frame.address.text} ${frame.mac}`, frame);
    }
    for (const frame of found.values()) this.#onInput({ kind: "stray-frame", ...frame });
  }
}
