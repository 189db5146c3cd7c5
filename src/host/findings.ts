import type { Config, ConfigIssue, ConfiguredServer } from "../config/keys/config.ts";
import type { Places } from "../config/places/places.ts";
import { whoAmI } from "../config/who-am-i.ts";
import { sameAddress } from "../model/address.ts";
import type { Check, CheckMethod } from "../model/health-check.ts";
import { PATHS, type RouterId } from "../model/pair.ts";
import type { Vip } from "../model/vip.ts";
import type { Complaint, Host } from "./host.ts";
import { thisHost } from "./this-host.ts";

/** Tokens of a check's command are replaced at each attempt: such a path names no one file. */
const TOKEN = /\{(?:service\.)?(?:address|port)\}/;

/** Goes through a configuration and notes what this machine does not have. */
class Look {
  readonly issues: ConfigIssue[] = [];
  readonly #places: Places;
  readonly #host: Host;
  /** What was looked at: one file that thousands of checks name is one finding. */
  readonly #seen = new Set<string>();

  constructor(places: Places, host: Host) {
    this.#places = places;
    this.#host = host;
  }

  note(paths: readonly [string, ...string[]], message: string, hint?: string): void {
    const place = this.#places.of(...paths);
    this.issues.push({ ...place, path: paths[0], message, ...(hint === undefined ? {} : { hint }) });
  }

  /** @param look what the host says of it, asked only once for each `subject`. */
  subject(paths: readonly [string, ...string[]], subject: string, look: () => Complaint | undefined): void {
    if (this.#seen.has(subject)) return;
    this.#seen.add(subject);
    const complaint = look();
    if (complaint !== undefined) this.note(paths, `${subject} ${complaint.problem}`, complaint.hint);
  }

  interface(paths: readonly [string, ...string[]], name: string): void {
    const look = () => (this.#host.hasInterface(name) ? undefined : { problem: "is not on this machine" });
    this.subject(paths, `the interface ${name}`, look);
  }

  ipv6(paths: readonly [string, ...string[]], name: string): void {
    const seen = `IPv6 on ${name}`;
    if (this.#seen.has(seen)) return;
    this.#seen.add(seen);
    const complaint = this.#host.ipv6(name);
    if (complaint !== undefined) this.note(paths, `IPv6 ${complaint.problem}`, complaint.hint);
  }

  program(paths: readonly [string, ...string[]], command: readonly string[], user?: string): void {
    const [path] = command;
    if (path === undefined || TOKEN.test(path)) return;
    const as = user === undefined ? "" : `, run as ${user},`;
    this.subject(paths, `the program ${path}${as}`, () => this.#host.program(path, user));
  }

  file(paths: readonly [string, ...string[]], path: string | undefined): void {
    if (path !== undefined) this.subject(paths, `the file ${path}`, () => this.#host.file(path));
  }

  secretFile(paths: readonly [string, ...string[]], path: string): void {
    this.subject(paths, `the file ${path}`, () => this.#host.secretFile(path));
  }

  keyFile(path: string): void {
    this.subject(["pair.key_file"], `the key file ${path}`, () => this.#host.keyFile(path));
  }
}

function lookAtRouter(config: Config, router: RouterId | undefined, look: Look, host: Host): void {
  const own = host.addresses();
  const who = whoAmI(config, own, router);
  if (!who.ok) {
    look.note(["pair.primary"], who.problem);
    return;
  }
  const { [who.value]: addresses } = config.pair;
  for (const path of PATHS) {
    if (own.some((address) => sameAddress(address, addresses[path]))) continue;
    const message = `this machine, which is ${addresses.name}, does not have its ${path} address ${addresses[path].text}`;
    look.note([`pair.${who.value}.${path}`], message, "put it on an interface, or correct the file");
  }
}

function lookAtVip({ prefix, interface: name }: Vip, look: Look, paths: SettingPaths): void {
  look.interface(paths("interface"), name);
  if (prefix.address.family === "inet6") look.ipv6(paths("address"), name);
}

/** The paths that a setting of a check may stand at, the nearest first: of a table alone, and of one in a list. */
type SettingPaths = (key: string) => readonly [string, ...string[]];

function lookAtMethod(method: CheckMethod, look: Look, paths: SettingPaths): void {
  if (method.kind === "external") {
    look.program(paths("command"), method.command, method.user);
    return;
  }
  if (method.interface !== undefined) look.interface(paths("bind_interface"), method.interface);
  if (method.kind === "radius") look.secretFile(paths("secret_file"), method.secretFile);
  if (!("tls" in method)) return;
  look.file(paths("ca_file"), method.tls?.authoritiesFile);
  look.file(paths("certificate_file"), method.tls?.certificateFile);
  look.file(paths("private_key_file"), method.tls?.keyFile);
}

function checksOf({ check, furtherChecks = [] }: ConfiguredServer): readonly Check[] {
  return check === undefined ? [] : [check, ...furtherChecks];
}

function lookAtServices({ services }: Config, look: Look): void {
  for (const [index, { servers }] of services.entries()) {
    // Servers without a check of their own share the service's.
    const seen = new Set<Check>();
    for (const [row, server] of servers.entries()) {
      for (const [number, check] of checksOf(server).entries()) {
        if (seen.has(check)) continue;
        seen.add(check);
        lookAtMethod(check.method, look, (key) => [
          `service[${index}].real[${row}].check[${number}].${key}`,
          `service[${index}].real[${row}].check.${key}`,
          `service[${index}].check[${number}].${key}`,
          `service[${index}].check[0].${key}`,
          `service[${index}].check.${key}`,
        ]);
      }
    }
  }
}

function lookAtGates({ gates }: Config, look: Look): void {
  for (const [index, { subject }] of gates.entries()) {
    if (subject.kind === "check") lookAtMethod(subject.method, look, (key) => [`gate[${index}].${key}`]);
  }
}

function lookAtHooks({ hooks }: Config, look: Look): void {
  const { active, standby, verdict = [], quorum = [], takeover } = hooks;
  const programs = { active, standby, verdict, quorum, takeover: takeover?.program ?? [] };
  for (const [name, command] of Object.entries(programs)) look.program([`hooks.${name}`], command);
}

/**
 * What of a configuration this machine doesn't have, or has in a form that is of no use: interfaces, its own addresses,
 * the key file, other files, programs. Each finding stands at the setting that names the thing, in the order of the file.
 *
 * Interfaces of VIPs that need not be served (`required = false`), and what gates look at, are not missed: they say
 * themselves that they may be absent.
 * @param router which router of the pair this machine is; undefined: by its addresses
 * @param places of the file that the configuration was read from: `LoadedConfig.places`
 * @throws TandemError when the kernel doesn't say what interfaces and addresses there are
 */
export function hostFindings(
  config: Config,
  router: RouterId | undefined,
  places: Places,
  host: Host = thisHost(),
): readonly ConfigIssue[] {
  const look = new Look(places, host);
  look.keyFile(config.pair.keyFile);
  lookAtRouter(config, router, look, host);
  for (const [index, vip] of config.vips.entries()) {
    if (vip.optional !== true) lookAtVip(vip, look, (key) => [`vip[${index}].${key}`]);
  }
  lookAtServices(config, look);
  lookAtGates(config, look);
  if (config.sync.enabled && config.sync.interface !== undefined) {
    look.interface(["sync.interface"], config.sync.interface);
  }
  lookAtHooks(config, look);
  return places.inOrder(look.issues);
}
