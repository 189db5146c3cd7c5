/** Each invariant of the balancer notices the bug that it is for: it throws when that bug is planted in its sources. */
import { describe, expect, test } from "bun:test";
import type { BalanceInvariant } from "../../../../src/balance/health/balance-invariants.ts";
import type { ConfiguredService } from "../../../../src/config/keys/config.ts";
import { type Edit, MutantSources } from "../../../simulation/mutant-sources.ts";
import {
  checked,
  configuredService,
  failed,
  realServer,
  SUCCESS,
  TCP_CHECK,
} from "../../../support/balance-fixtures.ts";
import { BalancerDriver } from "../../../support/balancer-driver.ts";
import { SimulatedIpvs } from "../../../support/simulated-ipvs.ts";

interface BalanceMutant {
  /** What the program does wrongly. */
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly run: (driver: BalancerDriver) => void;
}

const [FIRST, SECOND, THIRD] = ["10.0.0.11:80", "10.0.0.12:80", "10.0.0.13:80"] as const;
const PROGRAM = { ...TCP_CHECK, method: { kind: "external" as const, command: ["/bin/true"], user: "nobody" } };

function configure(driver: BalancerDriver, ...services: ConfiguredService[]): void {
  driver.give({ kind: "configure", config: { services } });
  driver.advance(10_000);
}

function serving(...servers: string[]): ConfiguredService {
  return configuredService({ servers: servers.map((server) => checked(server)) });
}

const MUTANTS: Readonly<Record<BalanceInvariant, BalanceMutant>> = {
  "plan-leads-to-wanted": {
    name: "leaves servers in the table that are wanted no more",
    edits: [
      [
        "table-plan.ts",
        "for (const { endpoint } of present.values())",
        "for (const { endpoint } of [...present.values()].slice(1))",
      ],
    ],
    run: (driver) => {
      configure(driver, serving(FIRST, SECOND));
      configure(driver, serving(FIRST));
    },
  },
  "plan-never-empties": {
    name: "removes servers before it adds those that take their place",
    edits: [
      [
        "table-plan.ts",
        'present.values()) changes.push({ kind: "delete-server"',
        'present.values()) changes.unshift({ kind: "delete-server"',
      ],
    ],
    run: (driver) => {
      configure(
        driver,
        configuredService({ servers: [{ server: realServer(FIRST) }, { server: realServer(SECOND) }] }),
      );
      configure(driver, configuredService({ servers: [{ server: realServer(FIRST) }, { server: realServer(THIRD) }] }));
    },
  },
  "weights-are-bounded": {
    name: "gives a recovering server a part of its weight that is no whole number",
    edits: [["slow-start.ts", "Math.max(1, Math.floor((weight", "Math.max(1, Number((weight"]],
    run: (driver) => {
      const servers = [checked(FIRST, TCP_CHECK, { weight: 5 }), checked(SECOND)];
      configure(driver, configuredService({ slowStartMs: 60_000, servers }));
      driver.outcomes.set(FIRST, failed());
      driver.advance(10_000);
      driver.outcomes.set(FIRST, SUCCESS);
      driver.advance(20_000);
    },
  },
  "only-own-services": {
    name: "deletes the services that it has when it is configured again",
    edits: [
      ["kernel-table.ts", "if (!wanted.has(name)) this.#retired.set(name, key);", "this.#retired.set(name, key);"],
      ["kernel-table.ts", "    for (const name of wanted.keys()) this.#retired.delete(name);\n", ""],
    ],
    run: (driver) => {
      configure(driver, serving(FIRST));
      configure(driver, serving(FIRST));
    },
  },
  "one-kernel-call": {
    name: "asks the kernel before it has answered",
    edits: [
      [
        "kernel-table.ts",
        '    if (this.#phase.kind !== "idle") return undefined;\n    const retries',
        "    const retries",
      ],
      ["kernel-table.ts", "return nextMs !== undefined && nextMs <= nowMs;", "return true;"],
    ],
    run: (driver) => configure(driver, serving(FIRST)),
  },
  "verdict-fits-row": {
    name: "takes a failure too many for a server that is up",
    edits: [["verdict.ts", "streak < timing.fall) return failing", "streak <= timing.fall) return failing"]],
    run: (driver) => {
      configure(driver, serving(FIRST, SECOND));
      driver.outcomes.set(FIRST, failed());
      driver.advance(10_000);
    },
  },
  "probes-are-bounded": {
    name: "counts the end of a program twice",
    edits: [["schedule.ts", "this.#programsInFlight -= 1;", "this.#programsInFlight -= 2;"]],
    run: (driver) => configure(driver, configuredService({ servers: [checked(FIRST, PROGRAM)] })),
  },
  "probes-have-health": {
    name: "keeps verdicts of servers that it does not have any more",
    edits: [["balancer.ts", "    this.#healths.clear();\n", ""]],
    run: (driver) => {
      configure(driver, serving(FIRST, SECOND));
      configure(driver, serving(FIRST));
    },
  },
};

describe("a balancer with a bug ends by", () => {
  for (const [invariant, { name, edits, run }] of Object.entries(MUTANTS)) {
    test(`${invariant} where it ${name}`, async () => {
      using sources = new MutantSources(edits, "balance");
      const Mutant = await sources.loadBalancer();
      const runIt = () => run(new BalancerDriver({}, new SimulatedIpvs(), 1_000_000, Mutant));
      expect(runIt).toThrow(`internal assertion "${invariant}" failed`);
    });

    test(`not by ${invariant} where it does not`, () => {
      expect(() => run(new BalancerDriver())).not.toThrow();
    });
  }
});
