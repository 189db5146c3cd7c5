/** `tandem failover drill` with services: a router's own connections go through IPVS here and there. */
import { beforeAll, expect, test } from "bun:test";
import { PATIENT_CHECK, PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { PUBLIC_VIP, serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

const REALS = ["web1", "web2"].map((name) => ({ address: `${serverAddress(name)}:80` }));
const CONFIG = pairConfig({
  pair: PATIENT_PAIR,
  services: [
    serviceText({
      name: "web",
      listen: `tcp://${PUBLIC_VIP}:80`,
      scheduler: "rr",
      servers: REALS,
      check: PATIENT_CHECK,
    }),
    serviceText({ name: "dns", listen: `udp://${PUBLIC_VIP}:53`, scheduler: "rr", servers: REALS }),
  ],
});

test("no connection to a service is lost on the way there and back; what is not TCP is said to be left out", async () => {
  await using lab = await PairLab.start(CONFIG, { servers: 2 });
  const words = ["--pause", "500ms", "--config", lab.pair.configPath, "--max-gap", "1m", "--json"];
  const { exitCode, stdout } = await lab.pair.router("lvs2").tandem("failover", "drill", ...words);
  const said = JSON.parse(stdout);
  const [, , web] = said.streams;
  expect(web.lostBecause).toEqual([]);
  expect(said).toMatchObject({
    good: true,
    switches: [
      { from: "lvs1", to: "lvs2" },
      { from: "lvs2", to: "lvs1" },
    ],
    skipped: [`dns udp://${PUBLIC_VIP}:53`],
  });
  expect(web).toMatchObject({ target: `web tcp://${PUBLIC_VIP}:80`, kind: "connection", lost: 0 });
  expect(web.sent).toBeGreaterThan(0);
  expect(exitCode).toBe(0);
});
