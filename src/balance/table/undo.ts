import type { IpvsChange, ObservedService } from "../../model/ipvs-table.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import { planService } from "./table-plan.ts";

type Table = ReadonlyMap<string, ObservedService>;

/** The services that changes are about, each once. Zeroed counters do not come back: they are no part of the table. */
export function touchedServices(changes: readonly IpvsChange[]): ReadonlyMap<string, ServiceKey> {
  const touched = new Map<string, ServiceKey>();
  for (const change of changes) {
    if (change.kind === "zero") continue;
    const key = "service" in change ? change.service.key : change.key;
    touched.set(formatServiceKey(key), key);
  }
  return touched;
}

/**
 * The messages that bring the services which changes were about back to what they were. Planned from what the kernel
 * has now, not from the list of changes: whichever of them were made, this undoes them.
 * @param before all services before the changes, by the text of their keys
 * @param now those of them that the kernel has after
 */
export function planUndo(changes: readonly IpvsChange[], before: Table, now: Table): IpvsChange[] {
  const undo: IpvsChange[] = [];
  for (const [name, key] of touchedServices(changes)) {
    const was = before.get(name);
    const is = now.get(name);
    if (was !== undefined) {
      const servers = was.servers.map(({ server }) => server);
      undo.push(...planService({ service: was.service, servers }, is));
    } else if (is !== undefined) undo.push({ kind: "delete-service", key });
  }
  return undo;
}
