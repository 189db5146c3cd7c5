import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { address } from "../../src/model/address.ts";
import type { CheckMethod } from "../../src/model/health-check.ts";
import { runCheck } from "../../src/probe/run-check.ts";
import { inNamespace, run as runProgram } from "../lab/network-namespace.ts";
import { requireLab } from "../support/lab.ts";

/**
 * Checks of servers for direct routing and tunnels through the VIP, as a client's packets reach them. `mark` picks the
 * server: on a router without the VIP by a rule of routing, on the one with the VIP by an IPVS service of that mark.
 */

const VIP = "203.0.113.10";
const PORT = 8080;
const PATIENT_MS = 10_000;
/** For packets that nobody answers. */
const HASTY_MS = 1_000;
const ROUTER = "tandem-router";
/** By their marks. `web1` serves the VIP, `web2` forgot to; `web3` is behind a tunnel. */
const SERVERS = { 11: "web1", 12: "web2", 13: "web3" } as const;
type Mark = keyof typeof SERVERS;
const MARKS: readonly Mark[] = [11, 12, 13];

const real = (mark: Mark) => `10.9.${mark}.11`;
const router = (mark: Mark) => `10.9.${mark}.2`;
const inRouter = (...command: readonly string[]) => inNamespace(ROUTER, () => runProgram(command));
const listeners: { stop(force: boolean): void }[] = [];

function listen(name: string, hostname: string): void {
  listeners.push(inNamespace(name, () => Bun.listen({ hostname, port: PORT, socket: { data() {} } })));
}

function addServer(mark: Mark): void {
  const name = SERVERS[mark];
  const inServer = (...command: readonly string[]) => inNamespace(name, () => runProgram(command));
  runProgram(["ip", "netns", "add", name]);
  runProgram(["ip", "link", "add", `e${mark}`, "netns", ROUTER, "type", "veth", "peer", "name", "e0", "netns", name]);
  for (const link of ["lo", "e0"]) inServer("ip", "link", "set", link, "up");
  inRouter("ip", "link", "set", `e${mark}`, "up");
  inServer("ip", "address", "add", `${real(mark)}/24`, "dev", "e0");
  inRouter("ip", "address", "add", `${router(mark)}/24`, "dev", `e${mark}`);
  inServer("ip", "address", "add", `${VIP}/32`, "dev", "lo");
  inServer("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2");
  listen(name, real(mark));
  if (mark !== 12) listen(name, VIP);
}

/** What unwraps the packets of a tunnel; their source is not where their answers go. */
function addTunnel(mark: Mark): void {
  const inServer = (...command: readonly string[]) => inNamespace(SERVERS[mark], () => runProgram(command));
  inServer("ip", "link", "add", "wrapped", "type", "ipip", "local", real(mark), "remote", router(mark));
  inServer("ip", "link", "set", "wrapped", "up");
  inServer("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.wrapped.rp_filter=0");
  inRouter("ip", "link", "add", "wrapped", "type", "ipip", "local", router(mark), "remote", real(mark));
  inRouter("ip", "link", "set", "wrapped", "up");
}

/** The outcome of one check of that server. */
async function check(mark: Mark, method: CheckMethod, timeoutMs = PATIENT_MS): Promise<string> {
  const target = { address: address(real(mark)), port: PORT };
  const outcome = await inNamespace(ROUTER, () => runCheck(method, target, timeoutMs));
  return outcome.result === "success" ? "up" : outcome.failure;
}

async function checkAll(methodOf: (mark: Mark) => CheckMethod): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const mark of MARKS) found[SERVERS[mark]] = await check(mark, methodOf(mark));
  return found;
}

const throughVip = (mark: Mark): CheckMethod => ({
  kind: "tcp",
  address: address(VIP),
  source: address(router(mark)),
  mark,
});

beforeAll(() => {
  requireLab();
  runProgram(["ip", "netns", "add", ROUTER]);
  inRouter("ip", "link", "set", "lo", "up");
  for (const mark of MARKS) addServer(mark);
  addTunnel(13);
  inRouter("ipvsadm", "-A", "-t", `${VIP}:${PORT}`, "-s", "rr");
  for (const mark of MARKS) {
    const forward = mark === 13 ? "-i" : "-g";
    inRouter("ipvsadm", "-a", "-t", `${VIP}:${PORT}`, "-r", `${real(mark)}:${PORT}`, forward);
    // The answers come from an address that the router may have itself.
    inRouter("sysctl", "-qw", `net.ipv4.conf.e${mark}.accept_local=1`, `net.ipv4.conf.e${mark}.rp_filter=0`);
  }
  inRouter("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.all.accept_local=1");
});

afterAll(() => {
  for (const listener of listeners) listener.stop(true);
  for (const name of [ROUTER, ...Object.values(SERVERS)]) runProgram(["ip", "netns", "delete", name]);
});

test("by their own addresses all servers are up, also the one that does not serve the VIP", async () => {
  expect(await checkAll(() => ({ kind: "tcp" }))).toEqual({ web1: "up", web2: "up", web3: "up" });
});

describe("on a router without the VIP", () => {
  beforeAll(() => {
    // As on a standby, which must not balance its own packets.
    inRouter("ipvsadm", "--start-daemon", "backup", "--mcast-interface", "e11");
    inRouter("sysctl", "-qw", "net.ipv4.vs.backup_only=1");
    for (const mark of MARKS) {
      const way = mark === 13 ? ["dev", "wrapped"] : ["via", real(mark), "dev", `e${mark}`];
      inRouter("ip", "route", "add", `${VIP}/32`, ...way, "table", `${mark}`);
      inRouter("ip", "rule", "add", "fwmark", `${mark}`, "lookup", `${mark}`);
    }
  });
  afterAll(() => {
    for (const mark of MARKS) inRouter("ip", "rule", "delete", "fwmark", `${mark}`);
    inRouter("ipvsadm", "--stop-daemon", "backup");
    inRouter("sysctl", "-qw", "net.ipv4.vs.backup_only=0");
  });

  test("the mark picks the server by a rule of routing", async () => {
    expect(await checkAll(throughVip)).toEqual({ web1: "up", web2: "refused", web3: "up" });
  });

  test("without the mark there is no way to the VIP", async () => {
    const unmarked = (mark: Mark): CheckMethod => {
      const { mark: _none, ...rest } = throughVip(mark) as Extract<CheckMethod, { kind: "tcp" }>;
      return rest;
    };
    expect(await checkAll(unmarked)).toEqual({ web1: "unreachable", web2: "unreachable", web3: "unreachable" });
  });
});

describe("on the router with the VIP", () => {
  beforeAll(() => {
    inRouter("ip", "address", "add", `${VIP}/32`, "dev", "e11");
    for (const mark of MARKS) {
      inRouter("ipvsadm", "-A", "-f", `${mark}`, "-s", "rr");
      inRouter("ipvsadm", "-a", "-f", `${mark}`, "-r", real(mark), mark === 13 ? "-i" : "-g");
    }
  });

  test("the mark picks the server by an IPVS service, however often", async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await checkAll(throughVip)).toEqual({ web1: "up", web2: "refused", web3: "up" });
    }
  });

  test("without such a service the check goes wherever the balanced service sends it", async () => {
    for (const mark of MARKS) inRouter("ipvsadm", "-D", "-f", `${mark}`);
    const found: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) found.push(await check(11, throughVip(11), HASTY_MS));
    // Round robin comes by the one that refuses, and by the one that has no way back to this source.
    expect(found.filter((outcome) => outcome === "up").length).toBe(1);
  });
});
