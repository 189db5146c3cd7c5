/** `config plan` without a daemon: the configuration compared with the kernel's table and settings of IPVS. */
import { planService } from "../../balance/table/table-plan.ts";
import type { Config, ConfiguredService } from "../../config/keys/config.ts";
import { ipvsSysctls } from "../../daemon/settings/ipvs-settings.ts";
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { readSysctl } from "../../kernel/machine/sysctl.ts";
import type { ExitCode } from "../../lib/errors.ts";
import { isSameSetting } from "../../model/ipvs-setting.ts";
import type { IpvsChange, WantedService } from "../../model/ipvs-table.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import { type ReportedChange, reportChanges } from "../changes/changes.ts";
import { performIpvsChanges } from "../changes/ipvs-changes.ts";
import type { CommandContext } from "../line/context.ts";

/** The services of a configuration as the kernel should have them while every check succeeds. */
function wantedServices(services: readonly ConfiguredService[]): WantedService[] {
  return services.flatMap(({ listen, servers }) =>
    listen.map((service) => ({ service, servers: servers.map(({ server }) => server) })),
  );
}

/** What `[ipvs]` would change in the kernel's settings, as far as the kernel has them. */
function settingChanges(config: Config): ReportedChange[] {
  return ipvsSysctls(config).flatMap(({ path, value }): ReportedChange[] => {
    const current = readSysctl(path);
    if (current === undefined || isSameSetting(path, current, value)) return [];
    const change = { do: "edit", subject: `kernel setting ${path}`, detail: `from ${current} to ${value}` } as const;
    return [{ ...change, outcome: { kind: "planned" } }];
  });
}

/** What would change in the kernel's table and its settings of IPVS. @throws SupportError (exit 4) where the kernel's table can't be read. */
export function planConfig(config: Config, context: CommandContext): ExitCode {
  if (config.services.length === 0) {
    context.output.note("the configuration has no services, so the kernel's table stays as it is");
    return context.output.json ? reportChanges([], context) : 0;
  }
  using client = IpvsClient.open();
  const observed = new Map(client.table().map((entry) => [formatServiceKey(entry.service.key), entry]));
  const changes = wantedServices(config.services).flatMap((wanted): IpvsChange[] =>
    planService(wanted, observed.get(formatServiceKey(wanted.service.key))),
  );
  const code = reportChanges([...settingChanges(config), ...performIpvsChanges(client, changes, true)], {
    ...context,
    globals: { ...context.globals, dryRun: true },
  });
  const isChecked = config.services.some(({ servers }) => servers.some(({ check }) => check !== undefined));
  if (isChecked && changes.length > 0) {
    context.output.note("a checked real server is added when its check has succeeded");
  }
  return code;
}
