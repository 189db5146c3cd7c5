/**
 * One step in the making. The rules' functions take a turn, replace its state and add to its effects; `step` gives
 * both out as plain data.
 */
import type { Effect, NoticeName } from "./effect.ts";
import type { Cause } from "./history.ts";
import { drawHex } from "./seeded-random.ts";
import { TRAIL_LIMIT } from "./settings.ts";
import type { State } from "./state.ts";

export class Turn {
  /** The turn's own copy: the state that the step was given stays as it was. */
  readonly #draft: { -readonly [K in keyof State]: State[K] };
  readonly now: number;
  readonly effects: Effect[] = [];
  /** The peer must know at once: heartbeats leave with this step. */
  tell = false;

  constructor(state: State, nowMs: number) {
    this.#draft = { ...state };
    this.now = nowMs;
  }

  get state(): State {
    return this.#draft;
  }

  set(change: Partial<State>): void {
    Object.assign(this.#draft, change);
  }

  /** Removes optional fields from the state. */
  clear(...keys: OptionalKey[]): void {
    for (const key of keys) if (this.#draft[key] !== undefined) delete this.#draft[key];
  }

  emit(effect: Effect): void {
    this.effects.push(effect);
  }

  /** Adds a link to the causal chain of the next transition (rule 15). */
  cause(name: string, text: string): void {
    const cause: Cause = { atMs: this.now, name, text };
    this.set({ trail: [...this.state.trail, cause].slice(-TRAIL_LIMIT) });
  }

  /** A log line that is also a link of the chain. */
  notice(level: "info" | "warn" | "error", name: NoticeName, text: string): void {
    this.cause(name, text);
    this.emit({ kind: "notice", level, name, text });
  }

  /** Hexadecimal digits from the seed, at most 64. */
  draw(digits: number): string {
    const drawn = this.state.drawn;
    this.set({ drawn: drawn + 1 });
    return drawHex(this.state.seed, drawn).slice(0, digits);
  }

  /** What must outlive the process, as it is now. */
  persist(): void {
    const { term, lastActiveTerm, hold, abstaining, peerMacs, failback, settings } = this.state;
    this.emit({
      kind: "persist",
      stored: {
        term,
        lastActiveTerm,
        hold,
        ...(abstaining ? { abstaining } : {}),
        peerMacs: [...peerMacs].map(([name, mac]) => ({ interface: name, mac })),
        ...(failback.stableMs === settings.failbackStableMs ? {} : { failbackStableMs: failback.stableMs }),
      },
    });
  }
}

type OptionalKey = {
  [K in keyof State]-?: Record<never, never> extends Pick<State, K> ? K : never;
}[keyof State];
