/** The wait until drained servers have no connections any more. */
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { StateError } from "../../lib/errors.ts";
import { formatSpan } from "../../model/duration.ts";
import type { CommandContext } from "../line/context.ts";
import { counted } from "../output/figures.ts";
import { type Found, foundName, look, type Target, targetText } from "./drain-target.ts";

interface Remaining {
  /** Servers that still get new work: the daemon has not told the kernel yet, or somebody gave them a weight. */
  readonly working: number;
  readonly open: number;
  /** Clients that come back to the server while it remembers them; they are no open connections and end by their timeout. */
  readonly persistent: number;
}

function remaining(found: readonly Found[]): Remaining {
  return found.reduce(
    ({ working, open, persistent }, { observed }) => ({
      working: working + (observed.server.weight === 0 ? 0 : 1),
      open: open + observed.activeConnections + observed.inactiveConnections,
      persistent: persistent + observed.persistentConnections,
    }),
    { working: 0, open: 0, persistent: 0 },
  );
}

function remainingText({ working, open, persistent }: Remaining): string {
  const clients = persistent === 0 ? "" : ` and ${counted(persistent, "persistent client")}`;
  const weight = working === 0 ? "" : working === 1 ? ", its weight is not 0" : `, ${working} weights are not 0`;
  return `${counted(open, "open connection")}${clients}${weight}`;
}

const POLL_INTERVAL_MS = 500;
const PROGRESS_INTERVAL_MS = 5_000;
export const WAIT_DEFAULT_MS = 600_000;

/**
 * Waits until no connection is open, or the servers are gone from the table.
 * @param drained the names of those that are waited for; a sorry server may have begun to work beside them
 * @throws StateError (exit 3) when some still are at the end.
 */
export async function waitUntilDrained(
  target: Target,
  drained: ReadonlySet<string>,
  limitMs: number,
  context: CommandContext,
): Promise<void> {
  using client = IpvsClient.open();
  const beganMs = performance.now();
  let toldMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const left = remaining(look(client, target).filter((found) => drained.has(foundName(found))));
    const elapsedMs = performance.now() - beganMs;
    if (left.open === 0 && left.working === 0) {
      const clients = left.persistent === 0 ? "" : `; ${counted(left.persistent, "persistent client")} may come back`;
      context.output.note(`no open connections after ${formatSpan(elapsedMs)}${clients}`);
      return;
    }
    if (elapsedMs >= limitMs) {
      const end = target.server === "all" ? "service del" : "real del";
      throw new StateError({
        operation: "drain",
        subject: targetText(target),
        reason: `${remainingText(left)} were still there after ${formatSpan(elapsedMs)}`,
        hint: `it stays drained; wait again with --wait, or end them with tandem ${end}`,
      });
    }
    if (elapsedMs - toldMs >= PROGRESS_INTERVAL_MS) {
      context.output.note(`${remainingText(left)}, waiting for ${formatSpan(limitMs - elapsedMs)} at most`);
      toldMs = elapsedMs;
    }
    await Bun.sleep(Math.min(POLL_INTERVAL_MS, Math.max(1, limitMs - elapsedMs)));
  }
}
