/**
 * One machine's addresses as the Linux kernel treats them (tried on 6.1): a lease ends up to 1.1 s late, all leases renewed
 * together end together, a renewal re-creates an address that was lost, and while the kernel's address lock is held
 * nothing is added, removed or ended.
 */
import type { LeaseResult, RemoveResult } from "../../src/failover/machine/failover-input.ts";
import type { Vip } from "../../src/model/vip.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

const LOCK_QUEUE_MS = 10;

export interface Held {
  readonly vip: Vip;
  readonly endsAtMs: number;
}

export class Kernel {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #held = new Map<string, Held>();
  readonly #onRemoved: (vip: Vip) => void;
  readonly #onChange: () => void;
  lockedUntilMs = 0;
  /** Interfaces that are gone, by name: nothing can be leased there. */
  readonly gone = new Set<string>();
  /** Interfaces that have another name: nothing can be leased by the old one, and what they have they keep. */
  readonly renamed = new Set<string>();
  /** Interfaces that are down: what is set there is answered for elsewhere, and clients do not reach it. */
  readonly down = new Set<string>();
  /** VIPs that the kernel refuses, by their addresses. */
  readonly refuses = new Set<string>();
  /** When it last refused one. */
  refusedAtMs = Number.NEGATIVE_INFINITY;
  /** The kernel thread does nothing until then; leases end all the same. */
  hungUntilMs = 0;
  /** Removals from interfaces that are gone fail, as they do where the interface's number is asked for first. */
  failsRemovals = false;

  /** @param onRemoved hears of every address that goes, as a netlink listener would; `onChange` of every change. */
  constructor(clock: Clock, random: Random, onRemoved: (vip: Vip) => void, onChange: () => void) {
    this.#clock = clock;
    this.#random = random;
    this.#onRemoved = onRemoved;
    this.#onChange = onChange;
  }

  holds(address: string): boolean {
    return this.#held.has(address);
  }

  get addresses(): readonly Vip[] {
    return [...this.#held.values()].map((held) => held.vip);
  }

  /** When the lease of this address ends; undefined: it is not there. */
  endsAtMs(address: string): number | undefined {
    return this.#held.get(address)?.endsAtMs;
  }

  /** What it has, for `load` of another one. */
  save(): readonly Held[] {
    return [...this.#held.values()];
  }

  /** Makes a new kernel have what another one had. */
  load(held: readonly Held[]): void {
    for (const { vip, endsAtMs } of held) {
      const key = vip.prefix.address.text;
      this.#held.set(key, { vip, endsAtMs });
      this.#clock.at(endsAtMs, () => this.#end(key, endsAtMs));
    }
  }

  get locked(): boolean {
    return this.#clock.now < this.lockedUntilMs;
  }

  lease(vips: readonly Vip[], validMs: number): readonly LeaseResult[] {
    this.#onChange();
    const endsAtMs = this.#clock.now + validMs + this.#random.between(0, 1_100);
    return vips.map((vip) => {
      if (this.gone.has(vip.interface) || this.renamed.has(vip.interface)) {
        return { vip, result: "failed" as const, error: "no such device (ENODEV)" };
      }
      if (this.refuses.has(vip.prefix.address.text)) {
        this.refusedAtMs = this.#clock.now;
        return { vip, result: "failed" as const, error: "refused (EACCES)" };
      }
      const key = vip.prefix.address.text;
      const result = this.#held.has(key) ? ("renewed" as const) : ("created" as const);
      this.#held.set(key, { vip, endsAtMs });
      this.#clock.at(endsAtMs, () => this.#end(key, endsAtMs));
      return { vip, result };
    });
  }

  remove(vips: readonly Vip[]): readonly RemoveResult[] {
    this.#onChange();
    return vips.map((vip) => {
      if (this.failsRemovals && this.gone.has(vip.interface)) {
        return { vip, result: "failed" as const, error: "no such device (ENODEV)" };
      }
      const removed = this.#held.delete(vip.prefix.address.text);
      if (removed) this.#onRemoved(vip);
      return { vip, result: removed ? ("removed" as const) : ("absent" as const) };
    });
  }

  /** The interface goes, and its addresses with it. */
  loseInterface(name: string): void {
    this.gone.add(name);
    const lost = this.addresses.filter((vip) => vip.interface === name);
    for (const vip of lost) this.#held.delete(vip.prefix.address.text);
    this.#onChange();
    for (const vip of lost) this.#onRemoved(vip);
  }

  /** The interface is back, empty. */
  gainInterface(name: string): void {
    this.gone.delete(name);
    this.#onChange();
  }

  /** Power off: nothing is left, and nobody is told. */
  clear(): void {
    this.#onChange();
    this.#held.clear();
  }

  #end(key: string, endsAtMs: number): void {
    const held = this.#held.get(key);
    if (held === undefined || held.endsAtMs !== endsAtMs) return;
    // The lock is given in the order of asking: a renewal that waits was there before the end of its lease.
    if (this.locked) this.#clock.at(this.lockedUntilMs + LOCK_QUEUE_MS, () => this.#end(key, endsAtMs));
    else {
      this.#held.delete(key);
      this.#onChange();
      this.#onRemoved(held.vip);
    }
  }
}
