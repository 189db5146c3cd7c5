/**
 * `npm run demo`: builds tandem, boots the lab and shows a pair of routers at work. The exit status is 0 when
 * everything worked.
 */
import { join, resolve } from "node:path";
import { build } from "../../src/build/binary.ts";
import { Screen } from "./demo/screen.ts";
import { namespacesObstacle } from "./namespaces.ts";
import { exitStatus, kindOfThisMachine, type LabOptions, runInLab } from "./run-in-lab.ts";

const ROOT = resolve(import.meta.dir, "../..");
const TIME_LIMIT_MS = 240_000;

async function main(): Promise<number> {
  const beganAtMs = Date.now();
  const moving = process.stdout.isTTY === true;
  const color = moving && process.env["NO_COLOR"] === undefined;
  const screen = new Screen({ color, moving });
  screen.line(screen.paint("bold", " tandem: a pair of LVS routers, on real IPVS"));
  screen.act("building dist/tandem");
  const built = build(join(ROOT, "dist/tandem"));
  if (built !== 0) return built;
  const isOwnKernel = kindOfThisMachine() === "namespaces";
  screen.act(isOwnKernel ? "making namespaces of this kernel, which has IPVS" : "booting a Linux kernel with IPVS");
  const environment = {
    TANDEM_DEMO_COLOR: color ? "1" : "0",
    TANDEM_DEMO_MOVING: moving ? "1" : "0",
    TANDEM_DEMO_BEGAN: String(beganAtMs),
  };
  const status = await play(screen, "inside.ts", { environment });
  if (status !== 0) return status;
  const obstacle = namespacesObstacle();
  if (obstacle === undefined) {
    const chapter = { ...environment, TANDEM_DEMO_CHAPTER: "9" };
    const last = await play(screen, "without-ipvs.ts", { environment: chapter, kind: "namespaces" });
    if (last !== 0) return last;
  } else {
    screen.line(`\n    The chapter on this machine's own kernel is left out: ${obstacle}.`);
  }
  screen.line(`\n${screen.paint("bold", "    Everything worked.")}`);
  return 0;
}

async function play(screen: Screen, program: string, options: LabOptions): Promise<number> {
  const command = [process.execPath, join("test/lab/demo", program)];
  const outcome = await runInLab(command, { directory: ROOT, timeLimitMs: TIME_LIMIT_MS, ...options });
  if (outcome.kind === "broken") screen.bad(outcome.reason);
  if (outcome.kind === "time-limit") screen.bad(`not at its end after ${outcome.limitMs / 1000} s`);
  return exitStatus(outcome);
}

process.exit(await main());
