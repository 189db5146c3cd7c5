/** `service list`: the kernel's table, once or again and again. */
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import type { ExitCode } from "../../lib/errors.ts";
import { type Endpoint, sameAddress } from "../../model/address.ts";
import type { ObservedService } from "../../model/ipvs-table.ts";
import type { Runner } from "../line/context.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import type { Output } from "../output/output.ts";
import { everyInterval, type Page, type Pause, showAgainAndAgain, showOnce } from "../output/redraw.ts";
import type { service as spec } from "../spec/service-spec.ts";
import { connectionLines, connectionsJson, findConnections } from "./connections.ts";
import { noSuchService } from "./service-errors.ts";
import { servicesJson, serviceTable } from "./service-table.ts";
import { type RateTable, rateTable } from "./traffic-rates.ts";

type List = (typeof spec)["verbs"]["list"];
type Input = Parameters<Runner<List>>[0];

const INTERVAL_DEFAULT_MS = 1_000;

/** Port 0 stands for any, as among the connections. */
function withServer(table: readonly ObservedService[], wanted: Endpoint): ObservedService[] {
  return table.flatMap((observed): ObservedService[] => {
    const servers = observed.servers.filter(
      ({ server: { endpoint } }) =>
        sameAddress(endpoint.address, wanted.address) && (wanted.port === 0 || wanted.port === endpoint.port),
    );
    return servers.length === 0 ? [] : [{ ...observed, servers }];
  });
}

/** What is asked for of the kernel's table. @throws TandemError when there is no such service. */
function readTable(client: IpvsClient, input: Input, output: Output): ObservedService[] {
  const { service, server, stats, rates } = input;
  const table = service === undefined ? client.table(output.json || stats || rates ? "counted" : "skipped") : [];
  if (service !== undefined) {
    const one = client.service(service);
    if (one === undefined) throw noSuchService(service);
    table.push(one);
  }
  return server === undefined ? table : withServer(table, server);
}

function tablePage(
  table: readonly ObservedService[],
  input: Input,
  rates: RateTable | undefined,
  output: Output,
): Page {
  const empty = output.json
    ? []
    : [input.server === undefined ? "the kernel has no virtual services" : "no service has it"];
  return {
    lines: table.length === 0 || output.json ? empty : serviceTable(table, { stats: input.stats, rates }, output),
    json: () => ({ services: servicesJson(table, rates) }),
  };
}

function connectionsPage(input: Input, output: Output): Page {
  const connections = findConnections({ service: input.service, server: input.server });
  const lines = connections.length === 0 ? ["no connections"] : connectionLines(connections, output);
  return { lines: output.json ? [] : lines, json: () => ({ connections: connectionsJson(connections) }) };
}

/** Reads the table now and `intervalMs` later; a rate needs both. */
class Sampler {
  readonly #read: () => ObservedService[];
  #before: { readonly table: readonly ObservedService[]; readonly atMs: number };

  constructor(read: () => ObservedService[]) {
    this.#read = read;
    this.#before = { table: read(), atMs: performance.now() };
  }

  next(): { readonly table: readonly ObservedService[]; readonly rates: RateTable } {
    const before = this.#before;
    const after = { table: this.#read(), atMs: performance.now() };
    this.#before = after;
    return { table: after.table, rates: rateTable(before.table, after.table, Math.max(1, after.atMs - before.atMs)) };
  }
}

/** Makes the pages of the view that is asked for. The first one of a view without rates comes at once. */
function pagesOf(input: Input, output: Output, client: IpvsClient | undefined): (pause: Pause) => Promise<Page> {
  const intervalMs = input.interval ?? INTERVAL_DEFAULT_MS;
  if (client === undefined) return everyInterval(intervalMs, () => connectionsPage(input, output));
  if (!input.rates) {
    return everyInterval(intervalMs, () => tablePage(readTable(client, input, output), input, undefined, output));
  }
  const sampler = new Sampler(() => readTable(client, input, output));
  return async (pause) => {
    await pause(intervalMs);
    const { table, rates } = sampler.next();
    return tablePage(table, input, rates, output);
  };
}

function check(input: Input): void {
  const problems: string[] = [];
  if (input.connections && (input.stats || input.rates))
    problems.push("--connections shows neither --stats nor --rates");
  if (input.interval !== undefined && !input.watch && !input.rates)
    problems.push("--interval needs --watch or --rates");
  if (problems.length > 0) throw new CommandLineError("service list", problems);
}

/** Lists services, or connections. */
export const list: Runner<List> = async (input, { output }): Promise<ExitCode> => {
  check(input);
  using client = input.connections ? undefined : IpvsClient.open();
  const next = pagesOf(input, output, client);
  if (input.watch) return await showAgainAndAgain(output, next);
  showOnce(output, await next(Bun.sleep));
  return 0;
};
