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

/** A connection that has been open for a few milliseconds when its VIP moves may be unknown to the new owner's kernel. */
const AMID_THE_MOVE = "reset by the server (ECONNRESET)";

test("connections live on the way there and back, but for one that was being opened in a move; what is not TCP is left out", async () => {
  await using lab = await PairLab.start(CONFIG, { servers: 2 });
  const words = ["--pause", "500ms", "--config", lab.pair.configPath, "--max-gap", "1m", "--json"];
  const { exitCode, stdout } = await lab.pair.router("lvs2").tandem("failover", "drill", ...words);
  const said = JSON.parse(stdout);
  const [, , web] = said.streams;
  const amidMoves = web.lostBecause.find(({ reason }: { reason: string }) => reason === AMID_THE_MOVE)?.times ?? 0;
  expect({ lostBecause: web.lostBecause, isWithinMoves: amidMoves <= said.switches.length }).toEqual({
    lostBecause: amidMoves === 0 ? [] : [{ reason: AMID_THE_MOVE, times: amidMoves }],
    isWithinMoves: true,
  });
  expect(web).toMatchObject({ target: `web tcp://${PUBLIC_VIP}:80`, kind: "connection", lost: amidMoves });
  expect(web.sent).toBeGreaterThan(0);
  expect(said).toMatchObject({
    good: amidMoves === 0,
    switches: [
      { from: "lvs1", to: "lvs2" },
      { from: "lvs2", to: "lvs1" },
    ],
    skipped: [`dns udp://${PUBLIC_VIP}:53`],
  });
  expect(exitCode).toBe(amidMoves === 0 ? 0 : 3);
});
