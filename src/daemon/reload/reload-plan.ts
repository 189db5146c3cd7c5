import { type Unit, unitsOf } from "../../balance/servers/service-units.ts";
import { planTable } from "../../balance/table/table-plan.ts";
import type { Config, ConfiguredService, ConfiguredVip } from "../../config/keys/config.ts";
import { type SettingChange, settingChanges } from "../../config/render/setting-changes.ts";
import { firstNames } from "../../lib/first-names.ts";
import { isSameSetting } from "../../model/ipvs-setting.ts";
import { type IpvsChange, NO_TRAFFIC, type ObservedService } from "../../model/ipvs-table.ts";
import { formatVip, type Vip } from "../../model/vip.ts";
import type { SideInterfaces } from "../settings/failover-settings.ts";
import { syncSysctls, type WantedSysctl, wantedSysctls } from "../settings/forwarding.ts";
import { ipvsSysctls } from "../settings/ipvs-settings.ts";

/** What a reload changes: the difference between the configuration in force and another one. Pure. */
export interface ReloadPlan {
  readonly vips: readonly VipChange[];
  /** Of the kernel's table while every check succeeds: what is added, edited, and taken away, in this order. */
  readonly table: readonly IpvsChange[];
  readonly sysctls: readonly SysctlChange[];
  /** What is not in the kernel: `gate proxy`, `service web` with the names of what differs. */
  readonly parts: readonly PartChange[];
  readonly settings: readonly SettingChange[];
}

export interface VipChange {
  readonly do: "add" | "edit" | "remove";
  readonly vip: ConfiguredVip;
  /** Of `edit`: what it was. */
  readonly before?: ConfiguredVip;
}

/** A kernel setting below /proc/sys; without `to` the value of before tandem is given back. */
export interface SysctlChange {
  readonly path: string;
  readonly to?: string;
}

export interface PartChange {
  readonly do: "add" | "edit" | "remove";
  readonly subject: string;
  readonly detail?: string;
}

function sameValue(one: unknown, other: unknown): boolean {
  return Bun.deepEquals(one, other);
}

/** A VIP of the same address on the same interface is the same one, with another prefix or label. */
function placeOf({ prefix, interface: name }: Vip): string {
  return `${prefix.address.text} ${name}`;
}

function vipChanges(before: readonly ConfiguredVip[], after: readonly ConfiguredVip[]): readonly VipChange[] {
  const old = new Map(before.map((vip) => [placeOf(vip), vip]));
  const wanted = new Set(after.map(placeOf));
  const kept = after.flatMap((vip): VipChange[] => {
    const known = old.get(placeOf(vip));
    if (known === undefined) return [{ do: "add", vip }];
    return sameValue(known, vip) ? [] : [{ do: "edit", vip, before: known }];
  });
  const gone = before.filter((vip) => !wanted.has(placeOf(vip)));
  return [...kept, ...gone.map((vip): VipChange => ({ do: "remove", vip }))];
}

/** The kernel's view of a unit all of whose servers are in work. */
function observedOf({ service, servers }: Unit): ObservedService {
  const idle = { activeConnections: 0, inactiveConnections: 0, persistentConnections: 0, stats: NO_TRAFFIC };
  return { service, servers: servers.map(({ server }) => ({ server, ...idle })), stats: NO_TRAFFIC };
}

const RANKS: Readonly<Record<IpvsChange["kind"], number>> = {
  "add-service": 0,
  "add-server": 0,
  "edit-service": 1,
  "edit-server": 1,
  "delete-server": 2,
  "delete-service": 2,
  zero: 3,
};

function tableChanges(
  before: readonly ConfiguredService[],
  after: readonly ConfiguredService[],
): readonly IpvsChange[] {
  const old = unitsOf(before).units;
  const wanted = unitsOf(after).units;
  const changes = planTable(
    new Map(
      [...wanted].map(([name, unit]) => [
        name,
        { service: unit.service, servers: unit.servers.map((one) => one.server) },
      ]),
    ),
    new Map([...old].map(([name, unit]) => [name, observedOf(unit)])),
    new Map([...old].map(([name, unit]) => [name, unit.service.key])),
  );
  return changes.toSorted((one, other) => RANKS[one.kind] - RANKS[other.kind]);
}

/** Every kernel setting that a configuration wants in all roles. */
function sysctlsOf(config: Config, interfaces: SideInterfaces): ReadonlyMap<string, WantedSysctl> {
  const wanted = [...wantedSysctls(config, interfaces), ...syncSysctls(config), ...ipvsSysctls(config)];
  return new Map(wanted.map((one) => [one.path, one]));
}

function sysctlChanges(before: Config, after: Config, interfaces: SideInterfaces): readonly SysctlChange[] {
  const [old, wanted] = [sysctlsOf(before, interfaces), sysctlsOf(after, interfaces)];
  const set = [...wanted.values()].filter(({ path, value }) => {
    const known = old.get(path);
    return known === undefined || !isSameSetting(path, known.value, value);
  });
  const given = [...old.keys()].filter((path) => !wanted.has(path));
  return [...set.map(({ path, value }) => ({ path, to: value })), ...given.map((path) => ({ path }))];
}

/** What of a service is not in the kernel's table, by the names of its keys. */
const SERVICE_PARTS: Readonly<Record<string, (service: ConfiguredService) => unknown>> = {
  check: ({ servers }) => servers.map(({ server, check, furtherChecks }) => [server.endpoint, check, furtherChecks]),
  sorry: ({ sorry }) => sorry,
  on_failure: ({ onFailure }) => onFailure,
  slow_start: ({ slowStartMs }) => slowStartMs,
  panic: ({ panicPercent }) => panicPercent,
  quorum: ({ quorum }) => quorum,
};

/** A server that came or went is told by the table: only those of both are compared. */
function commonServers(one: ConfiguredService, other: ConfiguredService): ConfiguredService {
  const known = new Set(other.servers.map(({ server }) => JSON.stringify(server.endpoint)));
  return { ...one, servers: one.servers.filter(({ server }) => known.has(JSON.stringify(server.endpoint))) };
}

function servicePart(before: ConfiguredService, after: ConfiguredService): readonly PartChange[] {
  const [one, other] = [commonServers(before, after), commonServers(after, before)];
  const names = Object.entries(SERVICE_PARTS).flatMap(([name, part]) =>
    sameValue(part(one), part(other)) ? [] : [name],
  );
  return names.length === 0 ? [] : [{ do: "edit", subject: `service ${after.name}`, detail: names.join(", ") }];
}

function named<T extends { readonly name: string }>(all: readonly T[]): ReadonlyMap<string, T> {
  return new Map(all.map((one) => [one.name, one]));
}

function partChanges(before: Config, after: Config): readonly PartChange[] {
  const services = named(before.services);
  const [oldGates, gates] = [named(before.gates), named(after.gates)];
  return [
    ...after.services.flatMap((service) => {
      const known = services.get(service.name);
      return known === undefined ? [] : servicePart(known, service);
    }),
    ...after.gates.flatMap((gate): PartChange[] => {
      const known = oldGates.get(gate.name);
      if (known === undefined) return [{ do: "add", subject: `gate ${gate.name}` }];
      return sameValue(known, gate) ? [] : [{ do: "edit", subject: `gate ${gate.name}` }];
    }),
    ...before.gates.flatMap(({ name }): PartChange[] =>
      gates.has(name) ? [] : [{ do: "remove", subject: `gate ${name}` }],
    ),
  ];
}

/** What changes from one configuration to the other, on a router with these interfaces. */
export function planReload(before: Config, after: Config, interfaces: SideInterfaces): ReloadPlan {
  return {
    vips: vipChanges(before.vips, after.vips),
    table: tableChanges(before.services, after.services),
    sysctls: sysctlChanges(before, after, interfaces),
    parts: partChanges(before, after),
    settings: settingChanges(before, after),
  };
}

/** How many things change; 0: nothing does. */
export function changeCount({ vips, table, sysctls, parts, settings }: ReloadPlan): number {
  return vips.length + table.length + sysctls.length + parts.length + settings.length;
}

/**
 * What a configuration would take away altogether, a clause: all VIPs, or all services. A file that was cut off, or a
 * template that went wrong, looks like that; undefined: neither.
 */
export function takesAllAway(before: Config, after: Config): string | undefined {
  const lost = [
    ...(before.vips.length > 0 && after.vips.length === 0
      ? [`all VIPs (${firstNames(before.vips.map(formatVip))})`]
      : []),
    ...(before.services.length > 0 && after.services.length === 0
      ? [`all services (${firstNames(before.services.map(({ name }) => name))})`]
      : []),
  ];
  return lost.length === 0 ? undefined : lost.join(" and ");
}
