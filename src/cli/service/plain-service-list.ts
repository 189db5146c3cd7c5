/** `service list` as scripts use it, and the way to the rest of it, which a script need not load. */
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { observedTable } from "../../model/server-rows.ts";
import type { Runner } from "../line/context.ts";
import type { Output } from "../output/output.ts";
import type { service as spec } from "../spec/service-spec.ts";
import { writePlainTable } from "./plain-service-table.ts";
import { serviceTable } from "./service-table.ts";

type List = (typeof spec)["verbs"]["list"];
type Input = Parameters<Runner<List>>[0];

function isWholeTable({ service, server, connections, stats, rates, watch, interval }: Input): boolean {
  return (
    service === undefined &&
    server === undefined &&
    interval === undefined &&
    !connections &&
    !stats &&
    !rates &&
    !watch
  );
}

function listWhole(output: Output): 0 {
  using client = IpvsClient.open();
  const table = client.tableRows();
  if (table.services.length === 0) output.note("the kernel has no virtual services");
  else if (!writePlainTable(table, (piece) => output.write(piece))) {
    output.lines(serviceTable(observedTable(table), { stats: false, rates: undefined }, output));
  }
  return 0;
}

/** Lists services, or connections. */
export const list: Runner<List> = async (input, context) => {
  const { output } = context;
  if (isWholeTable(input) && !output.json && output.isPlain) return listWhole(output);
  return (await import("./service-list.ts")).list(input, context);
};
