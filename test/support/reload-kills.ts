/** A router that is killed at chosen steps of its reloads, from one of two files to the other and back. */
import { expect } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PairLab } from "../lab/parts/pair-lab.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const FAULT = join(import.meta.dir, "kill-fault.ts");
const LIMIT_MS = 60_000;

export interface ReloadKills {
  readonly lab: PairLab;
  /** Two configurations. */
  readonly texts: readonly [string, string];
  /** What lvs1's kernel has of either, as a text … */
  readonly state: () => string;
  /** … and what that is with each of them in force. */
  readonly wanted: readonly [string, string];
  /** The steps to be killed at, ascending; a reload that ends before the step ends it all. */
  readonly steps: Iterable<number>;
  /** How many steps a reload has at least. */
  readonly stepsMin: number;
}

/**
 * Starts lvs1 with the first configuration. At each of the steps: changes the file, kills the router at that step of the
 * reload, starts it again, and waits until its kernel has what the file says. At the end it is stopped in order.
 */
export async function killAtSteps({ lab, texts, state, wanted, steps, stepsMin }: ReloadKills): Promise<void> {
  const [router] = lab.pair.routers;
  const armed = join(router.stateDirectory, "armed");
  const directories = ["--runtime-dir", router.runtimeDirectory, "--state-dir", router.stateDirectory];
  const words = ["run", "--config", lab.pair.configPath, "--router", "primary", ...directories];
  const start = (step: number) => {
    rmSync(armed, { force: true });
    const inNamespace = ["ip", "netns", "exec", lab.topology.namespace("lvs1")];
    const env = { ...process.env, KILL_AT_STEP: String(step), KILL_ARMED_BY: armed };
    return Bun.spawn([...inNamespace, process.execPath, "--preload", FAULT, MAIN, ...words], {
      env,
      stdio: ["ignore", "ignore", "ignore"],
    });
  };
  const isAs = (index: 0 | 1) => state() === wanted[index];
  const has = async (index: 0 | 1, pid: number) => isAs(index) && (await router.status())?.router.pid === pid;
  /** Waits for that; where it does not come, the difference says why. */
  const awaitAs = async (what: string, index: 0 | 1, holds: () => Promise<boolean> | boolean) => {
    const problem = await lab.until(what, LIMIT_MS, holds).catch((error: Error) => error.message);
    if (typeof problem === "string") expect([problem, state()]).toEqual([what, wanted[index]]);
  };
  writeFileSync(lab.pair.configPath, texts[0]);
  let index: 0 | 1 = 0;
  let life: ReturnType<typeof start> | undefined;
  let isWhole = false;
  try {
    for (const step of steps) {
      life?.kill("SIGKILL");
      const one = start(step);
      life = one;
      await awaitAs(`before step ${step}: it has what the file says`, index, () => has(index, one.pid));
      index = index === 0 ? 1 : 0;
      writeFileSync(lab.pair.configPath, texts[index]);
      writeFileSync(armed, "");
      const { exitCode } = await router.tandem("reload", "--json");
      // What goes is taken away after the answer.
      const isOver = () => one.exitCode !== null || one.signalCode !== null || isAs(index);
      await awaitAs(`step ${step}: the reload is over`, index, isOver);
      rmSync(armed);
      isWhole = exitCode === 0 && (await has(index, one.pid));
      if (isWhole) {
        expect(step).toBeGreaterThan(stepsMin);
        one.kill("SIGTERM");
        expect(await one.exited).toBe(0);
        break;
      }
      await one.exited;
      expect([step, one.signalCode]).toEqual([step, "SIGKILL"]);
    }
    expect(isWhole).toBe(true);
  } finally {
    life?.kill("SIGKILL");
  }
}
