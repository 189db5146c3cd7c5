/** The transitions between standby and active, and what each of them brings with it. */
import type { Vip } from "../../model/vip.ts";
import { noteRoutes } from "../evidence/fitness.ts";
import { causesOf, type Transition, type TransitionReason } from "../machine/history.ts";
import { leasableVips, lease, remove, setAddresses, vipKey } from "../machine/lease.ts";
import { HISTORY_LIMIT, TABLE_WAIT_MS, TERM_LIMIT } from "../machine/settings.ts";
import type { State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { startAnnouncing } from "./announce.ts";
import { judgeForeign } from "./foreign-addresses.ts";
import { startStep, wantReclaim } from "./takeover-step.ts";

/** After a failed try; doubled by nothing, since each try tells the log. */
const RETRY_TAKE_MS = 1_000;

function record(turn: Turn, to: Transition["to"], reason: TransitionReason): void {
  const { term, trail, history } = turn.state;
  const from = to === "active" ? ("standby" as const) : ("active" as const);
  const causes = causesOf(trail, turn.now);
  const transition: Transition = { atMs: turn.now, from, to, term, reason, causes };
  turn.set({ history: [...history, transition].slice(-HISTORY_LIMIT), trail: [] });
  turn.emit({ kind: "record", transition });
  const hook = turn.state.nextNumber;
  turn.set({ nextNumber: hook + 1 });
  turn.emit({ kind: "run-hook", hook, name: to, causes });
}

/** Decides to become active: raises the term and, when the table is complete or was waited for, leases the VIPs. */
export function startTaking(turn: Turn, reason: TransitionReason, force = false): void {
  const { state } = turn;
  const term = Math.min(TERM_LIMIT, Math.max(state.term, state.peer?.says.term ?? 0) + 1);
  const wait = state.settings.hasServices && state.table?.complete !== true;
  turn.set({
    term,
    phase: {
      kind: "taking",
      taking: { sinceMs: turn.now, reason, force, tableUntilMs: wait ? turn.now + TABLE_WAIT_MS : turn.now },
    },
  });
  turn.clear("query", "bothStandbySinceMs", "retryTakeAtMs", "reclaimAtMs");
  turn.cause("taking", `takes over in term ${term}`);
  turn.persist();
  turn.tell = true;
  judgeTaking(turn);
}

/** Leases the VIPs as soon as the table is complete, or has been waited for long enough (rule B12 of balancing). */
export function judgeTaking(turn: Turn): void {
  const { phase, table, settings } = turn.state;
  if (phase.kind !== "taking" || phase.taking.batch !== undefined) return;
  if (table?.complete !== true && turn.now < phase.taking.tableUntilMs) return;
  if (settings.takeoverStep !== undefined && phase.taking.stepped !== true) {
    // That of a try before may still run: one at a time.
    if (turn.state.step === undefined) startStep(turn);
    return;
  }
  turn.emit({ kind: "set-balancing", role: "active" });
  const batch = lease(turn, "take", leasableVips(turn.state, turn.now), settings.leaseMs);
  turn.set({ phase: { kind: "taking", taking: { ...phase.taking, batch } } });
}

/** Rule 12: the VIPs that an earlier process left are leased on, in the term in which they were taken. */
export function startAdopting(turn: Turn, adoptable: readonly Vip[]): void {
  turn.cause("adopting", `${adoptable.length} VIPs of an earlier process are in the kernel`);
  turn.set({ term: Math.max(1, turn.state.term) });
  turn.emit({ kind: "set-balancing", role: "active" });
  setAddresses(turn, { confirmed: new Set(adoptable.map(vipKey)) });
  const batch = lease(turn, "adopt", leasableVips(turn.state, turn.now), turn.state.settings.leaseMs);
  const taking = { sinceMs: turn.now, reason: "adopted" as const, force: false, tableUntilMs: turn.now, batch };
  turn.set({ phase: { kind: "taking", taking } });
  turn.tell = true;
}

/** The VIPs are in the kernel: the role changes, and everybody is told. */
export function becomeActive(turn: Turn, reason: TransitionReason): void {
  const { term, lastActiveTerm, phase } = turn.state;
  const isForced = phase.kind === "taking" && phase.taking.force;
  turn.set({
    phase: { kind: "active", sinceMs: turn.now, reason, ...(isForced ? { forced: true as const } : {}) },
    // The tenure of the process before goes on: a rival's higher term, heard meanwhile, is not mine.
    lastActiveTerm: reason === "adopted" ? Math.max(1, lastActiveTerm) : term,
    abstaining: false,
    rival: false,
    proven: false,
    yielding: false,
    confirmations: new Map(),
  });
  turn.clear("query", "bothStandbySinceMs", "lastWord", "worse", "ownerWatch");
  noteRoutes(turn, true);
  setAddresses(turn, { guardMove: "none" });
  // What happened while the process before was away is not known.
  if (reason === "adopted") wantReclaim(turn);
  startAnnouncing(turn);
  record(turn, "active", reason);
  turn.persist();
  turn.tell = true;
}

function dropAll(turn: Turn): void {
  remove(turn);
  const {
    confirmedAtMs: _,
    confirmedUntilMs: __,
    renewAtMs: ___,
    undoneBatch: ____,
    ...addresses
  } = turn.state.addresses;
  turn.set({ addresses: { ...addresses, confirmed: new Set() } });
}

/** Gives the VIPs up: they are dropped before anything else is done (rule 5). */
export function becomeStandby(turn: Turn, reason: TransitionReason): void {
  dropAll(turn);
  turn.set({ phase: { kind: "standby", sinceMs: turn.now }, rival: false });
  turn.clear(
    "announcing",
    "verification",
    "acceptance",
    "query",
    "bothStandbySinceMs",
    "reclaimAtMs",
    "worse",
    "ownerWatch",
  );
  noteRoutes(turn, true);
  judgeForeign(turn);
  record(turn, "standby", reason);
  turn.tell = true;
}

/** Takes back the decision to become active; the VIPs that were leased meanwhile go. */
export function abortTaking(turn: Turn, why: string, retryMs = RETRY_TAKE_MS): void {
  turn.cause("take-aborted", why);
  dropAll(turn);
  turn.set({ phase: { kind: "standby", sinceMs: turn.now }, retryTakeAtMs: turn.now + retryMs });
  turn.clear("acceptance", "bothStandbySinceMs");
  turn.tell = true;
}

/** Once the last VIP has left this kernel: a standby's balancing (rule 10). */
export function settleBalancing(turn: Turn, before: State): void {
  const { addresses, phase } = turn.state;
  const emptied = before.addresses.possible.size > 0 && addresses.possible.size === 0;
  if (!emptied || phase.kind !== "standby") return;
  turn.emit({ kind: "set-balancing", role: "standby" });
  turn.tell = true;
}
