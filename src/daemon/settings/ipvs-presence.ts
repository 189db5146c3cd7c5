/** Whether the kernel has IPVS; loads it, again and again while it is not there. */
import { hasIpvs, hasIpvsTrace } from "../../kernel/ipvs/ipvs-module.ts";
import { loadIpvsAside } from "./ipvs-loading.ts";

/** The pause before IPVS is loaded again, doubling from the first to the last: a missing package may be installed. */
export const LOAD_PAUSE_FIRST_MS = 10_000;
export const LOAD_PAUSE_LAST_MS = 60_000;

/** The kernel as the presence sees it; another one in tests. */
export interface IpvsAccess {
  /** Whether there is a sign of IPVS. Never waits. */
  readonly hasTrace: () => boolean;
  /** Whether it can be used. May wait for the kernel. */
  readonly isThere: () => boolean;
  /** Loads it where it is not there. @returns why it is not there then; undefined when it is. */
  readonly load: () => Promise<string | undefined>;
}

export interface IpvsPresenceOptions {
  readonly now: () => number;
  /** Told once IPVS is needed, and at each change; `reason` is a clause that says why IPVS is not there. */
  readonly onChange: (available: boolean, reason: string | undefined) => void;
  readonly kernel?: IpvsAccess;
}

const THIS_KERNEL: IpvsAccess = { hasTrace: hasIpvsTrace, isThere: hasIpvs, load: () => loadIpvsAside() };
const NOT_LOADED = "it is not loaded yet";
const UNLOADED = "somebody has unloaded it";

/**
 * Whether the kernel has IPVS, for a router that needs it, and the attempts to load it while it has not. After the start
 * nothing here waits for the kernel.
 */
export class IpvsPresence {
  readonly #options: IpvsPresenceOptions;
  readonly #kernel: IpvsAccess;
  #isNeeded = false;
  #isTold = false;
  #available = false;
  #reason: string | undefined;
  #loading = false;
  #hadTrace = false;
  #pauseMs = LOAD_PAUSE_FIRST_MS;
  #loadAtMs = Number.POSITIVE_INFINITY;

  constructor(options: IpvsPresenceOptions) {
    this.#options = options;
    this.#kernel = options.kernel ?? THIS_KERNEL;
  }

  /** Whether IPVS was there when last looked; false while nobody needs it. */
  get available(): boolean {
    return this.#isNeeded && this.#available;
  }

  /** Why it is not there, a clause; undefined when it is, or nobody needs it. */
  get reason(): string | undefined {
    return this.#isNeeded ? this.#reason : undefined;
  }

  /**
   * IPVS is needed from now on.
   * @param mayWait whether the kernel may be asked at once: before the first heartbeat. Else a sign of IPVS counts, and is
   *   looked into aside.
   */
  need(mayWait: boolean): void {
    if (this.#isNeeded) return;
    this.#isNeeded = true;
    this.#isTold = false;
    this.#hadTrace = this.#kernel.hasTrace();
    if (!this.#hadTrace || (mayWait && !this.#isThere())) {
      this.#lack(NOT_LOADED);
      return;
    }
    this.#tell(true, undefined);
    if (!mayWait) this.#load();
  }

  /** It is not needed any more; nothing is told until it is again. */
  release(): void {
    this.#isNeeded = false;
  }

  /** To be called every second or so. */
  watch(): void {
    if (!this.#isNeeded) return;
    const hasTrace = this.#kernel.hasTrace();
    const appeared = hasTrace && !this.#hadTrace;
    this.#hadTrace = hasTrace;
    if (this.#available) {
      if (!hasTrace) this.#lack(UNLOADED);
    } else if (appeared || this.#options.now() >= this.#loadAtMs) this.#load();
  }

  #isThere(): boolean {
    try {
      return this.#kernel.isThere();
    } catch {
      // The process that loads it says why.
      return false;
    }
  }

  #lack(reason: string): void {
    this.#pauseMs = LOAD_PAUSE_FIRST_MS;
    this.#tell(false, reason);
    this.#load();
  }

  #load(): void {
    if (this.#loading) return;
    this.#loading = true;
    void this.#kernel.load().then((reason) => {
      this.#loading = false;
      this.#loadAtMs = this.#options.now() + this.#pauseMs;
      this.#pauseMs = Math.min(this.#pauseMs * 2, LOAD_PAUSE_LAST_MS);
      if (this.#isNeeded) this.#tell(reason === undefined, reason);
    });
  }

  #tell(available: boolean, reason: string | undefined): void {
    if (this.#isTold && available === this.#available && reason === this.#reason) return;
    this.#isTold = true;
    this.#available = available;
    this.#reason = reason;
    this.#options.onChange(available, reason);
  }
}
