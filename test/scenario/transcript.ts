/**
 * Plays a transcript: commands, then `----`, then what happened, block after block. Lines that begin with # are for the
 * reader. The world is the simulator's, with all chance taken out, so that the same commands give the same text.
 *
 *   set failback=manual                     before the first start: failback, stop, services, table, lease, neighbours
 *   start R | kill R | freeze R | thaw R | off R | on R
 *   cable R SIDE out|in                     the carrier goes or comes
 *   port R SIDE dead|whole                  the switch's port, with the carrier up
 *   cut PATH [from R] | mend PATH           between the two routers only
 *   filter on|off                           heartbeats are dropped everywhere, all else passes
 *   remove R ADDRESS                        somebody deletes a VIP
 *   lock R DURATION                         the kernel's address lock is held
 *   table R complete                        the balancer's table is loaded
 *   warmth R KNOWN/WANTED [told]            of the active's connections the peer knows so many; told of all for the move
 *   owner R ADDRESS MAC                     somebody answers for a VIP
 *   switch R | take R | force R | release R | hold R | unhold R | stop R
 *   advance DURATION
 *   trace on|off                            show leases, questions, announcements and so on
 *   show                                    roles, terms, who holds what, who is served
 *   history R                               the last transition with its causal chain
 */

import { createState, nextDeadline, step } from "../../src/failover/failover.ts";
import type { Effect } from "../../src/failover/machine/effect.ts";
import type { Input, OperatorCommand } from "../../src/failover/machine/failover-input.ts";
import type { FailoverSettings } from "../../src/failover/machine/settings.ts";
import { parseDuration } from "../../src/model/duration.ts";
import { parseMacAddress } from "../../src/model/mac-address.ts";
import type { PathName, RouterId } from "../../src/model/pair.ts";
import { Checkers, isServed } from "../simulation/checkers.ts";
import { NoChance } from "../simulation/no-chance.ts";
import type { RouterHost } from "../simulation/router-host.ts";
import { ROUTERS, World } from "../simulation/world.ts";

const OPERATOR_COMMANDS: Readonly<Record<string, OperatorCommand>> = {
  switch: { kind: "switch" },
  take: { kind: "take", force: false },
  force: { kind: "take", force: true },
  release: { kind: "release" },
  hold: { kind: "hold" },
  unhold: { kind: "unhold" },
};

/** `40/50`: what the peer knows of this router's connections. */
function warmth(text: string | undefined, toldFor: number | undefined): Extract<Input, { kind: "warmth" }> {
  const [present, wanted] = (text ?? "").split("/").map(Number);
  const known = { present: must(present, `warmth ${text}`), wanted: must(wanted, `warmth ${text}`), fullSync: true };
  return { kind: "warmth", warmth: known, ...(toldFor === undefined ? {} : { toldFor }) };
}

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`not understood: ${what}`);
  return value;
}

function milliseconds(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new RangeError(parsed.problem);
  return parsed.value;
}

/** An effect worth a line; heartbeats and what the simulator logs by itself are not. */
function describe(effect: Effect): string | undefined {
  switch (effect.kind) {
    case "lease":
    case "remove":
    case "announce":
    case "verify":
      return `${effect.kind} ${effect.vips.map((vip) => vip.prefix.address.text).join(" ")}`;
    case "ask-owner":
      return effect.attempt % 20 === 1 ? `ask-owner, attempt ${effect.attempt}` : undefined;
    case "set-balancing":
      return `set-balancing ${effect.role}`;
    case "run-hook":
      return `run-hook ${effect.name}`;
    default:
      return undefined;
  }
}

export class Transcript {
  readonly #checkers = new Checkers();
  readonly #lines: string[] = [];
  #settings: Partial<FailoverSettings> = {};
  #askable = true;
  #loadsTable = true;
  #world: World | undefined;
  #tracing = false;
  #commands = 0;

  /** Runs one block's commands. @returns the lines of what happened. */
  play(commands: readonly string[]): readonly string[] {
    this.#lines.length = 0;
    for (const command of commands) this.#run(command.trim().split(/\s+/));
    return [...this.#lines];
  }

  get #theWorld(): World {
    this.#world ??= this.#makeWorld();
    return this.#world;
  }

  #makeWorld(): World {
    const onEffect = (router: RouterId, effect: Effect) => {
      const text = this.#tracing ? describe(effect) : undefined;
      if (text !== undefined) this.#theWorld.log(`${router}: ${text}`);
    };
    const world = new World({
      random: new NoChance(),
      machine: { createState, step, nextDeadline },
      settings: this.#settings,
      conditions: { delayMs: 0.1, jitterMs: 0, loss: 0, duplication: 0 },
      watcher: { ...this.#checkers.watcher, onEffect },
      observe: (seen) => this.#checkers.observe(seen),
      onLine: (line) => this.#lines.push(line.trimStart()),
    });
    for (const router of ROUTERS) {
      world.hosts[router].askable = this.#askable;
      world.hosts[router].loadsTable = this.#loadsTable;
    }
    return world;
  }

  #host(name: string | undefined): RouterHost {
    return must(
      ROUTERS.map((router) => this.#theWorld.hosts[router]).find((host) => host.router === name),
      `router ${name}`,
    );
  }

  #side(name: string | undefined): PathName {
    return must(name === "public" || name === "private" ? name : undefined, `side ${name}`);
  }

  #run(words: readonly string[]): void {
    const [verb = "", first, second, third] = words;
    const operator = OPERATOR_COMMANDS[verb];
    if (operator !== undefined) {
      this.#commands += 1;
      this.#host(first).command({ kind: "operator", id: this.#commands, command: operator });
    } else if (verb === "set") for (const word of words.slice(1)) this.#set(word);
    else if (verb === "advance") this.#theWorld.run(milliseconds(first ?? ""));
    else if (verb === "trace") this.#tracing = first === "on";
    else if (verb === "show") this.#show();
    else if (verb === "filter") this.#theWorld.filterHeartbeats(first === "on" ? "leaving" : undefined);
    else if (verb === "history") this.#history(this.#host(first));
    else if (verb === "cut" || verb === "mend") this.#cut(verb === "cut", this.#side(first), third);
    else this.#change(verb, this.#host(first), second, third);
  }

  #change(verb: string, host: RouterHost, second: string | undefined, third: string | undefined): void {
    const changes: Readonly<Record<string, () => void>> = {
      start: () => host.start(),
      kill: () => host.kill(),
      freeze: () => host.freeze(),
      thaw: () => host.thaw(),
      off: () => host.powerOff(),
      on: () => host.powerOn(),
      stop: () => host.command({ kind: "stop" }),
      cable: () => host.setCable(this.#side(second), third === "in"),
      port: () => {
        host.ports[this.#side(second)].sends = third === "whole";
        host.ports[this.#side(second)].receives = third === "whole";
      },
      remove: () => {
        const sided = this.#theWorld.settings.vips.find(({ vip }) => vip.prefix.address.text === second);
        host.removeByHand(must(sided, `VIP ${second}`).vip);
      },
      lock: () => {
        host.kernel.lockedUntilMs = this.#theWorld.clock.now + milliseconds(second ?? "");
      },
      table: () => host.completeTable(),
      warmth: () => host.command(warmth(second, third === "told" ? host.process?.state.move?.id : undefined)),
      owner: () => {
        const mac = parseMacAddress(third ?? "");
        host.hearOwner(second ?? "", must(mac.ok ? mac.value : undefined, `MAC ${third}`));
      },
    };
    must(changes[verb], verb)();
  }

  #set(word: string): void {
    const [name = "", value = ""] = word.split("=");
    const choices: Readonly<Record<string, () => Partial<FailoverSettings>>> = {
      failback: () => ({ failback: value === "manual" ? "manual" : "automatic" }),
      stop: () => ({ stop: value === "keep" ? "keep" : "release" }),
      services: () => ({ hasServices: value === "yes" }),
      lease: () => ({ leaseMs: milliseconds(value) }),
      table: () => {
        this.#loadsTable = value !== "never";
        return {};
      },
      neighbours: () => {
        this.#askable = value !== "none";
        return {};
      },
    };
    this.#settings = { ...this.#settings, ...must(choices[name], word)() };
  }

  #cut(isCut: boolean, path: PathName, from: string | undefined): void {
    this.#theWorld.cutBetween(path, isCut, from === undefined ? undefined : this.#host(from).router);
  }

  #show(): void {
    const world = this.#theWorld;
    for (const router of ROUTERS) {
      const { process, kernel, role } = world.hosts[router];
      const held = kernel.addresses.map((vip) => vip.prefix.address.text).toSorted();
      const what = process === undefined ? "no daemon" : `${role}, term ${process.state.term}`;
      this.#lines.push(`  ${router}: ${what}; holds ${held.join(" ") || "nothing"}`);
    }
    this.#lines.push(`  the VIPs ${isServed(world) ? "are served" : "are not served"}`);
  }

  #history(host: RouterHost): void {
    const last = must(host.process?.state.history.at(-1), `history of ${host.router}`);
    this.#lines.push(`  ${last.from} → ${last.to} in term ${last.term}: ${last.reason}`);
    for (const cause of last.causes) {
      const beforeMs = (last.atMs - cause.atMs).toFixed(1);
      this.#lines.push(`    ${beforeMs.padStart(8)} ms before: ${cause.text}`);
    }
  }
}
