/** Changes of real servers that the daemon keeps beside its configuration: --keep, and `real reset`. */
import { askDaemon } from "../../daemon/control/control-client.ts";
import type { ExitCode } from "../../lib/errors.ts";
import { type Endpoint, formatEndpoint } from "../../model/address.ts";
import type { KeepOrder } from "../../model/kept-server.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import { type ChangeOutcome, type ChangeVerb, reportChanges } from "../changes/changes.ts";
import type { CommandContext } from "../line/context.ts";
import { orderAnswer } from "../line/daemon-report.ts";
import { runtimeDir } from "../line/directories.ts";
import { withServicePort } from "../line/service-port.ts";

const VERBS: Readonly<Record<KeepOrder["kind"], ChangeVerb>> = {
  add: "add",
  edit: "edit",
  del: "remove",
  reset: "reset",
};

/** Has the daemon change a server of its configuration. @throws TandemError when none runs, or it refuses. */
export async function keepServer(
  service: ServiceKey,
  server: Endpoint,
  order: KeepOrder,
  context: CommandContext,
): Promise<ExitCode> {
  const endpoint = withServicePort(service, server);
  const subject = `real server ${formatEndpoint(endpoint)} of ${formatServiceKey(service)}`;
  const detail = order.kind === "reset" ? "as configured" : "kept by the daemon";
  const change = { do: VERBS[order.kind], subject, detail };
  if (context.globals.dryRun) return reportChanges([{ ...change, outcome: { kind: "planned" } }], context);
  const value = await askDaemon(runtimeDir(context), { command: "keep", service, endpoint, order });
  const { text, unsaved } = orderAnswer(value);
  const outcome: ChangeOutcome =
    unsaved === undefined ? { kind: "done" } : { kind: "unsaved", reason: text ?? unsaved };
  return reportChanges([{ ...change, outcome }], context);
}
