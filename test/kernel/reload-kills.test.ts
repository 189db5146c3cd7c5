/** What a router that is killed in the middle of a reload leaves in the kernel's table, and what the next one makes of it. */
import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ipvsadmTable } from "../lab/parts/ipvs-table.ts";
import { pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { PUBLIC_VIP, serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";
import { killAtSteps } from "../support/reload-kills.ts";

beforeAll(requireLab);

/** Every step takes a start of the router on a slow kernel: the first ones, and then some of the others. */
const STEPS = [2, 5, 9, 14, 100];
const SETTING = "/proc/sys/net/ipv4/ip_forward";

interface Service {
  readonly port: number;
  readonly scheduler: string;
  readonly forward: "nat" | "direct";
  readonly servers: readonly string[];
}

/** A service stays and is edited, one comes, one goes; NAT, which needs a kernel setting, comes and goes. */
const BEFORE: readonly Service[] = [
  { port: 80, scheduler: "rr", forward: "direct", servers: ["web1"] },
  { port: 81, scheduler: "wlc", forward: "direct", servers: ["web1", "web2"] },
];
const AFTER: readonly Service[] = [
  { port: 80, scheduler: "wlc", forward: "nat", servers: ["web2"] },
  { port: 82, scheduler: "sh", forward: "nat", servers: ["web1"] },
];

function configOf(services: readonly Service[], vip: string): string {
  return pairConfig({
    extraVips: [vip],
    services: services.map(({ port, scheduler, forward, servers }) =>
      serviceText({
        name: `s${port}`,
        listen: `tcp://${PUBLIC_VIP}:${port}`,
        scheduler,
        servers: servers.map((name) => ({
          address: `${serverAddress(name)}:${forward === "nat" ? 80 : port}`,
          forward,
        })),
      }),
    ),
  });
}

function tableOf(services: readonly Service[]): readonly string[] {
  return services
    .flatMap(({ port, scheduler, forward, servers }) => {
      const name = `tcp://${PUBLIC_VIP}:${port}`;
      return [
        `${name} ${scheduler}`,
        ...servers.map((one) => `${name} -> ${serverAddress(one)}:${forward === "nat" ? 80 : port} ${forward} 1`),
      ];
    })
    .toSorted();
}

test("a router that is killed in a reload leaves nothing that its next start does not put right", async () => {
  const vips = ["203.0.113.20", "203.0.113.21"] as const;
  await using lab = await PairLab.prepare(configOf(BEFORE, vips[0]), { servers: 2 });
  const keyPath = join(dirname(lab.pair.configPath), "pair.key");
  const value = () => lab.topology.on("lvs1", () => readFileSync(SETTING, "utf8").trim());
  lab.topology.run("lvs1", ["sysctl", "-qw", "net.ipv4.ip_forward=0"]);
  const state = () => {
    const addresses = lab.topology.run("lvs1", ["ip", "-o", "addr", "show"]);
    const present = vips.filter((vip) => addresses.includes(`${vip}/`));
    const table = ipvsadmTable(lab.topology.run("lvs1", ["ipvsadm", "-Ln"])).toSorted();
    return [...present, `forwarding ${value()}`, ...table].join("\n");
  };
  await killAtSteps({
    lab,
    texts: [
      configOf(BEFORE, vips[0]).replaceAll("KEY_FILE", keyPath),
      configOf(AFTER, vips[1]).replaceAll("KEY_FILE", keyPath),
    ],
    state,
    wanted: [
      [vips[0], "forwarding 0", ...tableOf(BEFORE)].join("\n"),
      [vips[1], "forwarding 1", ...tableOf(AFTER)].join("\n"),
    ],
    steps: STEPS,
    stepsMin: 10,
  });
  expect(state()).toMatch(/^forwarding 0(\n|$)/);
}, 300_000);
