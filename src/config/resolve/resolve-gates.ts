import { sameAddress } from "../../model/address.ts";
import type { FileState, Gate, GateSubject } from "../../model/gate.ts";
import type { Check } from "../../model/health-check.ts";
import type { Vip } from "../../model/vip.ts";
import type { CheckTable } from "../keys/check-settings.ts";
import { GATES } from "../keys/gate-schema.ts";
import { type Table, whole } from "../keys/table-type.ts";
import type { Place } from "../places/place.ts";
import { checkSettings, resolveCheck } from "./resolve-check.ts";

type GateTable = Table<typeof GATES.item.spec>;

/** The keys that say what is looked at. */
const SUBJECTS = ["target", "command", "process", "interface", "file"] as const;
type SubjectKey = (typeof SUBJECTS)[number];

/** The keys that every gate has. */
const COMMON: ReadonlySet<string> = new Set([
  ...["name", "effect", "when", "interval", "timeout", "rise", "fall", "down_interval"],
  ...["flap_limit", "flap_window", "flap_hold"],
]);
const FILE_STATE_DEFAULT: FileState = GATES.item.spec.file_state.fallback;

/** The keys that belong to a subject besides it; undefined: those of a check, which are judged as such. */
const KEYS_OF: Readonly<Record<SubjectKey, readonly string[] | undefined>> = {
  target: undefined,
  command: undefined,
  process: [],
  interface: [],
  file: ["file_state"],
};

/** What the gate is about; undefined when it says nothing or too much, which is reported. */
function subjectKey(gate: GateTable): SubjectKey | undefined {
  const given = SUBJECTS.filter((key) => gate.given.has(key));
  const [first, second] = given;
  if (first === undefined) {
    const hint = 'such as: process = "haproxy"';
    gate.place.missing(`[[gate]] needs one of the keys ${SUBJECTS.join(", ")}`, hint);
    return undefined;
  }
  // A program may be told a target.
  if (given.length === 2 && first === "target" && second === "command") return "command";
  const stray = first === "target" && second === "command" ? given[2] : second;
  if (stray === undefined) return first;
  gate.place.key(stray).keyError(`a gate with ${first} has no ${stray}`, "make two gates of it: each has one subject");
  return undefined;
}

function checkKeys(gate: GateTable, subject: SubjectKey): void {
  const own = KEYS_OF[subject];
  for (const key of gate.given) {
    if (COMMON.has(key) || key === subject || own?.includes(key) === true) continue;
    // What no gate has is reported already.
    if (own === undefined ? key !== "file_state" : !Object.hasOwn(GATES.item.spec, key)) continue;
    gate.place.key(key).keyError(`a gate with ${subject} has no ${key}`);
  }
}

/** The table as that of a check, whose rules then hold for it; with only what they share when it is about something else. */
function checkTable({ place, fields, given }: GateTable, subject: SubjectKey): CheckTable {
  const { interval, timeout, rise, fall, down_interval, flap_limit, flap_window, flap_hold } = fields;
  const timing = { interval, timeout, rise, fall, down_interval, flap_limit, flap_window, flap_hold };
  const none = { port: undefined, connect_address: undefined, weight_from: undefined };
  if (subject === "target") return { place, given, fields: { ...fields, ...none } };
  const external = { ...fields, ...none, kind: given.has("kind") ? fields.kind : ("external" as const) };
  if (subject === "command") return { place, given, fields: external };
  const blank = Object.fromEntries(Object.keys(external).map((key) => [key, undefined])) as typeof external;
  return { place, given: given.intersection(COMMON), fields: { ...blank, ...timing } };
}

function checkPort(gate: GateTable, { method }: Check): void {
  const { target } = gate.fields;
  if (target === undefined || target.port !== 0 || method.kind === "ping" || method.kind === "external") return;
  const host = target.address.family === "inet" ? target.address.text : `[${target.address.text}]`;
  gate.place
    .key("target")
    .error(
      `target (${target.address.text}) needs a port: a check of the kind "${method.kind}" goes to one`,
      `such as: target = "${host}:80"`,
    );
}

const TARGET_TOKENS = /\{(?:address|port)\}/;
const SERVICE_TOKENS = /\{service\.(?:address|port)\}/;

function checkTokens(gate: GateTable, { method }: Check): void {
  if (method.kind !== "external") return;
  const place = gate.place.key("command");
  for (const [index, word] of method.command.entries()) {
    const [service] = SERVICE_TOKENS.exec(word) ?? [];
    if (service !== undefined) place.index(index).error(`command has ${service}, but a gate belongs to no service`);
    const [token] = TARGET_TOKENS.exec(word) ?? [];
    if (token !== undefined && !gate.given.has("target")) {
      place.index(index).error(`command has ${token}, but there is no target`, 'such as: target = "127.0.0.1:80"');
    } else if (word.includes("{port}") && gate.fields.target?.port === 0) {
      place.index(index).error("command has {port}, but target has no port");
    }
  }
}

/** A standby that asks a VIP asks the other router. */
function checkTarget(gate: GateTable, vips: readonly Vip[]): void {
  const { target, when } = gate.fields;
  if (target === undefined || when !== "always") return;
  if (!vips.some(({ prefix }) => sameAddress(prefix.address, target.address))) return;
  const message = `target is the VIP ${target.address.text}: on the standby this gate asks the active router, not its own`;
  gate.place.key("target").warn(message, 'say when = "active"');
}

function subjectOf({ fields }: GateTable, key: SubjectKey, check: Check | undefined): GateSubject | undefined {
  const { process, interface: link, file, file_state: state = FILE_STATE_DEFAULT, target } = fields;
  switch (key) {
    case "process":
      return process === undefined ? undefined : { kind: "process", name: process };
    case "interface":
      return link === undefined ? undefined : { kind: "interface", name: link };
    case "file":
      return file === undefined ? undefined : { kind: "file", path: file, state };
    default:
      if (check === undefined || (key === "target" && target === undefined)) return undefined;
      return { kind: "check", method: check.method, ...(target === undefined ? {} : { target }) };
  }
}

function resolveGate(gate: GateTable, vips: readonly Vip[]): Gate | undefined {
  const key = subjectKey(gate);
  if (key === undefined) return undefined;
  checkKeys(gate, key);
  const check = resolveCheck(checkSettings(checkTable(gate, key)));
  if (check !== undefined && (key === "target" || key === "command")) {
    checkPort(gate, check);
    checkTokens(gate, check);
    checkTarget(gate, vips);
  }
  const { name, effect, when } = gate.fields;
  const parts = whole({ name, effect, when, subject: subjectOf(gate, key, check) });
  if (parts === undefined || check === undefined) return undefined;
  const { method: _method, ...timing } = check;
  return { ...parts, ...timing };
}

/** The gates; undefined when something is wrong with one of them, which is reported. */
export function resolveGates(
  tables: readonly GateTable[] | undefined,
  vips: readonly Vip[] | undefined,
): readonly Gate[] | undefined {
  const places = new Map<string, Place>();
  const gates: Gate[] = [];
  for (const table of tables ?? []) {
    const gate = resolveGate(table, vips ?? []);
    if (gate !== undefined) gates.push(gate);
    const { name } = table.fields;
    if (name === undefined) continue;
    const place = table.place.key("name");
    const first = places.get(name);
    if (first !== undefined) place.repeated(`the gate ${name} is given twice`, first);
    else places.set(name, place);
  }
  return gates.length === (tables?.length ?? 0) ? gates : undefined;
}
