import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../../../src/config/parse.ts";
import { type FlowConfig, flowConfigOf } from "../../../../src/daemon/firewall/filter-flows.ts";
import { lookAside } from "../../../../src/daemon/firewall/filter-look.ts";
import { FilterWatch } from "../../../../src/daemon/firewall/filter-watch.ts";
import { Logger } from "../../../../src/log/logger.ts";
import { BASE } from "../../config/base.ts";

function baseConfig() {
  const result = parseConfig(BASE);
  if (!result.ok) throw new Error("the configuration is not valid");
  return result.config;
}

const CONFIG = baseConfig();

/** A clock, a log, and looks that end when the test says so. */
class Machine {
  nowMs = 0;
  readonly logged: string[] = [];
  readonly looks: { readonly config: FlowConfig; readonly end: (warnings: readonly string[] | undefined) => void }[] =
    [];
  readonly watch = new FilterWatch({
    logger: new Logger(
      { write: (line) => this.logged.push(line.slice(25).trim()) },
      { format: "text", level: "info", now: () => new Date(0) },
    ),
    now: () => this.nowMs,
    look: (config) => {
      const { promise, resolve } = Promise.withResolvers<readonly string[] | undefined>();
      this.looks.push({ config, end: resolve });
      return promise;
    },
  });

  /** Lets time pass; the firewall is looked at where a look is due. @returns how many looks there were so far. */
  after(ms: number): number {
    this.nowMs += ms;
    this.watch.watch(CONFIG);
    return this.looks.length;
  }

  async end(warnings: readonly string[] | undefined): Promise<void> {
    this.looks.at(-1)?.end(warnings);
    await Promise.resolve();
  }
}

describe("FilterWatch", () => {
  test("looks when the router has begun, every minute, and after a reload, one look at a time", async () => {
    const machine = new Machine();
    expect([machine.after(4_999), machine.after(1), machine.after(120_000)]).toEqual([0, 1, 1]);
    await machine.end([]);
    expect([machine.after(0), machine.after(59_999)]).toEqual([2, 2]);
    await machine.end([]);
    expect(machine.after(0)).toBe(2);
    machine.watch.lookSoon();
    expect(machine.after(0)).toBe(3);
    expect(machine.looks[2]?.config).toEqual(flowConfigOf(CONFIG));
  });

  test("logs what is new, and that it is over; a look that failed changes nothing", async () => {
    const machine = new Machine();
    const told: (readonly string[])[] = [];
    for (const warnings of [["a"], undefined, ["a", "b"], []]) {
      machine.after(60_000);
      await machine.end(warnings);
      told.push(machine.watch.warnings);
    }
    expect(told).toEqual([["a"], ["a"], ["a", "b"], []]);
    expect(machine.logged).toEqual([
      expect.stringMatching(/warn.*firewall.* a$/i),
      expect.stringMatching(/warn.*firewall.* b$/i),
      expect.stringMatching(/info.*firewall.* the firewall drops nothing any more that this router needs$/i),
    ]);
  });
});

describe("lookAside()", () => {
  const shell = (script: string) => ["/bin/sh", "-c", script];
  const look = (script: string) => lookAside(flowConfigOf(CONFIG), shell(script));

  test("gives the configuration to the other process, and its warnings back", async () => {
    expect(await look(`grep -q '"port":${CONFIG.pair.port}' && echo '["it drops all"]'`)).toEqual(["it drops all"]);
  });

  test.each(["exit 1", "echo '[]'; exit 1", "echo nonsense", "echo '{}'", "kill -KILL $$"])(
    "takes %p for no look",
    async (script) => {
      expect(await look(script)).toBeUndefined();
    },
  );

  test("takes a program that is not there for no look", async () => {
    expect(await lookAside(flowConfigOf(CONFIG), ["/nonexistent/tandem"])).toBeUndefined();
  });
});
