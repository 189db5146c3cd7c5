/**
 * What holds whatever servers, operators and the kernel do: where one of these breaks the code is wrong, and a balancer in
 * an unknown state must not go on writing to the kernel's table. Each is looked at where something changes, and only then.
 */
import { InvariantError } from "../../lib/invariant-error.ts";
import { formatEndpoint } from "../../model/address.ts";
import type { CheckTiming } from "../../model/health-check.ts";
import type { IpvsChange, ObservedService } from "../../model/ipvs-table.ts";
import { type RealServer, realServerKey, WEIGHT_MAX } from "../../model/real-server.ts";
import { formatServiceKey, type ServiceKey, type VirtualService } from "../../model/virtual-service.ts";
import { type PlannedService, sameServer, sameService } from "../table/table-plan.ts";
import type { Health } from "./verdict.ts";

export type BalanceInvariant =
  | "plan-leads-to-wanted"
  | "plan-never-empties"
  | "weights-are-bounded"
  | "only-own-services"
  | "one-kernel-call"
  | "verdict-fits-row"
  | "probes-are-bounded"
  | "probes-have-health";

/** @throws InvariantError where there is a problem, a clause. */
function hold(name: BalanceInvariant, problem: string | undefined, evidence: unknown): void {
  if (problem !== undefined) throw new InvariantError(name, problem, evidence);
}

/** A service in the making, as the kernel would have it after each change. */
class TrialService {
  #service: VirtualService | undefined;
  readonly #servers: Map<string, RealServer>;

  constructor(observed: ObservedService | undefined) {
    this.#service = observed?.service;
    this.#servers = new Map(observed?.servers.map(({ server }) => [realServerKey(server), server]));
  }

  /** @returns why the kernel would refuse it. */
  take(change: IpvsChange): string | undefined {
    const isThere = this.#service !== undefined;
    switch (change.kind) {
      case "add-service":
      case "edit-service":
        if (isThere === (change.kind === "add-service")) return `${change.kind}, the service being ${there(isThere)}`;
        this.#service = change.service;
        return undefined;
      case "add-server":
      case "edit-server": {
        const name = realServerKey(change.server);
        const hasServer = this.#servers.has(name);
        if (!isThere || hasServer === (change.kind === "add-server"))
          return `${change.kind} ${name}, being ${there(hasServer)}`;
        this.#servers.set(name, change.server);
        return undefined;
      }
      case "delete-server": {
        const name = formatEndpoint(change.endpoint);
        return this.#servers.delete(name) ? undefined : `delete-server ${name}, being ${there(false)}`;
      }
      default:
        return `${change.kind} among the changes of one service`;
    }
  }

  /** @returns how it differs from what is wanted. */
  differenceTo({ service, servers, undecided = [] }: PlannedService): string | undefined {
    if (this.#service === undefined || !sameService(service, this.#service))
      return "the service is not as it is wanted";
    const left = new Map(this.#servers);
    for (const server of servers) {
      const name = realServerKey(server);
      const found = left.get(name);
      if (found === undefined || !sameServer(server, found)) return `${name} is not as it is wanted`;
      left.delete(name);
    }
    for (const server of undecided) left.delete(realServerKey(server));
    const [extra] = left.keys();
    return extra === undefined ? undefined : `${extra} stays, and is not wanted`;
  }
}

function there(isThere: boolean): string {
  return isThere ? "there" : "absent";
}

function planProblem(wanted: PlannedService, observed: ObservedService | undefined, changes: readonly IpvsChange[]) {
  const trial = new TrialService(observed);
  for (const change of changes) {
    const refusal = trial.take(change);
    if (refusal !== undefined) return refusal;
  }
  return trial.differenceTo(wanted);
}

/** A server is removed when all that come are there: a service is never without one in between. */
function emptyingProblem(changes: readonly IpvsChange[]): string | undefined {
  const firstRemoval = changes.findIndex(({ kind }) => kind === "delete-server");
  const isLate = firstRemoval >= 0 && changes.slice(firstRemoval).some(({ kind }) => kind === "add-server");
  return isLate ? "a server is removed before another one is added" : undefined;
}

function weightProblem(changes: readonly IpvsChange[]): string | undefined {
  for (const change of changes) {
    if (change.kind !== "add-server" && change.kind !== "edit-server") continue;
    const { weight } = change.server;
    if (!Number.isInteger(weight) || weight < 0 || weight > WEIGHT_MAX) {
      return `${realServerKey(change.server)} would have the weight ${weight}`;
    }
  }
  return undefined;
}

/** The plan of one service, applied to what the kernel has, gives what is wanted. @throws InvariantError */
export function checkPlan(
  wanted: PlannedService,
  observed: ObservedService | undefined,
  changes: readonly IpvsChange[],
): void {
  const evidence = { wanted, observed, changes };
  hold("weights-are-bounded", weightProblem(changes), evidence);
  hold("plan-leads-to-wanted", planProblem(wanted, observed, changes), evidence);
  hold("plan-never-empties", emptyingProblem(changes), evidence);
}

/** Only services of ours are changed, and none that is wanted is deleted. @throws InvariantError */
export function checkOwnership(
  changes: readonly IpvsChange[],
  wanted: ReadonlyMap<string, ServiceKey>,
  retired: ReadonlyMap<string, ServiceKey>,
): void {
  const stranger = changes.find((change) => {
    if (change.kind === "zero") return true;
    const name = formatServiceKey("service" in change ? change.service.key : change.key);
    return change.kind === "delete-service" ? wanted.has(name) || !retired.has(name) : !wanted.has(name);
  });
  const problem = stranger === undefined ? undefined : `${stranger.kind} of a service that it must not touch`;
  hold("only-own-services", problem, { changes, wanted: [...wanted.keys()], retired: [...retired.keys()] });
}

/** The kernel is asked one thing at a time. @throws InvariantError */
export function checkKernelCalls(callsOut: number): void {
  hold("one-kernel-call", callsOut <= 1 ? undefined : `${callsOut} calls to the kernel at once`, {});
}

function verdictProblem(before: Health, after: Health, { rise, fall, flap }: CheckTiming): string | undefined {
  const { last, verdict } = after;
  if (last === undefined || last.streak < 1) return "an outcome was not counted";
  const { result } = last.outcome;
  if (verdict !== before.verdict && (verdict === "up") !== (result === "success")) return `${verdict} by a ${result}`;
  if (result === "failure") {
    if (verdict !== "down" && last.streak >= fall)
      return `${verdict} after ${last.streak} failures, and ${fall} make it down`;
    return verdict === "down" && before.verdict !== "down" && last.streak < fall
      ? `down after ${last.streak} failures of ${fall}`
      : undefined;
  }
  if (verdict === "up") {
    // What was never judged need not rise.
    return before.verdict === "down" && last.streak < rise ? `up after ${last.streak} successes of ${rise}` : undefined;
  }
  if (verdict === "unknown") return "unknown after a success, and the first one makes it up";
  // Who came and went too often has to prove itself for longer.
  const isHeld = verdict === "down" && flap !== undefined;
  return isHeld || last.streak < rise ? undefined : `${verdict} after ${last.streak} successes, and ${rise} make it up`;
}

/** What one more outcome made of a health fits `rise` and `fall`. @throws InvariantError */
export function checkVerdict(before: Health, after: Health, timing: CheckTiming): void {
  const { rise, fall } = timing;
  hold("verdict-fits-row", verdictProblem(before, after, timing), { before, after, rise, fall });
}

/** No more probes are under way than may be. @throws InvariantError */
export function checkProbes(counts: {
  readonly network: number;
  readonly networkMax: number;
  readonly programs: number;
  readonly programsMax: number;
}): void {
  const { network, networkMax, programs, programsMax } = counts;
  const isFine = network >= 0 && network <= networkMax && programs >= 0 && programs <= programsMax;
  hold("probes-are-bounded", isFine ? undefined : `${network} probes and ${programs} programs are under way`, counts);
}

/** What is checked has a verdict, and nothing else has. @throws InvariantError */
export function checkHealths(probes: number, healths: number): void {
  const problem = probes === healths ? undefined : `${healths} verdicts about ${probes} probes`;
  hold("probes-have-health", problem, { probes, healths });
}
