/**
 * The last part of the demonstration, on this machine's own kernel: a pair that only moves VIPs needs no IPVS, and its
 * times are those of a real machine. Started by ../demo.ts.
 */
import { GapProbe } from "../parts/gap-probe.ts";
import { pairConfig } from "../parts/pair-config.ts";
import { PairLab } from "../parts/pair-lab.ts";
import { VipEcho } from "../parts/vip-echo.ts";
import { PUBLIC_VIP, type RouterName } from "../topology.ts";
import { milliseconds, Screen } from "./screen.ts";

const ECHO = { address: PUBLIC_VIP, port: 7 };
const LIMIT_MS = 15_000;

async function measured(
  lab: PairLab,
  screen: Screen,
  what: string,
  act: () => Promise<unknown> | unknown,
  next: RouterName,
): Promise<void> {
  using owners = lab.sampleOwners(1);
  const probe = await GapProbe.start(lab.topology, ECHO);
  await screen.during(what, Bun.sleep(300));
  await act();
  await screen.during(what, owners.awaitOwner(next, LIMIT_MS));
  const gap = await probe.stop();
  const both = Math.max(...Object.values(owners.report().twoOwnersMs));
  screen.good(`${what}: longest gap ${milliseconds(gap.longestGapMs)}, ${gap.lost} of ${gap.sent} datagrams lost,`);
  screen.line(
    `      two owners for ${milliseconds(both)}; the probe itself paused for ${milliseconds(gap.longestPauseMs)}`,
  );
}

async function main(): Promise<void> {
  const screen = Screen.ofDemo();
  screen.chapter("Without IPVS: VIPs only, on this machine's own kernel, a probe each ms");
  await using lab = await screen.during("building the network", PairLab.prepare(pairConfig(), { servers: 1 }));
  using _ = await VipEcho.start(lab.topology, ECHO.address, ECHO.port);
  await screen.during("the routers find each other", lab.startRouters());
  await measured(lab, screen, "failover switch", () => lab.pair.router("lvs1").tandem("failover", "switch"), "lvs2");
  await measured(lab, screen, "kill -9 of the active", () => lab.pair.router("lvs2").signal("SIGKILL"), "lvs1");
}

await main();
process.exit(0);
