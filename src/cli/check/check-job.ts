/** What `tandem check run` probes: a target given on the command line, or a check of the configuration. */
import { formatEndpoint } from "../../model/address.ts";
import type { CheckMethod, CheckTarget, ProbeOutcome } from "../../model/health-check.ts";
import { type ProbeSurroundings, probeEndpoint, runCheck } from "../../probe/run-check.ts";

/** One probe that `tandem check run` makes. */
export interface Job {
  /** Empty: it belongs to none. */
  readonly service: string;
  /** The gate that it is of. */
  readonly gate?: string;
  /** What it is about. */
  readonly place: string;
  readonly kind: string;
  /** Where it goes, unless that is the target itself. */
  readonly endpoint?: string;
  /** One attempt; never rejects. */
  readonly attempt: (surroundings: ProbeSurroundings) => Promise<ProbeOutcome>;
}

export interface TargetProbe {
  readonly target: CheckTarget;
  readonly method: CheckMethod;
  readonly timeoutMs: number;
}

function detour({ target, method }: TargetProbe): string | undefined {
  if (method.kind === "external" || method.kind === "ping") return undefined;
  const endpoint = formatEndpoint(probeEndpoint(method, target));
  return endpoint === formatEndpoint(target) ? undefined : endpoint;
}

/** What a check is about; a ping has no port. */
export function placeOf({ target, method }: Pick<TargetProbe, "target" | "method">): string {
  return method.kind === "ping" ? target.address.text : formatEndpoint(target);
}

/** The probe of a target, for a service or for none. */
export function targetJob(service: string, probe: TargetProbe): Job {
  const { target, method, timeoutMs } = probe;
  const endpoint = detour(probe);
  return {
    service,
    place: placeOf(probe),
    kind: method.kind,
    ...(endpoint === undefined ? {} : { endpoint }),
    attempt: (surroundings) => runCheck(method, target, timeoutMs, surroundings),
  };
}
