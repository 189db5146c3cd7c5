/** What IPVS has once for all services, made as a saved table says: all of it, or nothing. */
import type { SavedSettings } from "../../import/table/table-settings.ts";
import type { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { TandemError } from "../../lib/errors.ts";
import type { ConnectionTimeouts, SyncDaemon } from "../../model/sync-daemon.ts";
import type { Change, ReportedChange } from "../changes/changes.ts";
import { counted } from "../output/figures.ts";
import { timeoutsText } from "./sync-daemons.ts";

/** The settings as the kernel has them now. @throws NetlinkError, TandemError */
export function readSettings(client: IpvsClient): SavedSettings {
  return { timeouts: client.connectionTimeouts(), daemons: client.syncDaemons() };
}

interface Step {
  readonly change: Change;
  readonly make: () => void;
  readonly takeBack: () => void;
}

function timeoutSteps(client: IpvsClient, before: ConnectionTimeouts, saved: ConnectionTimeouts): Step[] {
  const wanted = {
    tcpSeconds: saved.tcpSeconds || before.tcpSeconds,
    tcpFinSeconds: saved.tcpFinSeconds || before.tcpFinSeconds,
    udpSeconds: saved.udpSeconds || before.udpSeconds,
  };
  if (timeoutsText(before) === timeoutsText(wanted)) return [];
  const change: Change = { do: "edit", subject: "timeouts of connections", detail: timeoutsText(wanted) };
  return [
    {
      change,
      make: () => client.setConnectionTimeouts(wanted),
      takeBack: () => client.setConnectionTimeouts(before),
    },
  ];
}

/** Whether a daemon that runs is as the text says; what the text leaves out is the kernel's choice. */
function isAsWanted(running: SyncDaemon, wanted: SyncDaemon): boolean {
  return (
    running.interface === wanted.interface &&
    running.syncId === wanted.syncId &&
    (wanted.group === undefined || running.group?.text === wanted.group.text) &&
    (wanted.port === undefined || running.port === wanted.port) &&
    (wanted.ttl === undefined || running.ttl === wanted.ttl) &&
    (wanted.maxLengthBytes === undefined || running.maxLengthBytes === wanted.maxLengthBytes)
  );
}

function daemonSteps(client: IpvsClient, running: readonly SyncDaemon[], wanted: SyncDaemon): Step[] {
  const present = running.find(({ state }) => state === wanted.state);
  if (present !== undefined && isAsWanted(present, wanted)) return [];
  const start = (daemon: SyncDaemon) => () => client.startSyncDaemon(daemon);
  const stop = () => {
    client.stopSyncDaemon(wanted.state);
  };
  const subject = ({ state, interface: name }: SyncDaemon) => `sync daemon ${state} on ${name}`;
  const started: Step = { change: { do: "start", subject: subject(wanted) }, make: start(wanted), takeBack: stop };
  if (present === undefined) return [started];
  return [{ change: { do: "stop", subject: subject(present) }, make: stop, takeBack: start(present) }, started];
}

/**
 * Sets the timeouts and starts the sync daemons that a saved table names; a daemon that it does not name is left alone,
 * since `tandem run` may have started it. When the kernel refuses one, those made before are taken back.
 */
export function restoreSettings(client: IpvsClient, saved: SavedSettings, dryRun: boolean): ReportedChange[] {
  const before = readSettings(client);
  const steps = [
    ...timeoutSteps(client, before.timeouts, saved.timeouts),
    ...saved.daemons.flatMap((daemon) => daemonSteps(client, before.daemons, daemon)),
  ];
  if (dryRun) return steps.map(({ change }) => ({ ...change, outcome: { kind: "planned" } }));
  for (const [index, step] of steps.entries()) {
    try {
      step.make();
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      const made = steps.slice(0, index);
      for (const { takeBack } of made.toReversed()) takeBack();
      const undone = { kind: "undone", reason: `undone, since ${counted(1, "other change")} failed` } as const;
      return [
        ...made.map(({ change }): ReportedChange => ({ ...change, outcome: undone })),
        { ...step.change, outcome: { kind: "failed", error } },
      ];
    }
  }
  return steps.map(({ change }) => ({ ...change, outcome: { kind: "done" } }));
}
