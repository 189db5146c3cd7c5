/** What instances and groups of keepalived track, as gates. Weights, which move priorities there, have no counterpart. */
import { durationOf, type ForeignNotes, type ForeignTable, nameFrom } from "../foreign/foreign-model.ts";
import type { Statement } from "./keepalived-blocks.ts";
import { commandOf, numberOf } from "./keepalived-check.ts";
import { fileName, scriptSubject } from "./keepalived-script.ts";

type Keys = Record<string, ForeignTable[string]>;
type Kind = "script" | "process" | "file" | "interface";

/** The blocks that instances and groups have for each. */
const TRACKS: ReadonlyMap<string, Kind> = new Map([
  ["track_script", "script"],
  ["track_process", "process"],
  ["track_file", "file"],
  ["track_interface", "interface"],
]);
/** The blocks that define what is tracked, with old names. */
const DEFINITIONS: ReadonlyMap<string, Kind> = new Map([
  ["vrrp_script", "script"],
  ["vrrp_track_process", "process"],
  ["track_process", "process"],
  ["vrrp_track_file", "file"],
  ["track_file", "file"],
]);
/** keepalived hears of these from the kernel at once. */
const EVENT_TIMES: ForeignTable = { interval: "500ms", rise: 1, fall: 1 };
const EVENT_INTERVAL_SECONDS = 0.5;

interface Reference {
  readonly kind: Kind;
  readonly name: string;
  readonly line: number;
  /** Absent: that of the definition. */
  readonly weight?: number;
  readonly reverse?: boolean;
}

/** `weight -20 reverse` after a name, or in a definition. */
function weightOf(words: readonly string[]): { readonly weight?: number; readonly reverse?: boolean } {
  const at = words.indexOf("weight");
  const text = at < 0 ? undefined : words[at + 1];
  const weight = text !== undefined && /^[+-]?\d{1,10}$/.test(text) ? Number(text) : undefined;
  const reverse = words.includes("reverse") ? true : words.includes("noreverse") ? false : undefined;
  return { ...(weight === undefined ? {} : { weight }), ...(reverse === undefined ? {} : { reverse }) };
}

export class TrackReader {
  readonly #notes: ForeignNotes;
  readonly #definitions = new Map<string, Statement>();
  readonly #references = new Map<string, Reference>();
  /** Whom `script_user` names. */
  #user: string | undefined;

  constructor(notes: ForeignNotes) {
    this.#notes = notes;
  }

  /** A block of the file that defines something to be tracked. @returns whether it is one. */
  define(statement: Statement): boolean {
    const kind = DEFINITIONS.get(statement.keyword);
    if (kind === undefined || statement.block === undefined) return false;
    this.#definitions.set(`${kind} ${statement.words[1] ?? ""}`, statement);
    return true;
  }

  /** A statement of `global_defs` about scripts. @returns whether it is one. */
  global({ keyword, words }: Statement): boolean {
    if (keyword === "script_user") this.#user = words[1];
    // No gate's program runs as root here.
    return keyword === "script_user" || keyword === "enable_script_security";
  }

  /** A statement of an instance or group that tracks something. @returns whether it is one. */
  track({ keyword, block }: Statement): boolean {
    const kind = TRACKS.get(keyword);
    if (kind === undefined || block === undefined) return false;
    for (const { keyword: name, words, line } of block) {
      const key = `${kind} ${name}`;
      // What several instances track is one gate, since all VIPs move together.
      if (!this.#references.has(key)) this.#references.set(key, { kind, name, line, ...weightOf(words) });
    }
    return true;
  }

  /** @param watched the interfaces that need no gate */
  gates(watched: ReadonlySet<string>): readonly ForeignTable[] {
    const gates: ForeignTable[] = [];
    const names = new Set<string>();
    for (const [key, reference] of this.#references) {
      const keys = this.#gate(key, reference, watched);
      if (keys === undefined) continue;
      const name = freeName(reference, names);
      names.add(name);
      gates.push({ name, ...keys });
    }
    for (const [key, { keyword, words, line }] of this.#definitions) {
      if (!this.#references.has(key))
        this.#notes.warn(line, `${keyword} ${words[1] ?? ""} is left out: nothing tracks it`);
    }
    return gates;
  }

  #gate(key: string, reference: Reference, watched: ReadonlySet<string>): Keys | undefined {
    const { kind, name, line } = reference;
    if (kind === "interface") return this.#interface(reference, watched);
    const definition = this.#definitions.get(key);
    if (definition === undefined) {
      this.#notes.warn(line, `${name} is left out: the file defines no such ${kind}`);
      return undefined;
    }
    const block = definition.block ?? [];
    const own = weightOf(block.findLast(({ keyword }) => keyword === "weight")?.words ?? []);
    // keepalived.conf(5): the weight is 1 for files, 0 for the others.
    const weight = reference.weight ?? own.weight ?? (kind === "file" ? 1 : 0);
    const reverse = reference.reverse ?? own.reverse ?? false;
    const keys = this.#subject(kind, definition, { weight, reverse }, line);
    if (keys !== undefined) this.#noteWeight(name, weight, line);
    return keys;
  }

  #subject(
    kind: Exclude<Kind, "interface">,
    definition: Statement,
    { weight, reverse }: { readonly weight: number; readonly reverse: boolean },
    line: number,
  ): Keys | undefined {
    if (kind === "file") return this.#file(definition, weight, reverse);
    if (reverse) return this.#reversed(definition.words[1] ?? "", line);
    return kind === "script" ? this.#script(definition) : this.#process(definition);
  }

  #reversed(name: string, line: number): undefined {
    this.#notes.warn(line, `${name} is left out: reverse turns its meaning around, which no gate does`);
    return undefined;
  }

  #noteWeight(name: string, weight: number, line: number): void {
    if (weight === 0) return;
    const meaning = "priorities are not added up here; when the gate fails, the VIPs move to a router where fewer fail";
    this.#notes.warn(line, `weight ${weight} of ${name}: ${meaning}; effect = "warn" moves nothing`);
  }

  #interface({ name, line, weight = 0, reverse }: Reference, watched: ReadonlySet<string>): Keys | undefined {
    if (reverse === true) return this.#reversed(name, line);
    if (watched.has(name)) {
      this.#notes.warn(line, `${name} needs no gate: an interface of VIPs or heartbeats is watched by itself`);
      return undefined;
    }
    this.#noteWeight(name, weight, line);
    return { interface: name, ...EVENT_TIMES };
  }

  #script({ words, line, block = [] }: Statement): Keys | undefined {
    const name = words[1] ?? "";
    const last = (keyword: string) => block.findLast((statement) => statement.keyword === keyword);
    const number = (keyword: string) => numberOf(last(keyword)?.words[1]);
    for (const inner of block) {
      if (inner.keyword === "init_fail") {
        this.#notes.warn(inner.line, `init_fail of ${name}: a gate is unknown at first, which moves nothing`);
      } else if (!["script", "interval", "timeout", "weight", "rise", "fall", "user"].includes(inner.keyword)) {
        this.#notes.warn(inner.line, `${inner.keyword} of vrrp_script has no counterpart here`);
      }
    }
    const script = last("script");
    const subject = scriptSubject(commandOf(script?.words ?? []), name, script?.line ?? line, this.#notes);
    if (subject === undefined) return undefined;
    const interval = number("interval") ?? 1;
    return {
      ...subject,
      ...("command" in subject ? this.#runAs(name, last("user") ?? script, last("user")?.words[1]) : {}),
      interval: durationOf(interval),
      // Ours must fit into the interval.
      timeout: durationOf(Math.min(number("timeout") ?? interval, interval)),
      rise: number("rise") ?? 1,
      fall: number("fall") ?? 1,
    };
  }

  /** keepalived runs scripts as root unless it is told otherwise, or has a user of that name: keepalived_script. */
  #runAs(name: string, at: Statement | undefined, own: string | undefined): Keys {
    const user = own ?? this.#user;
    if (user !== undefined && user !== "root") return { user };
    const reason = user === undefined ? "another user may be wanted" : "no gate's program runs as root";
    this.#notes.warn(at?.line ?? 1, `${name} runs as nobody here: ${reason}; see user in [[gate]]`);
    return {};
  }

  #process({ words, line, block = [] }: Statement): Keys | undefined {
    const name = words[1] ?? "";
    const [, path = "", ...parameters] = block.findLast(({ keyword }) => keyword === "process")?.words ?? [];
    if (path === "") {
      this.#notes.warn(line, `${name} is left out: it names no process`);
      return undefined;
    }
    if (parameters.length > 0)
      this.#notes.warn(line, `${name}: a process is found by its name alone, not its parameters`);
    let delaySeconds = 0;
    for (const inner of block) {
      const value = numberOf(inner.words[1]) ?? 0;
      if (inner.keyword === "terminate_delay" || inner.keyword === "delay") delaySeconds = value;
      else if (inner.keyword === "quorum" && value > 1) {
        this.#notes.warn(inner.line, `quorum ${value} of ${name}: one process is enough here`);
      } else if (["quorum_max", "full_command", "param_match"].includes(inner.keyword)) {
        this.#notes.warn(inner.line, `${inner.keyword} of vrrp_track_process has no counterpart here`);
      }
    }
    const fall = Math.max(1, Math.ceil(delaySeconds / EVENT_INTERVAL_SECONDS));
    return { process: fileName(path), ...EVENT_TIMES, fall };
  }

  /** With a weight of 0 any number but 0 is a fault there; else the number times the weight is added to the priority. */
  #file({ words, line, block = [] }: Statement, weight: number, reverse: boolean): Keys | undefined {
    const name = words[1] ?? "";
    const path = block.findLast(({ keyword }) => keyword === "file")?.words[1];
    if (path === undefined) {
      this.#notes.warn(line, `${name} is left out: it names no file`);
      return undefined;
    }
    if (weight === 0 && reverse) return this.#reversed(name, line);
    const init = block.find(({ keyword }) => keyword === "init_file");
    if (init !== undefined) {
      this.#notes.warn(init.line, `init_file of ${name}: no file is made here; one that is not there counts as 0`);
    }
    const state = weight === 0 ? "zero" : weight > 0 !== reverse ? "not-negative" : "not-positive";
    return { file: path, file_state: state, ...EVENT_TIMES };
  }
}

/** A name that our configuration takes and no gate before has. */
function freeName({ kind, name }: Reference, taken: ReadonlySet<string>): string {
  const plain = kind === "interface" ? `interface-${nameFrom(name)}` : nameFrom(name);
  const candidates = [plain, `${plain}-${kind}`];
  return candidates.find((candidate) => !taken.has(candidate)) ?? `${plain}-${taken.size + 1}`;
}
