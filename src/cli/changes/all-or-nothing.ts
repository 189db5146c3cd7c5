/** Changes of the kernel's table that are made together or not at all. */
import { planUndo, touchedServices } from "../../balance/table/undo.ts";
import type { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { TandemError } from "../../lib/errors.ts";
import type { IpvsChange, ObservedService } from "../../model/ipvs-table.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import { counted } from "../output/figures.ts";
import type { ReportedChange } from "./changes.ts";
import { describeIpvsChange, performIpvsChanges } from "./ipvs-changes.ts";

/** The kernel's table by the texts of the keys, as it is before changes. */
export function readTable(client: IpvsClient): Map<string, ObservedService> {
  return new Map(client.table("skipped").map((entry) => [formatServiceKey(entry.service.key), entry]));
}

/** Brings back what was. @throws TandemError when the kernel refuses that as well. */
function undo(client: IpvsClient, changes: readonly IpvsChange[], before: ReadonlyMap<string, ObservedService>): void {
  const now = new Map(
    [...touchedServices(changes)].flatMap(([name, key]) => {
      const observed = client.service(key);
      return observed === undefined ? [] : [[name, observed] as const];
    }),
  );
  const messages = planUndo(changes, before, now);
  const failed = client.apply(messages).filter((error) => error !== undefined);
  const [first] = failed;
  if (first === undefined) return;
  throw new TandemError({
    operation: "undo the changes made before one failed",
    reason: `the kernel refused ${failed.length} of ${messages.length}: ${first.message}`,
    hint: "tandem service list shows what the kernel has now",
    cause: first,
  });
}

/**
 * Makes the changes; when the kernel refuses one, all others are undone. Connections of a server that was removed
 * meanwhile are not brought back.
 * @param before the table that the changes were planned for
 */
export function performAllOrNothing(
  client: IpvsClient,
  changes: readonly IpvsChange[],
  before: ReadonlyMap<string, ObservedService>,
  dryRun: boolean,
): ReportedChange[] {
  if (dryRun) return performIpvsChanges(client, changes, true);
  const errors = client.apply(changes);
  return settle(
    client,
    changes,
    before,
    new Map([...errors.entries()].flatMap(([index, error]) => (error === undefined ? [] : [[index, error]]))),
  );
}

/**
 * What became of changes that were asked for; when the kernel refused one, all others are undone.
 * @param errors by the numbers of the changes
 */
export function settle(
  client: IpvsClient,
  changes: readonly IpvsChange[],
  before: ReadonlyMap<string, ObservedService>,
  errors: ReadonlyMap<number, TandemError>,
): ReportedChange[] {
  const failures = errors.size;
  if (failures > 0) undo(client, changes, before);
  return changes.map((change, index): ReportedChange => {
    const error = errors.get(index);
    const described = describeIpvsChange(change);
    if (error !== undefined) return { ...described, outcome: { kind: "failed", error } };
    const reason = `undone, since ${counted(failures, "other change")} failed`;
    return { ...described, outcome: failures === 0 ? { kind: "done" } : { kind: "undone", reason } };
  });
}

/** Takes changes back that were all made, because something that belongs to them failed. */
export function takeBack(
  client: IpvsClient,
  changes: readonly IpvsChange[],
  before: ReadonlyMap<string, ObservedService>,
): ReportedChange[] {
  undo(client, changes, before);
  const outcome = { kind: "undone", reason: `undone, since ${counted(1, "other change")} failed` } as const;
  return changes.map((change) => ({ ...describeIpvsChange(change), outcome }));
}
