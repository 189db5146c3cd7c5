/** `real list`: one line for each real server of each service, once or again and again. */
import type { KeptStatus } from "../../daemon/status/status-report.ts";
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import type { ExitCode } from "../../lib/errors.ts";
import { formatEndpoint } from "../../model/address.ts";
import type { ObservedServer } from "../../model/ipvs-table.ts";
import { realServerKey } from "../../model/real-server.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import { describeForwarding } from "../changes/ipvs-changes.ts";
import type { CommandContext, Runner } from "../line/context.ts";
import { askKept } from "../line/daemon-report.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import type { Output } from "../output/output.ts";
import { everyInterval, type Page, showAgainAndAgain, showOnce } from "../output/redraw.ts";
import { type Column, renderTable } from "../output/table.ts";
import { mustFindService } from "../service/service-errors.ts";
import { serverCells, serverJson, thresholdText } from "../service/service-table.ts";
import type { real as spec } from "../spec/real-spec.ts";

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
  { header: "KEPT", hideEmpty: true, dropOrder: 2 },
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

function pageOf(entries: readonly Entry[], kept: readonly KeptStatus[], output: Output): Page {
  const changes = new Map(kept.map(({ service, server, change }) => [`${service} ${server}`, change]));
  const changeOf = ({ service, observed }: Entry) => changes.get(`${service} ${realServerKey(observed.server)}`);
  const removed = kept.filter(({ change }) => change === "removed").map(({ service, server }) => ({ service, server }));
  const rows = entries.map((entry) => [
    entry.service,
    formatEndpoint(entry.observed.server.endpoint),
    `${describeForwarding(entry.observed.server)}${thresholdText(entry.observed)}`,
    ...serverCells(entry.observed),
    changeOf(entry) ?? "",
  ]);
  const lines = rows.length === 0 ? ["no real servers"] : renderTable(COLUMNS, rows, output);
  const gone = removed.map(({ service, server }) => `removed beside the configuration: ${server} of ${service}`);
  return {
    lines: output.json ? [] : [...lines, ...(gone.length === 0 ? [] : ["", ...gone])],
    json: () => ({
      servers: entries.map((entry) => ({
        service: entry.service,
        ...serverJson(entry.observed),
        kept: changeOf(entry) ?? null,
      })),
      removed,
    }),
  };
}

/** Of one service only, where one is asked for. */
async function keptOf({ service }: Input, context: CommandContext): Promise<readonly KeptStatus[]> {
  const all = await askKept(context);
  return service === undefined ? all : all.filter((kept) => kept.service === formatServiceKey(service));
}

/** Lists real servers. */
export const list: Runner<List> = async (input, context): Promise<ExitCode> => {
  const { output } = context;
  if (input.interval !== undefined && !input.watch) {
    throw new CommandLineError("real list", ["--interval needs --watch"]);
  }
  using client = IpvsClient.open();
  const next = everyInterval(input.interval ?? INTERVAL_DEFAULT_MS, async () =>
    pageOf(readEntries(client, input, output), await keptOf(input, context), output),
  );
  if (input.watch) return await showAgainAndAgain(output, next);
  showOnce(output, await next(Bun.sleep));
  return 0;
};
