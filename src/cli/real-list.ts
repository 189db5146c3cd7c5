import { IpvsClient } from "../kernel/ipvs-client.ts";
import type { ExitCode } from "../lib/errors.ts";
import { formatEndpoint } from "../model/address.ts";
import type { ObservedServer } from "../model/ipvs-table.ts";
import { formatServiceKey } from "../model/virtual-service.ts";
import { CommandLineError } from "./command-line-error.ts";
import type { Runner } from "./context.ts";
import { describeForwarding } from "./ipvs-changes.ts";
import type { Output } from "./output.ts";
import { everyInterval, type Page, showAgainAndAgain, showOnce } from "./redraw.ts";
import { mustFindService } from "./service-errors.ts";
import { serverCells, serverJson, thresholdText } from "./service-table.ts";
import type { real as spec } from "./spec/real.ts";
import { type Column, renderTable } from "./table.ts";

/** `real list`: one line for each real server of each service, once or again and again. */

type List = (typeof spec)["verbs"]["list"];
type Input = Parameters<Runner<List>>[0];

const INTERVAL_DEFAULT_MS = 1_000;

const COLUMNS: readonly Column[] = [
  { header: "SERVICE", cutLast: true },
  { header: "REAL SERVER", cutLast: true },
  { header: "FORWARD", dropOrder: 1, flexible: true },
  { header: "WEIGHT", align: "right" },
  { header: "ACTIVE", align: "right" },
  { header: "INACTIVE", align: "right", dropOrder: 3 },
  { header: "PERSISTENT", align: "right", dropOrder: 4 },
];

interface Entry {
  readonly service: string;
  readonly observed: ObservedServer;
}

function readEntries(client: IpvsClient, { service }: Input, output: Output): Entry[] {
  const traffic = output.json ? "counted" : "skipped";
  const table = service === undefined ? client.table(traffic) : [mustFindService(client, service)];
  return table.flatMap(({ service: { key }, servers }) =>
    servers.map((observed) => ({ service: formatServiceKey(key), observed })),
  );
}

function pageOf(entries: readonly Entry[], output: Output): Page {
  const rows = entries.map(({ service, observed }) => [
    service,
    formatEndpoint(observed.server.endpoint),
    `${describeForwarding(observed.server)}${thresholdText(observed)}`,
    ...serverCells(observed),
  ]);
  const lines = rows.length === 0 ? ["no real servers"] : renderTable(COLUMNS, rows, output);
  return {
    lines: output.json ? [] : lines,
    json: () => ({ servers: entries.map(({ service, observed }) => ({ service, ...serverJson(observed) })) }),
  };
}

/** Lists real servers. */
export const list: Runner<List> = async (input, { output }): Promise<ExitCode> => {
  if (input.interval !== undefined && !input.watch) {
    throw new CommandLineError("real list", ["--interval needs --watch"]);
  }
  using client = IpvsClient.open();
  const next = everyInterval(input.interval ?? INTERVAL_DEFAULT_MS, () =>
    pageOf(readEntries(client, input, output), output),
  );
  if (input.watch) return await showAgainAndAgain(output, next);
  showOnce(output, await next(Bun.sleep));
  return 0;
};
