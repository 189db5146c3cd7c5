/** Inside the lab: connections of 0.3 s, so many each second, over planned moves there and back. Prints a table. */
import { pairConfig, serviceText } from "../../lab/parts/pair-config.ts";
import { PairLab } from "../../lab/parts/pair-lab.ts";
import { ShortConnections } from "../../lab/parts/short-connections.ts";
import { PUBLIC_VIP, serverAddress } from "../../lab/topology.ts";
import { tell } from "./report.ts";

const MOVES = 8;
const EVERY_MS = 20;
const PAUSE_MS = 2_000;
const CONFIG = pairConfig({
  services: [
    serviceText({
      name: "web",
      listen: "tcp://203.0.113.10:80",
      scheduler: "rr",
      servers: ["web1", "web2", "web3"].map((name) => ({ address: `${serverAddress(name)}:80` })),
    }),
  ],
});

await using lab = await PairLab.start(CONFIG);
using connections = new ShortConnections(lab.topology, { address: PUBLIC_VIP, port: 80 }, EVERY_MS);
await Bun.sleep(PAUSE_MS);
const [first, second] = lab.pair.routers;
const waits: number[] = [];
for (let move = 0; move < MOVES; move += 1) {
  const from = move % 2 === 0 ? first : second;
  const switched = await from.tandem("failover", "switch");
  connections.noteMove();
  if (switched.exitCode !== 0) throw new Error(switched.stderr);
  process.stderr.write(`${switched.stdout}${switched.stderr}`);
  waits.push(Number(/it waited (\d+) ms/.exec(switched.stdout + switched.stderr)?.[1] ?? 0));
  await Bun.sleep(PAUSE_MS);
}
const { opened, whole, broken, stalled, agesMs } = await connections.end();
const cells = [MOVES, opened, whole, broken, stalled, agesMs.join(" ") || "-", waits.join(" ")];
tell(
  "\n| moves | connections | whole | broken | stalled | age at the move's end of those, ms | waited, ms |\n" +
    `| --- | --- | --- | --- | --- | --- | --- |\n| ${cells.join(" | ")} |\n`,
);
