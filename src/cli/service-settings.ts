import { type Parsed, parsed, problem } from "../lib/parsed.ts";
import { parseSchedulerFlag, sortedSchedulerFlags } from "../model/scheduler-flag.ts";
import {
  type Persistence,
  type SchedulerFlag,
  type ServiceKey,
  serviceFamily,
  type VirtualService,
} from "../model/virtual-service.ts";

/** What the command line says of a virtual service's settings; absent is "as it is". */
export interface ServiceSettings {
  readonly scheduler: string | undefined;
  readonly schedulerFlag: readonly string[];
  readonly persistence: number | undefined;
  readonly persistencePrefix: number | undefined;
  readonly persistenceEngine: string | undefined;
  readonly onePacket: boolean;
  readonly noPersistence?: boolean;
  readonly noOnePacket?: boolean;
  readonly noSchedulerFlags?: boolean;
}

/** The service that `add` starts from. */
export function newService(key: ServiceKey): VirtualService {
  return { key, scheduler: "wlc", schedulerFlags: [], onePacket: false };
}

function mergedFlags(
  current: VirtualService,
  scheduler: string,
  wanted: ServiceSettings,
): Parsed<readonly SchedulerFlag[]> {
  // Flags mean something else with another scheduler, so they go with the old one.
  const keeps = scheduler === current.scheduler && wanted.noSchedulerFlags !== true;
  const flags: SchedulerFlag[] = keeps && wanted.schedulerFlag.length === 0 ? [...current.schedulerFlags] : [];
  for (const text of wanted.schedulerFlag) {
    const flag = parseSchedulerFlag(scheduler, text);
    if (!flag.ok) return problem(`--scheduler-flag: ${flag.problem}`);
    flags.push(flag.value);
  }
  return parsed(sortedSchedulerFlags(flags));
}

function mergedPersistence(current: VirtualService, wanted: ServiceSettings): Parsed<Persistence | undefined> {
  const before = wanted.noPersistence === true ? undefined : current.persistence;
  const timeoutSeconds = wanted.persistence ?? before?.timeoutSeconds;
  const prefix = wanted.persistencePrefix;
  const bits = serviceFamily(current.key) === "inet" ? 32 : 128;
  if (prefix !== undefined && prefix > bits) return problem(`--persistence-prefix ${prefix} is over ${bits} bits`);
  if (timeoutSeconds === undefined) {
    const orphan = prefix !== undefined ? "prefix" : wanted.persistenceEngine !== undefined ? "engine" : undefined;
    return orphan === undefined
      ? parsed(undefined)
      : problem(`--persistence-${orphan} needs --persistence TIME as well`);
  }
  const engine = wanted.persistenceEngine ?? before?.engine;
  const mask = prefix === undefined ? before?.irregularMask : undefined;
  return parsed({
    timeoutSeconds,
    prefixLength: prefix ?? before?.prefixLength ?? bits,
    ...(mask === undefined ? {} : { irregularMask: mask }),
    ...(engine === undefined ? {} : { engine }),
  });
}

/**
 * A service with the settings named on the command line.
 * @returns a problem where they don't fit together.
 */
export function withSettings(current: VirtualService, wanted: ServiceSettings): Parsed<VirtualService> {
  const scheduler = wanted.scheduler ?? current.scheduler;
  const flags = mergedFlags(current, scheduler, wanted);
  if (!flags.ok) return flags;
  const persistence = mergedPersistence(current, wanted);
  if (!persistence.ok) return persistence;
  const { key } = current;
  if (key.kind === "address" && key.port === 0 && persistence.value === undefined) {
    return problem("port 0, any port, needs --persistence TIME");
  }
  return parsed({
    key,
    scheduler,
    schedulerFlags: flags.value,
    onePacket: wanted.noOnePacket === true ? false : wanted.onePacket || current.onePacket,
    ...(persistence.value === undefined ? {} : { persistence: persistence.value }),
  });
}
