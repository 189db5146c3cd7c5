/** The two that are compared: each checks the same servers, once a second each, and keeps an IPVS table by what it finds. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import type { CheckReport } from "../../../src/balance/servers/check-report.ts";
import type { PaceReport } from "../../../src/balance/servers/probe-pace.ts";
import { generateKey } from "../../../src/config/key-file.ts";
import { askDaemon, daemonAnswers } from "../../../src/daemon/control/control-client.ts";
import { IpvsClient } from "../../../src/kernel/ipvs/ipvs-client.ts";
import { OWN, PEER, VIP } from "./peer-network.ts";
import { childrenOf } from "./process-usage.ts";
import { keepalivedServices, type Load, tandemServices } from "./servers.ts";

const TANDEM = resolve(import.meta.dir, "../../../dist/tandem");
const START_LIMIT_MS = 25_000;
const POLL_INTERVAL_MS = 100;

export const PRODUCTS = ["keepalived", "tandem"] as const;
export type Product = (typeof PRODUCTS)[number];

/** One running product. */
export interface Checker extends AsyncDisposable {
  readonly product: Product;
  /** The process that checks; another one after it was started again. @throws when there is none */
  checkerPid(): number;
  /** What else belongs to it. */
  readonly otherPid: number;
  /** How many servers are found alive and in work. */
  inWork(): Promise<number>;
  /** What it says of its own punctuality. */
  pace(): Promise<PaceReport | undefined>;
}

/** Polls until there is a value. @throws when it takes too long. */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  limitMs = START_LIMIT_MS,
): Promise<T> {
  const untilMs = performance.now() + limitMs;
  while (performance.now() < untilMs) {
    const value = await look();
    if (value !== undefined) return value;
    await Bun.sleep(POLL_INTERVAL_MS);
  }
  throw new Error(`${what} did not come within ${limitMs / 1_000} s`);
}

async function end(program: Subprocess, folder: string): Promise<void> {
  program.kill("SIGTERM");
  const killed = setTimeout(() => program.kill("SIGKILL"), 10_000);
  await program.exited;
  clearTimeout(killed);
  rmSync(folder, { recursive: true, force: true });
}

function start(command: readonly string[]): Subprocess {
  return Bun.spawn([...command], { stdio: ["ignore", "ignore", "ignore"] });
}

function onlyChild(program: Subprocess): number | undefined {
  return program.exitCode === null ? childrenOf(program.pid)[0] : undefined;
}

function theChild(program: Subprocess): number {
  const pid = onlyChild(program);
  if (pid === undefined) throw new Error("the process that checks has ended");
  return pid;
}

/** Without it keepalived's checker ends; tandem's goes on checking. */
export function hasIpvs(): boolean {
  return existsSync("/proc/net/ip_vs");
}

function serversInKernel(): number {
  using client = IpvsClient.open();
  return client.table().reduce((sum, { servers }) => sum + servers.length, 0);
}

/** keepalived without VRRP: a parent that does nothing, and its checker. */
export async function startKeepalived(services: string): Promise<Checker> {
  const folder = mkdtempSync(join(tmpdir(), "keepalived-"));
  const config = join(folder, "keepalived.conf");
  writeFileSync(config, `global_defs {\n}\n${services}`);
  const pids = ["--pid", join(folder, "pid"), "--checkers_pid", join(folder, "checkers")];
  const program = start(["keepalived", "--check", "--dont-fork", "--use-file", config, ...pids]);
  await waitFor("keepalived's checker", () => onlyChild(program));
  return {
    product: "keepalived",
    checkerPid: () => theChild(program),
    otherPid: program.pid,
    inWork: () => Promise.resolve(serversInKernel()),
    pace: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => end(program, folder),
  };
}

function tandemConfig(folder: string, services: string): string {
  const router = (table: string, { public: outer, private: inner }: typeof OWN | typeof PEER) =>
    `[pair.${table}]\nname = "${table}"\npublic = "${outer}"\nprivate = "${inner}"\n`;
  return [
    `[pair]\nkey_file = "${folder}/pair.key"\n${router("primary", OWN)}${router("backup", PEER)}`,
    `[[vip]]\naddress = "${VIP}/24"\ninterface = "bench0"\n`,
    services,
  ].join("\n");
}

/** What the daemon knows of each server, and of its own punctuality. */
export interface Known {
  readonly checks: readonly CheckReport[];
  readonly pace?: PaceReport;
}

/** A whole router that sends heartbeats to a peer that isn't there. */
export async function startTandem(services: string): Promise<Checker & { ask(): Promise<Known | undefined> }> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-"));
  const config = join(folder, "tandem.toml");
  const runtimeDir = join(folder, "run");
  mkdirSync(join(folder, "state"));
  writeFileSync(join(folder, "pair.key"), generateKey(), { mode: 0o600 });
  writeFileSync(config, tandemConfig(folder, services));
  const directories = ["--runtime-dir", runtimeDir, "--state-dir", join(folder, "state")];
  const program = start([TANDEM, "run", "--config", config, "--router", "primary", ...directories]);
  await waitFor("tandem's balancer", () => onlyChild(program));
  const ask = async (): Promise<Known | undefined> => {
    if (!(await daemonAnswers(runtimeDir))) return undefined;
    // A balancer that begins with thousands of servers on a slow processor may not answer in time.
    return (await askDaemon(runtimeDir, { command: "checks" }).catch(() => undefined)) as Known | undefined;
  };
  const serversUp = async () => ((await ask())?.checks ?? []).filter(({ verdict }) => verdict === "up").length;
  return {
    product: "tandem",
    checkerPid: () => theChild(program),
    otherPid: program.pid,
    ask,
    // The kernel is asked where it has a table: a list of all checks costs the balancer more than its checks do.
    inWork: async () => (hasIpvs() ? serversInKernel() : await serversUp()),
    pace: async () => (await ask())?.pace,
    [Symbol.asyncDispose]: () => end(program, folder),
  };
}

export function startChecker(product: Product, load: Load): Promise<Checker> {
  return product === "keepalived"
    ? startKeepalived(keepalivedServices(load, VIP))
    : startTandem(tandemServices(load, VIP));
}
