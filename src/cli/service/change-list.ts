/**
 * A list of changes as text, one command on a line as it would be typed, carried out on a table in memory. What the
 * list makes of the table is then planned and done as one: a mistake on the last line leaves the kernel untouched.
 */
import type { PlannedService } from "../../balance/table/table-plan.ts";
import { planService } from "../../balance/table/table-plan.ts";
import type { ConfigIssue } from "../../config/keys/config.ts";
import type { IpvsChange, ObservedService } from "../../model/ipvs-table.ts";
import { type RealServer, realServerKey } from "../../model/real-server.ts";
import { newServer, withServerSettings } from "../../model/server-settings.ts";
import { formatServiceKey, type ServiceKey, type VirtualService } from "../../model/virtual-service.ts";
import { readCommandLine } from "../line/argv.ts";
import { withServicePort } from "../line/service-port.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import { real } from "../spec/real-spec.ts";
import { service } from "../spec/service-spec.ts";
import type { InputOf, NamedValues } from "../spec/spec-types.ts";
import { newService, withSettings } from "./service-settings.ts";

interface Entry {
  service: VirtualService;
  readonly servers: Map<string, RealServer>;
}

type ServiceVerbs = (typeof service)["verbs"];
type RealVerbs = (typeof real)["verbs"];

/** More lines would not be read by anybody. */
const ISSUES_MAX = 20;

/** The kernel's table, changed in memory. Each method gives what is wrong, or undefined. */
class TableDraft {
  readonly entries = new Map<string, Entry>();
  /** Services that a line was about. */
  readonly touched = new Map<string, ServiceKey>();

  constructor(before: ReadonlyMap<string, ObservedService>) {
    for (const [name, { service: virtual, servers }] of before) {
      this.entries.set(name, {
        service: virtual,
        servers: new Map(servers.map(({ server }) => [realServerKey(server), server])),
      });
    }
  }

  addService(input: InputOf<ServiceVerbs["add"]>): string | undefined {
    const name = this.#touch(input.service);
    const entry = this.entries.get(name);
    if (entry !== undefined && !input.orEdit) return `${name} exists already; --or-edit changes it`;
    const wanted = withSettings(newService(input.service), input);
    if (!wanted.ok) return wanted.problem;
    if (entry === undefined) this.entries.set(name, { service: wanted.value, servers: new Map() });
    else entry.service = wanted.value;
    return undefined;
  }

  editService(input: InputOf<ServiceVerbs["edit"]>): string | undefined {
    const entry = this.entries.get(this.#touch(input.service));
    if (entry === undefined) return missing(input.service);
    const wanted = withSettings(entry.service, input);
    if (!wanted.ok) return wanted.problem;
    entry.service = wanted.value;
    return undefined;
  }

  deleteServices(input: InputOf<ServiceVerbs["del"]>): string | undefined {
    const absent = input.services.find((key) => !this.entries.delete(this.#touch(key)));
    return absent === undefined || input.ifExists ? undefined : missing(absent);
  }

  addServer(input: InputOf<RealVerbs["add"]>): string | undefined {
    return this.#setServer(input, (present, name) => {
      if (present !== undefined && !input.orEdit) return `the service has ${name} already; --or-edit changes it`;
      return newServer(withServicePort(input.service, input.server));
    });
  }

  editServer(input: InputOf<RealVerbs["edit"]>): string | undefined {
    return this.#setServer(input, (present, name) => present ?? `the service has no real server ${name}`);
  }

  deleteServer(input: InputOf<RealVerbs["del"]>): string | undefined {
    const entry = this.entries.get(this.#touch(input.service));
    const name = realServerKey({ endpoint: withServicePort(input.service, input.server) });
    if (entry?.servers.delete(name) === true || input.ifExists) return undefined;
    return entry === undefined ? missing(input.service) : `the service has no real server ${name}`;
  }

  /** @param start the server that the settings are laid over, or what is wrong. */
  #setServer(
    input: InputOf<RealVerbs["edit"]>,
    start: (present: RealServer | undefined, name: string) => RealServer | string,
  ): string | undefined {
    const entry = this.entries.get(this.#touch(input.service));
    if (entry === undefined) return missing(input.service);
    const name = realServerKey({ endpoint: withServicePort(input.service, input.server) });
    const current = start(entry.servers.get(name), name);
    if (typeof current === "string") return current;
    const wanted = withServerSettings(current, input, input.service);
    if (!wanted.ok) return wanted.problem;
    entry.servers.set(name, wanted.value);
    return undefined;
  }

  #touch(key: ServiceKey): string {
    const name = formatServiceKey(key);
    this.touched.set(name, key);
    return name;
  }
}

function missing(key: ServiceKey): string {
  return `there is no virtual service ${formatServiceKey(key)}`;
}

/** What a line's words do. The values are of the verb's type: the command table has read them. */
const STEPS: Readonly<Record<string, (draft: TableDraft, input: unknown) => string | undefined>> = {
  "service add": (draft, input) => draft.addService(input as InputOf<ServiceVerbs["add"]>),
  "service edit": (draft, input) => draft.editService(input as InputOf<ServiceVerbs["edit"]>),
  "service del": (draft, input) => draft.deleteServices(input as InputOf<ServiceVerbs["del"]>),
  "real add": (draft, input) => draft.addServer(input as InputOf<RealVerbs["add"]>),
  "real edit": (draft, input) => draft.editServer(input as InputOf<RealVerbs["edit"]>),
  "real del": (draft, input) => draft.deleteServer(input as InputOf<RealVerbs["del"]>),
};

const NOUNS = [service, real] as const;

/** Carries one line out. @returns what is wrong with it. */
function runLine(draft: TableDraft, words: readonly string[], names?: NamedValues): string | undefined {
  const step = STEPS[words.slice(0, 2).join(" ")];
  if (step === undefined) return `a line begins with ${Object.keys(STEPS).join(", ")}`;
  if (words.includes("--resolve")) return "--resolve is for the whole list: tandem service apply --resolve";
  try {
    const line = readCommandLine(
      words,
      NOUNS,
      NOUNS.find(({ name }) => name === words[0]),
      names,
    );
    if (line.kind !== "command") return "a line is one command";
    if (line.globals.dryRun) return "--dry-run is for the whole list: tandem service apply --dry-run";
    return step(draft, line.input);
  } catch (error) {
    if (error instanceof CommandLineError) return error.problems.join("; ");
    throw error;
  }
}

export type ChangeList =
  | { readonly ok: true; readonly changes: readonly IpvsChange[] }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

function plan(draft: TableDraft, before: ReadonlyMap<string, ObservedService>): IpvsChange[] {
  return [...draft.touched].flatMap(([name, key]): IpvsChange[] => {
    const entry = draft.entries.get(name);
    const present = before.get(name);
    if (entry === undefined) return present === undefined ? [] : [{ kind: "delete-service", key }];
    const wanted: PlannedService = { service: entry.service, servers: [...entry.servers.values()] };
    return planService(wanted, present);
  });
}

/**
 * Reads a list of changes: `service add …`, `real edit …`, one on a line, with or without `tandem` before it; `#` begins
 * a comment.
 * @param before the table that they are for
 * @param names what names stand for, where they may stand
 * @returns the smallest set of changes that the list comes to, or each mistake with its line.
 */
export function readChangeList(
  text: string,
  before: ReadonlyMap<string, ObservedService>,
  names?: NamedValues,
): ChangeList {
  const draft = new TableDraft(before);
  const issues: ConfigIssue[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const words = line
      .replace(/(^|\s)#.*$/, "")
      .split(/\s+/)
      .filter((word) => word !== "");
    if (words[0] === "tandem") words.shift();
    const problem = words.length === 0 ? undefined : runLine(draft, words, names);
    if (problem === undefined) continue;
    issues.push({ line: index + 1, column: line.search(/\S/) + 1, path: "", message: problem });
    if (issues.length >= ISSUES_MAX) break;
  }
  return issues.length > 0 ? { ok: false, issues } : { ok: true, changes: plan(draft, before) };
}
