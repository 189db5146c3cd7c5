import { sameAddress } from "../../model/address.ts";
import type { ConfiguredVip } from "../keys/config.ts";
import type { VIPS } from "../keys/schema.ts";
import { type Table, whole } from "../keys/table-type.ts";
import type { Place } from "../places/place.ts";
import type { OwnAddress } from "./resolve-pair.ts";

export type VipTable = Table<typeof VIPS.item.spec>;

function checkLabel(vip: VipTable): void {
  const { address, interface: name, label } = vip.fields;
  if (label === undefined) return;
  const place = vip.place.key("label");
  if (address?.address.family === "inet6") {
    place.error("label is for IPv4 addresses only; IPv6 addresses have none", "leave it out");
  }
  if (name !== undefined && label !== name && !label.startsWith(`${name}:`)) {
    place.error(`label (${label}) must begin with interface (${name}) and a colon`, `such as: label = "${name}:1"`);
  }
}

function resolveVip(vip: VipTable): ConfiguredVip | undefined {
  checkLabel(vip);
  const { address, interface: name, label, required } = vip.fields;
  const parts = whole({ prefix: address, interface: name });
  if (parts === undefined) return undefined;
  return {
    ...parts,
    ...(label === undefined ? {} : { label }),
    ...(required === false ? { optional: true as const } : {}),
  };
}

/** The VIPs; undefined when something is wrong with one of them, which is reported. */
export function resolveVips(
  tables: readonly VipTable[] | undefined,
  own: readonly OwnAddress[],
): readonly ConfiguredVip[] | undefined {
  const places = new Map<string, Place>();
  const vips: ConfiguredVip[] = [];
  for (const table of tables ?? []) {
    const vip = resolveVip(table);
    if (vip !== undefined) vips.push(vip);
    const address = table.fields.address?.address;
    if (address === undefined) continue;
    const place = table.place.key("address");
    const first = places.get(address.text);
    if (first !== undefined) place.repeated(`the VIP ${address.text} is given twice`, first);
    else places.set(address.text, place);
    const router = own.find((candidate) => sameAddress(candidate.address, address));
    if (router !== undefined) place.error(`the VIP ${address.text} is ${router.role}; a VIP is an address of its own`);
  }
  return vips.length === (tables?.length ?? 0) ? vips : undefined;
}
