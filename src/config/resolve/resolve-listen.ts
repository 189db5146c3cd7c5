import { addressBits, sameAddress } from "../../model/address.ts";
import { parseSchedulerFlag, sortedSchedulerFlags } from "../../model/scheduler-flag.ts";
import type { Vip } from "../../model/vip.ts";
import {
  formatServiceKey,
  type Persistence,
  type SchedulerFlag,
  type ServiceKey,
  serviceFamily,
  type VirtualService,
} from "../../model/virtual-service.ts";
import { PERSISTENCE } from "../keys/service-schema.ts";
import { isTableValue } from "../keys/table-type.ts";
import type { Place } from "../places/place.ts";
import type { ServiceTable } from "./resolve-server.ts";

/** Where each key was first listened on, over the whole file. */
export type ListenPlaces = Map<string, Place>;

/** What a service listens on, with the place of each; the place of one without a list is that of the key itself. */
export function listensOf(service: ServiceTable): readonly { readonly key: ServiceKey; readonly place: Place }[] {
  const place = service.place.key("listen");
  return (service.fields.listen ?? []).map((key, index) => ({ key, place: place.index(index) }));
}

function checkVip(key: ServiceKey, place: Place, vips: readonly Vip[] | undefined): void {
  if (key.kind === "fwmark" || vips === undefined) return;
  if (vips.some((vip) => sameAddress(vip.prefix.address, key.address))) return;
  place.warn(
    `${key.address.text} is not a VIP of this file, so nothing brings it to the active router`,
    `add a [[vip]] with the address "${key.address.text}/…"`,
  );
}

function checkKey(service: ServiceTable, key: ServiceKey, place: Place): void {
  const { persistence } = service.fields;
  if (key.kind === "fwmark") return;
  // ip_vs_schedule (net/netfilter/ipvs/ip_vs_core.c): "port zero only supported in persistent services"
  if (key.port === 0 && persistence === undefined && !service.given.has("persistence")) {
    place.missing(
      `${formatServiceKey(key)} has no port, which stands for every port and needs persistence`,
      'add the port, or persistence = "5m"',
    );
  }
  if (service.fields.one_packet === true && key.protocol !== "udp") {
    place.error(
      `one_packet (true) is for UDP only, and listen has ${formatServiceKey(key)}`,
      "leave one_packet out, or make a service of its own for UDP",
    );
  }
}

/** Judges what a service listens on: repeats in the whole file, addresses without a VIP, ports. */
export function checkListens(service: ServiceTable, vips: readonly Vip[] | undefined, places: ListenPlaces): void {
  const warned = new Set<string>();
  for (const { key, place } of listensOf(service)) {
    const text = formatServiceKey(key);
    const first = places.get(text);
    if (first !== undefined) place.repeated(`${text} is listened on twice`, first);
    else places.set(text, place);
    checkKey(service, key, place);
    const address = key.kind === "address" ? key.address.text : text;
    if (!warned.has(address)) checkVip(key, place, vips);
    warned.add(address);
  }
}

function persistenceFor(service: ServiceTable, key: ServiceKey): Persistence | undefined {
  const { persistence } = service.fields;
  if (persistence === undefined) return undefined;
  const bits = addressBits(serviceFamily(key));
  if (!isTableValue(persistence)) return { timeoutSeconds: persistence / 1000, prefixLength: bits };
  const { timeout = PERSISTENCE.full.spec.timeout.fallback, prefix = bits, engine } = persistence.fields;
  // __ip_vs_mask… (ip_vs_ctl.c): an IPv6 prefix of 0 is refused by the kernel, an IPv4 one is every client.
  if (prefix > bits || (prefix === 0 && bits === 128)) {
    const range = bits === 32 ? "0 to 32" : "1 to 128";
    persistence.place
      .key("prefix")
      .error(
        `prefix (${prefix}) must be ${range} for ${formatServiceKey(key)}`,
        "give each family a service of its own",
      );
  }
  return { timeoutSeconds: timeout / 1000, prefixLength: prefix, ...(engine === undefined ? {} : { engine }) };
}

function flagsOf(service: ServiceTable): readonly SchedulerFlag[] {
  const { scheduler, scheduler_flags: names = [] } = service.fields;
  if (scheduler === undefined) return [];
  const flags: SchedulerFlag[] = [];
  for (const [index, name] of names.entries()) {
    const result = parseSchedulerFlag(scheduler, name);
    if (result.ok) flags.push(result.value);
    else service.place.key("scheduler_flags").index(index).error(result.problem);
  }
  return sortedSchedulerFlags(flags);
}

/** One virtual service for each address that a service listens on. */
export function resolveListens(service: ServiceTable): readonly VirtualService[] | undefined {
  const { scheduler, one_packet: onePacket, listen } = service.fields;
  const schedulerFlags = flagsOf(service);
  if (scheduler === undefined || onePacket === undefined || listen === undefined) return undefined;
  return listen.map((key) => {
    const persistence = persistenceFor(service, key);
    return { key, scheduler, schedulerFlags, ...(persistence === undefined ? {} : { persistence }), onePacket };
  });
}
