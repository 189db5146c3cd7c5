/** For each runtime invariant a deliberate bug that breaks it, and the run in which the machine has to notice. */
import type { Edit } from "./mutant-sources.ts";

export interface InvariantMutant {
  readonly invariant: string;
  /** What the program does wrongly. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** A single fault by its name, or a weather. */
  readonly run: string;
}

export const INVARIANT_MUTANTS: readonly InvariantMutant[] = [
  {
    invariant: "terms-rise",
    name: "takes the peer's term over also when it is lower",
    edits: [["rivals.ts", "if (says.term > term) {", "if (says.term !== term) {"]],
    run: "planned switch",
  },
  {
    invariant: "active-has-term",
    name: "counts its tenure in a term that it never gave itself",
    edits: [["role.ts", "Math.max(1, lastActiveTerm) : term,", "Math.max(1, lastActiveTerm) : term + 1,"]],
    run: "planned switch",
  },
  {
    invariant: "counters-rise",
    name: "begins its counters anew when it meets a new process of the peer",
    edits: [["session.ts", "public: { ...paths.public, heard: 0 }", "public: SILENT_PATH"]],
    run: "daemon of the standby killed and restarted",
  },
  {
    invariant: "stop-is-final",
    name: "forgets that it was told to stop when it gives its VIPs up",
    edits: [
      ["role.ts", '    "announcing",\n    "verification",', '    "stopping",\n    "announcing",\n    "verification",'],
    ],
    run: "active stopped by SIGTERM and started again",
  },
  {
    invariant: "tenure-begins-unproven",
    name: "takes the proof of one tenure into the next",
    edits: [["role.ts", "    proven: false,\n", ""]],
    run: "public cable of the active out",
  },
  {
    invariant: "only-active-has-leases",
    name: "believes in its leases after it has given the VIPs up",
    edits: [["role.ts", "{ ...addresses, confirmed: new Set() }", "addresses"]],
    run: "planned switch",
  },
  {
    invariant: "leases-are-wanted",
    name: "believes in leases that a reload took away",
    edits: [["reloaded-settings.ts", "wantedOnly(turn.state, confirmed)", "confirmed"]],
    run: "reloads that add a VIP and take it away again",
  },
  {
    invariant: "kernel-is-known",
    name: "forgets which VIPs it leased",
    edits: [["lease.ts", "new Map([...possible, ...vips.map((vip) => [vipKey(vip), vip] as const)])", "possible"]],
    run: "planned switch",
  },
  {
    invariant: "standby-lets-go",
    name: "keeps the addresses when it steps down",
    edits: [
      ["role.ts", "function dropAll(turn: Turn): void {\n  remove(turn);", "function dropAll(turn: Turn): void {"],
    ],
    run: "planned switch",
  },
  {
    invariant: "lease-runs",
    name: "stays active when the kernel has refused its renewals until the end",
    edits: [
      [
        "effect-outcomes.ts",
        "if (hasLapsed(turn.state, turn.now)) giveUpRefused(turn);\n    else setAddresses",
        "setAddresses",
      ],
      ["effect-outcomes.ts", "if (!slept && oldest !== undefined && !stuck) return;", "if (!slept) return;"],
    ],
    run: "the kernel of the active refuses every renewal",
  },
  {
    invariant: "renewal-is-due",
    name: "renews its leases too late",
    edits: [["lease.ts", "Math.min(turn.state.timing.renewEveryMs, validMs / 3)", "validMs * 1.3"]],
    run: "planned switch",
  },
  {
    invariant: "taking-waits",
    name: "does not know the answer to its takeover",
    edits: [["effect-outcomes.ts", "phase.taking.batch === batch)", "phase.taking.batch === batch + 1)"]],
    run: "planned switch",
  },
  {
    invariant: "work-fits-role",
    name: "goes on verifying when it has given the VIPs up",
    edits: [["role.ts", '    "verification",\n', ""]],
    run: "planned switch",
  },
  {
    invariant: "foreign-removals-run",
    name: "waits for ever for the removal of a VIP that the kernel has told to be gone",
    edits: [["foreign-addresses.ts", "    leaving: without(foreign.leaving, removed),\n", ""]],
    run: "a VIP set by hand on the standby, and again when it was removed",
  },
  {
    invariant: "lists-are-bounded",
    name: "remembers every cause",
    edits: [["turn.ts", ".slice(-TRAIL_LIMIT)", ""]],
    run: "fitness",
  },
  {
    invariant: "next-turn-is-due",
    name: "judges nothing on some ticks, so that its loop spins",
    edits: [["failover.ts", "new Soonest(state.tickedAtMs)", "new Soonest(-Infinity)"]],
    run: "planned switch",
  },
];
