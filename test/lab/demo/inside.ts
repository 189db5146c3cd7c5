/** The demonstration, inside the lab. Started by ../demo.ts. */
import { cutOff, failback, killed, schedulers, serverDies, start, stopped, switched } from "./chapters.ts";
import { Screen } from "./screen.ts";
import { Stage } from "./stage.ts";
import { summary } from "./summary.ts";

const CHAPTERS = [start, schedulers, killed, serverDies, failback, cutOff, switched, stopped];
/** How much of the routers' logs is shown when something did not work. */
const LOG_LINES = 25;

async function main(): Promise<number> {
  const screen = Screen.ofDemo();
  await using stage = await screen.during("building the network", Stage.set(screen));
  try {
    for (const chapter of CHAPTERS) await chapter(stage);
  } catch (error) {
    stage.check(false, error instanceof Error ? error.message : String(error));
  }
  summary(stage);
  if (stage.failures.length === 0) return 0;
  screen.line(screen.paint("red", `    ${stage.failures.length} did not work:`));
  for (const failure of stage.failures) screen.line(`    ✗ ${failure}`);
  screen.line(stage.pair.logs(LOG_LINES));
  return 1;
}

process.exit(await main());
