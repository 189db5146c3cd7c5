/** Which services lose their last real server with work by a drain: a warning, since it may be meant. */
import type { CheckReport } from "../../balance/servers/check-report.ts";
import type { ObservedService } from "../../model/ipvs-table.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import { checkName, foundName } from "./drain-target.ts";

interface Server {
  readonly service: string;
  readonly name: string;
  readonly hasWork: boolean;
}

function warningsOf(servers: readonly Server[], drained: ReadonlySet<string>): string[] {
  const byService = Map.groupBy(
    servers.filter(({ hasWork }) => hasWork),
    ({ service }) => service,
  );
  return [...byService]
    .filter(([, working]) => working.every(({ name }) => drained.has(name)))
    .map(
      ([service]) =>
        `${service}: no other real server of it has work: new clients are refused, or go to its sorry server`,
    );
}

/** Among the servers of the daemon's configuration. @param drained their names */
export function lastConfigured(checks: readonly CheckReport[], drained: ReadonlySet<string>): string[] {
  const servers = checks.map((check): Server => {
    // One without a verdict may be in the kernel's table as it was before, with its weight.
    const weighs = check.verdict === "unknown" || (check.weight ?? 0) > 0;
    const hasWork = !check.drained && check.verdict !== "down" && weighs;
    return { service: check.listen, name: checkName(check), hasWork };
  });
  return warningsOf(servers, drained);
}

/** Among those of the kernel's table. */
export function lastInKernel(table: readonly ObservedService[], drained: ReadonlySet<string>): string[] {
  const servers = table.flatMap(({ service: { key }, servers: own }) =>
    own.map((observed): Server => {
      const hasWork = observed.server.weight > 0;
      return { service: formatServiceKey(key), name: foundName({ key, observed }), hasWork };
    }),
  );
  return warningsOf(servers, drained);
}
