/** The chapters of the demonstration, in their order. Each leaves the pair as the next one expects it. */
import { HeldConnections } from "../parts/held-connections.ts";
import { ipvsadmTable, tandemTable } from "../parts/ipvs-table.ts";
import { spreadRequests } from "../parts/requests.ts";
import { runTrial, SCHEDULER_TRIALS } from "../parts/scheduler-trials.ts";
import { type RouterName, serverAddress } from "../topology.ts";
import type { Measurement } from "./measurement.ts";
import { milliseconds } from "./screen.ts";
import { FAILBACK_AFTER_SECONDS, type Stage } from "./stage.ts";

const PICTURE = [
  "                      public 203.0.113.0/24      private 10.0.0.0/24",
  "                                  ┌─ lvs1 .2 ─┐      ┌─ web1 .11",
  "    client .100 ── VIP .10 (+4) ──┤           ├─ .1 ─┼─ web2 .12",
  "                                  └─ lvs2 .3 ─┘      └─ web3 .13",
];

/** A takeover needs the old owner's lease to end, 3 s and what the kernel adds, on a slow CPU. */
const TAKEOVER_LIMIT_MS = 15_000;
const FAILBACK_LIMIT_MS = 30_000;
/** In a planned move both have the VIP for a moment; the agreement between the routers runs out after a second. */
const AGREEMENT_MS = 1000;
const CONNECTIONS = 50;
/** A connection that begins in the very moment of a planned move may be unknown to the new owner. */
const REQUESTS_UNDER_WAY = 2;
/** Who is who, and the paths: the head of `tandem status`. */
const STATUS_LINES = 7;

export async function start(stage: Stage): Promise<void> {
  const { screen, pair } = stage;
  screen.chapter("Two routers, one configuration");
  for (const line of PICTURE) screen.line(screen.paint("dim", line));
  const checked = await pair.router("lvs1").tandem("config", "check", "--config", pair.configPath);
  const said = (checked.stdout + checked.stderr).trim().replace(/^.*\/tandem\.toml/, "tandem.toml");
  stage.check(checked.exitCode === 0, `tandem config check: ${said}`);
  screen.act("tandem run, on both routers");
  const beganMs = performance.now();
  await screen.during("both routers find each other, all servers are checked", stage.lab.startRouters());
  stage.check(true, `lvs1 is active, lvs2 standby, all servers up after ${milliseconds(performance.now() - beganMs)}`);
  const status = await pair.router("lvs1").tandem("status");
  for (const line of status.stdout.split("\n").slice(0, STATUS_LINES)) screen.quote(line);
  const listed = tandemTable((await pair.router("lvs1").tandem("service", "list", "--json")).stdout);
  const seen = ipvsadmTable(stage.topology.run("lvs1", ["ipvsadm", "-Ln"]));
  const same = listed.join("\n") === seen.join("\n");
  stage.check(same, `tandem service list and ipvsadm -Ln show the same ${seen.length} services and servers`);
}

export async function schedulers(stage: Stage): Promise<void> {
  const { screen } = stage;
  screen.chapter("Requests from the client, spread by each of the eight schedulers");
  screen.line(screen.paint("dim", "    scheduler  weights   web1  web2  web3   what it promises"));
  for (const trial of SCHEDULER_TRIALS) {
    const { perServer, kept } = await screen.during(
      `asking through ${trial.scheduler}`,
      runTrial(trial, stage.topology),
    );
    stage.firstRequestAtMs ??= Date.now();
    const counts = stage.topology.serverNames.map((name) => String(perServer[name] ?? 0).padStart(6)).join("");
    const weights = trial.weights.join(" ").padEnd(8);
    const mark = kept ? screen.paint("green", "✓") : screen.paint("red", "✗");
    screen.line(`  ${mark} ${trial.scheduler.padEnd(10)} ${weights}${counts}   ${trial.promise}`);
    if (!kept) stage.failures.push(`${trial.scheduler}: ${trial.promise}`);
  }
}

export async function killed(stage: Stage): Promise<void> {
  const { screen, pair } = stage;
  screen.chapter("The active router is killed");
  screen.act("kill -9 of tandem on lvs1; its kernel still has the VIPs, on a lease of 3 s");
  const seen = await stage.takeover("lvs1 killed", () => pair.router("lvs1").signal("SIGKILL"), "lvs2", {
    limitMs: TAKEOVER_LIMIT_MS,
  });
  tellUnplanned(stage, seen, "lvs2");
  pair.router("lvs1").start();
  screen.act("lvs1 is started again");
  await stage.until(
    "lvs1 becomes standby",
    20_000,
    async () => (await pair.router("lvs1").status())?.peer.alive === true,
  );
  stage.check(true, `lvs1 is standby; it gets its role back when it has been stable for ${FAILBACK_AFTER_SECONDS} s`);
}

export async function serverDies(stage: Stage): Promise<void> {
  const { screen, topology, web } = stage;
  const victim = stage.lab.server("web2");
  screen.chapter("Meanwhile: a real server dies and returns");
  const inTable = () =>
    topology
      .run("lvs2", ["ipvsadm", "-Ln", "-t", `${web.address}:${web.port}`])
      .includes(`${serverAddress(victim.name)}:`);
  victim.behave("refuse");
  screen.act(`${victim.name} refuses connections; three failed checks, 500 ms apart, take it out`);
  const outMs = await stage.until(`${victim.name} leaves the kernel's table`, 10_000, () => !inTable());
  const without = await spreadRequests(topology, web, { count: 30, parallel: 3 });
  const clean = without.failed === 0 && without.perServer[victim.name] === 0;
  stage.check(
    clean,
    `out after ${milliseconds(outMs)}; 30 requests since: ${spreadText(without.perServer)}, ${without.failed} lost`,
  );
  victim.behave("answer");
  screen.act(`${victim.name} answers again; two good checks bring it back`);
  const backMs = await stage.until(`${victim.name} is in the kernel's table again`, 10_000, inTable);
  const again = await spreadRequests(topology, web, { count: 30, parallel: 3 });
  const shared = again.failed === 0 && (again.perServer[victim.name] ?? 0) > 0;
  stage.check(
    shared,
    `back after ${milliseconds(backMs)}; 30 requests since: ${spreadText(again.perServer)}, ${again.failed} lost`,
  );
}

export async function failback(stage: Stage): Promise<void> {
  const { screen, topology, web, pair } = stage;
  screen.chapter("The primary returns: fail-back with open connections");
  stage.connections = await screen.during(
    `opening ${CONNECTIONS} connections`,
    HeldConnections.open(topology, web, CONNECTIONS),
  );
  screen.act(`${CONNECTIONS} connections are open, each says something ten times a second`);
  const backAtMs = stage.primaryBackAtMs ?? performance.now();
  const label = () => `stable for ${Math.floor((performance.now() - backAtMs) / 1000)} of ${FAILBACK_AFTER_SECONDS} s`;
  const seen = await stage.takeover("fail-back to lvs1", () => {}, "lvs1", { limitMs: FAILBACK_LIMIT_MS, label });
  tellPlanned(stage, seen, "lvs1");
  const history = await pair.router("lvs1").tandem("failover", "history", "--limit", "1");
  for (const line of history.stdout.trimEnd().split("\n"))
    screen.line(screen.paint("dim", `      ${line}`.slice(0, 79)));
}

export async function cutOff(stage: Stage): Promise<void> {
  const { screen, topology, pair } = stage;
  screen.chapter("The active router is cut off");
  screen.act("both cables of lvs1 are pulled at once");
  const seen = await stage.takeover("lvs1 cut off", () => topology.unplugAll("lvs1"), "lvs2", {
    limitMs: TAKEOVER_LIMIT_MS,
  });
  // What lvs1 has while nobody can reach it is no second owner to anybody.
  stage.check(true, "lvs2 has the VIPs, lvs1 has dropped them");
  tellLosses(stage, seen);
  topology.plugAll("lvs1");
  screen.act("the cables are back");
  await screen.during("the routers hear each other", stage.lab.awaitRole("lvs1", "standby"));
  stage.check((await pair.router("lvs2").status())?.router.role === "active", "lvs1 is standby, lvs2 stays active");
}

export async function switched(stage: Stage): Promise<void> {
  const { screen, pair } = stage;
  screen.chapter("A planned move, by command");
  screen.act("tandem failover switch");
  const act = async () => {
    const { exitCode, stderr } = await pair.router("lvs2").tandem("failover", "switch");
    if (exitCode !== 0) throw new Error(stderr.trim());
  };
  tellPlanned(stage, await stage.takeover("failover switch", act, "lvs1", { limitMs: TAKEOVER_LIMIT_MS }), "lvs1");
}

export async function stopped(stage: Stage): Promise<void> {
  const { screen, pair } = stage;
  screen.chapter("The active router hangs");
  screen.act("kill -STOP of tandem on lvs1: alive for its kernel, but silent");
  const seen = await stage.takeover("lvs1 stopped", () => pair.router("lvs1").signal("SIGSTOP"), "lvs2", {
    limitMs: TAKEOVER_LIMIT_MS,
  });
  tellUnplanned(stage, seen, "lvs2");
  pair.router("lvs1").signal("SIGCONT");
  screen.act("kill -CONT: it wakes up and believes that it is active");
  await stage.until(
    "lvs1 finds out",
    10_000,
    async () => (await pair.router("lvs1").status())?.router.role === "standby",
  );
  stage.check(true, "it gave up before it touched an address: its leases had lapsed, lvs2 had a higher term");
}

function tellUnplanned(stage: Stage, seen: Measurement, owner: RouterName): void {
  stage.check(seen.twoOwnersMs === 0, `${owner} has the VIPs; two owners: ${milliseconds(seen.twoOwnersMs)}`);
  tellLosses(stage, seen);
}

function tellLosses(stage: Stage, seen: Measurement): void {
  stage.screen.line(`      longest gap ${milliseconds(seen.longestGapMs)}, ${seen.lost} of ${seen.sent} requests lost`);
  tellConnections(stage, seen, false);
}

function tellPlanned(stage: Stage, seen: Measurement, owner: RouterName): void {
  stage.check(
    seen.twoOwnersMs < AGREEMENT_MS,
    `${owner} has the VIPs; both had them for ${milliseconds(seen.twoOwnersMs)}`,
  );
  stage.check(
    seen.lost <= REQUESTS_UNDER_WAY,
    `longest gap ${milliseconds(seen.longestGapMs)}, ${seen.lost} of ${seen.sent} requests lost`,
  );
  tellConnections(stage, seen, true);
}

function tellConnections(stage: Stage, seen: Measurement, mustLive: boolean): void {
  if (seen.connections === 0) return;
  const text = `${seen.connections - seen.connectionsLost} of ${seen.connections} open connections live on`;
  if (mustLive) stage.check(seen.connectionsLost === 0, text);
  else stage.screen.line(`      ${text}`);
}

function spreadText(perServer: Readonly<Record<string, number>>): string {
  return Object.entries(perServer)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
