/** `tandem failover`: through the daemon where one answers; take and release work on the kernel without one. */
import { askDaemon, daemonAnswers } from "../../daemon/control/control-client.ts";
import type { ControlRequest } from "../../daemon/control/control-protocol.ts";
import { AddressClient } from "../../kernel/addresses/address-client.ts";
import type { ExitCode } from "../../lib/errors.ts";
import { TandemError } from "../../lib/errors.ts";
import { formatVip } from "../../model/vip.ts";
import { type ChangeVerb, type ReportedChange, reportChanges } from "../changes/changes.ts";
import { readConfig } from "../line/config-file.ts";
import type { CommandContext, Runner, Runners } from "../line/context.ts";
import { askStatus, orderAnswer } from "../line/daemon-report.ts";
import { runtimeDir } from "../line/directories.ts";
import { printable } from "../output/table.ts";
import type { failover as spec } from "../spec/failover-spec.ts";
import { pairLines, stateExitCode, transitionLines } from "../status/status-view.ts";
import { dropAddresses, presentVips, takeVips } from "../vip/own-vips.ts";
import { historyLines } from "./history-view.ts";
import { findHistory } from "./kept-history.ts";

type Verbs = (typeof spec)["verbs"];

/** A command that the daemon does; what it says meanwhile goes to standard error. */
async function operate(
  request: ControlRequest,
  verb: ChangeVerb,
  subject: string,
  context: CommandContext,
): Promise<ExitCode> {
  const { output, globals } = context;
  if (globals.dryRun) return reportChanges([{ do: verb, subject, outcome: { kind: "planned" } }], context);
  const value = await askDaemon(runtimeDir(context), request, (message) => output.note(printable(message)));
  const { text = "done", unsaved } = orderAnswer(value);
  if (output.json) output.printJson({ dryRun: false, result: text, ...(unsaved === undefined ? {} : { unsaved }) });
  else output.lines([printable(text)]);
  return unsaved === undefined ? 0 : 1;
}

const status: Runner<Verbs["status"]> = async (_input, context) => {
  const report = await askStatus(context);
  const { output } = context;
  const { router, peer, paths, vips, gates, alarms, warnings } = report;
  const transitions = report.transitions.slice(0, 1);
  if (output.json) output.printJson({ router, peer, paths, vips, gates, alarms, warnings, transitions });
  else {
    const why = transitions.length === 0 ? [] : ["", ...transitionLines(transitions, output)];
    output.lines([...pairLines(report, output), ...why]);
  }
  return stateExitCode(report);
};

const switchRoles: Runner<Verbs["switch"]> = (_input, context) =>
  operate({ command: "switch" }, "switch", "the roles of the two routers", context);

const take: Runner<Verbs["take"]> = async ({ force, lease }, context) => {
  if (await daemonAnswers(runtimeDir(context))) {
    if (lease !== undefined) {
      const reason = "a daemon runs here, and its leases are those of the configuration";
      throw new TandemError({ operation: "take with --lease", reason, hint: "leave --lease out" }, 2);
    }
    return operate({ command: "take", force }, "take", "the VIPs, by the daemon", context);
  }
  const { config } = readConfig(context);
  const { dryRun } = context.globals;
  // Nobody renews a lease without a daemon: it is given only to those who ask for one.
  const validSeconds = lease ?? "forever";
  const changes = await takeVips(config.vips, { validSeconds, force, announce: true, dryRun });
  return reportChanges(changes, context);
};

const release: Runner<Verbs["release"]> = async (_input, context) => {
  if (await daemonAnswers(runtimeDir(context))) {
    return operate({ command: "release" }, "release", "the VIPs, by the daemon", context);
  }
  const { config } = readConfig(context);
  using addresses = AddressClient.open();
  const present = presentVips(config.vips, addresses.list());
  const absent = config.vips
    .filter((vip) => presentVips([vip], present).length === 0)
    .map((vip): ReportedChange => {
      return { do: "remove", subject: formatVip(vip), outcome: { kind: "unchanged", reason: "it is not there" } };
    });
  return reportChanges([...dropAddresses(present, context.globals.dryRun), ...absent], context);
};

const hold: Runner<Verbs["hold"]> = ({ end }, context) =>
  operate({ command: "hold", on: !end }, end ? "unhold" : "hold", "automatic fail-back", context);

const drill: Runner<Verbs["drill"]> = async (input, context) => (await import("./drill.ts")).runDrill(input, context);

const HISTORY_DEFAULT = 10;

const history: Runner<Verbs["history"]> = async ({ limit }, context): Promise<ExitCode> => {
  const { output } = context;
  const transitions = (await findHistory(context)).slice(0, limit ?? HISTORY_DEFAULT);
  if (output.json) {
    output.printJson({ transitions });
    return 0;
  }
  if (transitions.length === 0) output.note("no transition yet");
  output.lines(transitions.flatMap((entry) => historyLines(entry, output)));
  return 0;
};

export const runners: Runners<typeof spec> = { status, switch: switchRoles, take, release, hold, drill, history };
