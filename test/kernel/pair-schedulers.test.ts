/** Each of the eight schedulers through a pair of routers, judged by who answers the client. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ipvsadmTable, tandemTable } from "../lab/parts/ipvs-table.ts";
import { PATIENT_CHECK, PATIENT_PAIR, pairConfig } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { spreadRequests } from "../lab/parts/requests.ts";
import {
  EXTRA_SOURCES,
  EXTRA_VIPS,
  runTrial,
  SCHEDULER_TRIALS,
  trialPort,
  trialServices,
} from "../lab/parts/scheduler-trials.ts";
import { PUBLIC_VIP, ROUTERS } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

/** For what is only asked to happen at all, on a slow CPU. */
const LIMIT_MS = 60_000;

let lab: PairLab;

beforeAll(async () => {
  requireLab();
  const config = pairConfig({ pair: PATIENT_PAIR, extraVips: EXTRA_VIPS, services: trialServices(PATIENT_CHECK) });
  lab = await PairLab.start(config, { clientAddresses: EXTRA_SOURCES.length });
});

afterAll(() => lab[Symbol.asyncDispose]());

describe("a pair of routers", () => {
  test.each(SCHEDULER_TRIALS.map((trial) => [trial.scheduler, trial.promise, trial] as const))(
    "balances by %s: %s",
    async (_scheduler, _promise, trial) => {
      const result = await runTrial(trial, lab.topology);
      expect(result).toEqual({ perServer: result.perServer, kept: true });
    },
  );

  test.each(ROUTERS.map((router) => router.name))("lists on %s exactly the table that ipvsadm sees", async (name) => {
    const listed = await lab.pair.router(name).tandem("service", "list", "--json");
    const table = ipvsadmTable(lab.topology.run(name, ["ipvsadm", "-Ln"]));
    expect(tandemTable(listed.stdout)).toEqual(table);
    // Eight services, that of dh on five addresses, each with three servers.
    expect(table).toHaveLength(12 * (1 + 3));
  });
});

describe("a real server", () => {
  const target = { address: PUBLIC_VIP, port: trialPort("rr") };

  test("gets no request after three failed checks, and its share again after two good ones", async () => {
    const victim = lab.server("web2");
    const inTable = () => lab.topology.run("lvs1", ["ipvsadm", "-Ln"]).includes("10.0.0.12:");
    victim.behave("error");
    // Each service has a check of its own.
    await lab.until("web2 out of the table", LIMIT_MS, () => !inTable());
    const before = victim.requests;
    const without = await spreadRequests(lab.topology, target, { count: 30 });
    expect(without).toEqual({ perServer: { web1: 15, web2: 0, web3: 15 }, failed: 0 });
    expect(victim.requests).toBe(before);

    victim.behave("answer");
    await lab.until("web2 in the table", LIMIT_MS, inTable);
    const again = await spreadRequests(lab.topology, target, { count: 30 });
    expect(again).toEqual({ perServer: { web1: 10, web2: 10, web3: 10 }, failed: 0 });
  });

  test("gets no request while it is drained, and its share again afterwards", async () => {
    const router = lab.pair.router("lvs1");
    const service = `tcp://${PUBLIC_VIP}:${trialPort("rr")}`;
    const weight = (value: number) => () =>
      ipvsadmTable(lab.topology.run("lvs1", ["ipvsadm", "-Ln"])).includes(`${service} -> 10.0.0.13:80 nat ${value}`);
    const drained = await router.tandem("real", "drain", service, "10.0.0.13:80");
    expect(drained).toEqual({ stdout: drained.stdout, stderr: "", exitCode: 0 });
    await lab.until("web3 drained", LIMIT_MS, weight(0));
    const without = await spreadRequests(lab.topology, target, { count: 30 });
    expect(without).toEqual({ perServer: { web1: 15, web2: 15, web3: 0 }, failed: 0 });

    await router.tandem("real", "undrain", service, "10.0.0.13:80");
    await lab.until("web3 undrained", LIMIT_MS, weight(1));
    const again = await spreadRequests(lab.topology, target, { count: 30 });
    expect(again).toEqual({ perServer: { web1: 10, web2: 10, web3: 10 }, failed: 0 });
  });
});
