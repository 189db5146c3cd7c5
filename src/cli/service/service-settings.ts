/** The settings of a virtual service on the command line, as a new service and as changes of one. */
import { maskOf } from "../../import/words/ipvsadm-values.ts";
import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { addressBits, type IpAddress } from "../../model/address.ts";
import { parseSchedulerFlag, sortedSchedulerFlags } from "../../model/scheduler-flag.ts";
import {
  type Persistence,
  type SchedulerFlag,
  type ServiceKey,
  serviceFamily,
  type VirtualService,
} from "../../model/virtual-service.ts";

/** What the command line says of a virtual service's settings; absent is "as it is". */
export interface ServiceSettings {
  readonly scheduler: string | undefined;
  readonly schedulerFlag: readonly string[];
  readonly persistence: number | undefined;
  readonly persistencePrefix: number | undefined;
  readonly persistenceNetmask: IpAddress | undefined;
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
  const { persistencePrefix: prefix, persistenceNetmask: netmask } = wanted;
  const family = serviceFamily(current.key);
  const bits = addressBits(family);
  if (prefix !== undefined && (prefix > bits || (prefix === 0 && family === "inet6"))) {
    return problem(`--persistence-prefix ${prefix} is not one of ${family === "inet6" ? 1 : 0} to ${bits}`);
  }
  if (netmask !== undefined && (netmask.family !== "inet" || family !== "inet")) {
    return problem("--persistence-netmask is for IPv4, such as 255.255.255.0; for IPv6 there is --persistence-prefix");
  }
  if (netmask !== undefined && prefix !== undefined) {
    return problem("--persistence-prefix and --persistence-netmask say the same; give one of them");
  }
  if (timeoutSeconds === undefined) {
    const orphan = orphanOf(wanted);
    return orphan === undefined
      ? parsed(undefined)
      : problem(`--persistence-${orphan} needs --persistence TIME as well`);
  }
  const engine = wanted.persistenceEngine ?? before?.engine;
  return parsed({
    timeoutSeconds,
    ...maskFor(prefix, netmask, before, bits),
    ...(engine === undefined ? {} : { engine }),
  });
}

/** The flag that means nothing without persistence. */
function orphanOf(wanted: ServiceSettings): string | undefined {
  if (wanted.persistencePrefix !== undefined) return "prefix";
  if (wanted.persistenceNetmask !== undefined) return "netmask";
  return wanted.persistenceEngine === undefined ? undefined : "engine";
}

function maskFor(
  prefix: number | undefined,
  netmask: IpAddress | undefined,
  before: Persistence | undefined,
  bits: number,
): Pick<Persistence, "prefixLength" | "irregularMask"> {
  if (netmask !== undefined) return maskOf(netmask);
  if (prefix !== undefined || before === undefined) return { prefixLength: prefix ?? bits };
  const { prefixLength, irregularMask } = before;
  return { prefixLength, ...(irregularMask === undefined ? {} : { irregularMask }) };
}

/** Two flags of which one undoes the other. */
function contradictionOf(wanted: ServiceSettings): string | undefined {
  const { persistence, persistencePrefix, persistenceNetmask, persistenceEngine } = wanted;
  const keeps = [persistence, persistencePrefix, persistenceNetmask, persistenceEngine].some(
    (one) => one !== undefined,
  );
  if (wanted.noPersistence === true && keeps) return "--no-persistence contradicts --persistence…";
  if (wanted.noOnePacket === true && wanted.onePacket) return "--no-one-packet contradicts --one-packet";
  return undefined;
}

/**
 * A service with the settings named on the command line.
 * @returns a problem where they don't fit together.
 */
export function withSettings(current: VirtualService, wanted: ServiceSettings): Parsed<VirtualService> {
  const contradiction = contradictionOf(wanted);
  if (contradiction !== undefined) return problem(contradiction);
  const scheduler = wanted.scheduler ?? current.scheduler;
  const flags = mergedFlags(current, scheduler, wanted);
  if (!flags.ok) return flags;
  const persistence = mergedPersistence(current, wanted);
  if (!persistence.ok) return persistence;
  const { key } = current;
  if (key.kind === "address" && key.port === 0 && persistence.value === undefined) {
    return problem("port 0, any port, needs --persistence TIME");
  }
  if (wanted.onePacket && key.kind === "address" && key.protocol !== "udp") {
    return problem(`--one-packet is for UDP; to the kernel it means nothing with ${key.protocol}`);
  }
  return parsed({
    key,
    scheduler,
    schedulerFlags: flags.value,
    onePacket: wanted.noOnePacket === true ? false : wanted.onePacket || current.onePacket,
    ...(persistence.value === undefined ? {} : { persistence: persistence.value }),
  });
}
