/** What IPVS has once for all services: the timeouts of connections and the daemons that synchronise them. */
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { TandemError } from "../../lib/errors.ts";
import { type ConnectionTimeouts, isMulticast, type SyncDaemon } from "../../model/sync-daemon.ts";
import { type Change, reportChanges } from "../changes/changes.ts";
import { unchanged } from "../changes/ipvs-changes.ts";
import type { Runner } from "../line/context.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import { type Column, renderTable } from "../output/table.ts";
import type { service as spec } from "../spec/service-spec.ts";

type Verbs = (typeof spec)["verbs"];

/** `tcp 900s, tcp-fin 120s, udp 300s`. */
export function timeoutsText(timeouts: ConnectionTimeouts): string {
  return `tcp ${timeouts.tcpSeconds}s, tcp-fin ${timeouts.tcpFinSeconds}s, udp ${timeouts.udpSeconds}s`;
}

/** Shows the timeouts, or sets those that are named. */
export const timeouts: Runner<Verbs["timeouts"]> = ({ tcp, tcpFin, udp }, context) => {
  using client = IpvsClient.open();
  const before = client.connectionTimeouts();
  if (tcp === undefined && tcpFin === undefined && udp === undefined) {
    const { output } = context;
    if (output.json) output.printJson({ ...before });
    else output.lines([timeoutsText(before)]);
    return 0;
  }
  const wanted = {
    tcpSeconds: tcp ?? before.tcpSeconds,
    tcpFinSeconds: tcpFin ?? before.tcpFinSeconds,
    udpSeconds: udp ?? before.udpSeconds,
  };
  const change: Change = { do: "edit", subject: "timeouts of connections", detail: timeoutsText(wanted) };
  if (timeoutsText(before) === timeoutsText(wanted))
    return reportChanges([unchanged(change, "they are so already")], context);
  const { dryRun } = context.globals;
  if (!dryRun) client.setConnectionTimeouts({ tcpSeconds: tcp ?? 0, tcpFinSeconds: tcpFin ?? 0, udpSeconds: udp ?? 0 });
  return reportChanges([{ ...change, outcome: { kind: dryRun ? "planned" : "done" } }], context);
};

const COLUMNS: readonly Column[] = [
  { header: "STATE" },
  { header: "INTERFACE" },
  { header: "ID", align: "right" },
  { header: "GROUP" },
  { header: "PORT", align: "right" },
  { header: "TTL", align: "right", dropOrder: 1 },
  { header: "LONGEST", align: "right", dropOrder: 2 },
];

/** A sync daemon for --json. */
export function daemonJson(daemon: SyncDaemon): Record<string, unknown> {
  return {
    state: daemon.state,
    interface: daemon.interface,
    syncId: daemon.syncId,
    group: daemon.group?.text ?? null,
    port: daemon.port ?? null,
    ttl: daemon.ttl ?? null,
    maxLengthBytes: daemon.maxLengthBytes ?? null,
  };
}

/** Lists the sync daemons that run. */
export const sync: Runner<Verbs["sync"]> = (_input, { output }) => {
  using client = IpvsClient.open();
  const daemons = client.syncDaemons();
  if (output.json) output.printJson({ daemons: daemons.map(daemonJson) });
  else if (daemons.length === 0) output.note("no sync daemon runs");
  else {
    const rows = daemons.map((daemon) => [
      daemon.state,
      daemon.interface,
      String(daemon.syncId),
      daemon.group?.text ?? "",
      String(daemon.port ?? ""),
      String(daemon.ttl ?? ""),
      daemon.maxLengthBytes === undefined ? "" : `${daemon.maxLengthBytes} B`,
    ]);
    output.lines(renderTable(COLUMNS, rows, output));
  }
  return 0;
};

/** Starts a sync daemon. */
export const syncStart: Runner<Verbs["sync-start"]> = (input, context) => {
  const { state, group, port, ttl, maxLength } = input;
  if (group !== undefined && !isMulticast(group)) {
    throw new CommandLineError("service sync-start", [`--group: ${group.text} is not a multicast address`]);
  }
  const daemon: SyncDaemon = {
    state,
    interface: input.interface,
    syncId: input.syncId ?? 0,
    ...(group === undefined ? {} : { group }),
    ...(port === undefined ? {} : { port }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(maxLength === undefined ? {} : { maxLengthBytes: maxLength }),
  };
  using client = IpvsClient.open();
  const change: Change = { do: "start", subject: `sync daemon ${state} on ${daemon.interface}` };
  const running = client.syncDaemons().find((other) => other.state === state);
  if (running !== undefined) {
    throw new TandemError({
      operation: "start the sync daemon",
      subject: state,
      reason: `one runs already, on ${running.interface} with id ${running.syncId}`,
      hint: `tandem service sync-stop ${state}`,
    });
  }
  const { dryRun } = context.globals;
  if (!dryRun) client.startSyncDaemon(daemon);
  return reportChanges([{ ...change, outcome: { kind: dryRun ? "planned" : "done" } }], context);
};

/** Stops a sync daemon. */
export const syncStop: Runner<Verbs["sync-stop"]> = ({ state, ifExists }, context) => {
  using client = IpvsClient.open();
  const change: Change = { do: "stop", subject: `sync daemon ${state}` };
  const { dryRun } = context.globals;
  const runs = dryRun ? client.syncDaemons().some((other) => other.state === state) : client.stopSyncDaemon(state);
  if (runs) return reportChanges([{ ...change, outcome: { kind: dryRun ? "planned" : "done" } }], context);
  if (ifExists) return reportChanges([unchanged(change, "it does not run")], context);
  throw new TandemError({
    operation: "stop the sync daemon",
    subject: state,
    reason: "it does not run",
    hint: "tandem service sync shows those that do",
  });
};
