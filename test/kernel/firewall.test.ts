/** What iptables does to answers behind NAT in a real kernel, and what `tandem doctor` says of it. */
import { beforeAll, expect, test } from "bun:test";
import { address, addressBytes } from "../../src/model/address.ts";
import { PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { request } from "../lab/parts/requests.ts";
import { PUBLIC_VIP, serverAddress } from "../lab/topology.ts";
import { conntrackMatch, type TableText } from "../support/iptables-table.ts";
import { requireLab } from "../support/lab.ts";
import { replaceTable } from "./support/replace-table.ts";

beforeAll(requireLab);

const hasIptables = Bun.spawnSync(["modprobe", "-a", "iptable_filter", "xt_conntrack"], {
  stdout: "ignore",
  stderr: "ignore",
}).success;

/** Longer than a request takes here, and than the first time that TCP asks again. */
const REFUSED_AFTER_MS = 4_000;
const WARNED_AFTER_MS = 90_000;
/** XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED) */
const ESTABLISHED = 2;

const SERVER = serverAddress("web1");
const FOUND =
  `error firewall-answers: the firewall drops the answers of real servers behind NAT (${SERVER}:80): the policy of chain ` +
  `FORWARD in table ip filter is drop, and no rule lets them through; iptables-legacy -I FORWARD -s ${SERVER} -j ACCEPT`;

test.skipIf(!hasIptables)("doctor finds what a policy of DROP does to answers, and only that", async () => {
  const web = serviceText({
    name: "web",
    listen: `tcp://${PUBLIC_VIP}:80`,
    scheduler: "rr",
    servers: [{ address: `${SERVER}:80` }],
  });
  await using lab = await PairLab.start(pairConfig({ pair: PATIENT_PAIR, services: [web] }), { servers: 1 });
  const { topology, pair } = lab;
  const look = async () => {
    const { stdout } = await pair.router("lvs1").tandem("doctor", "--json", "--config", pair.configPath);
    const report: { findings: { name: string; severity: string; message: string; mend: string }[] } =
      JSON.parse(stdout);
    const found = report.findings
      .filter(({ name }) => name.startsWith("firewall"))
      .map(({ name, severity, message, mend }) => `${severity} ${name}: ${message}; ${mend}`);
    const target = { address: PUBLIC_VIP, port: 80 };
    const { kind } = await request(topology, target, { timeoutMs: REFUSED_AFTER_MS });
    return { kind, found };
  };
  const set = (text: TableText) => topology.on("lvs1", () => replaceTable(text));

  expect(await look()).toEqual({ kind: "answered", found: [] });
  set({ policies: { FORWARD: "DROP" } });
  expect(await look()).toEqual({ kind: "failed", found: [FOUND] });
  // The daemon looks by itself every minute, and after a reload at once.
  const router = pair.router("lvs1");
  router.signal("SIGHUP");
  await lab.until("status tells it", WARNED_AFTER_MS, async () => {
    const { warnings = [] } = (await router.status()) ?? {};
    return warnings.some((warning) => warning.startsWith("the firewall drops the answers of real servers behind NAT"));
  });
  const source = addressBytes(address(SERVER));
  set({ policies: { FORWARD: "DROP" }, rules: { FORWARD: [{ source, target: "ACCEPT" }] } });
  expect(await look()).toEqual({ kind: "answered", found: [] });

  // IPVS keeps its packets from connection tracking, unless net.ipv4.vs.conntrack says otherwise: then it knows them.
  set({
    policies: { FORWARD: "DROP" },
    rules: { FORWARD: [{ matches: [conntrackMatch(ESTABLISHED)], target: "ACCEPT" }] },
  });
  expect(await look()).toEqual({ kind: "failed", found: [FOUND] });
  topology.run("lvs1", ["sysctl", "-qw", "net.ipv4.vs.conntrack=1"]);
  expect(await look()).toEqual({ kind: "answered", found: [] });
});
