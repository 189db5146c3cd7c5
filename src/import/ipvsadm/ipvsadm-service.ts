/** The virtual service that the options of a line of ipvsadm describe. */
import { addressBits, type Family } from "../../model/address.ts";
import { parseSchedulerFlag, sortedSchedulerFlags } from "../../model/scheduler-flag.ts";
import {
  type Persistence,
  type SchedulerFlag,
  type ServiceKey,
  serviceFamily,
  type VirtualService,
} from "../../model/virtual-service.ts";
import {
  DEFAULT_PERSISTENCE_SECONDS,
  MAX_PERSISTENCE_SECONDS,
  parseNetmask,
  parseNumber,
  type Valued,
  wrong,
} from "../words/ipvsadm-values.ts";
import type { Options } from "../words/ipvsadm-words.ts";

/** IP_VS_SCHEDNAME_MAXLEN (linux/ip_vs.h) less the final NUL; the limit of an engine's name is the same. */
const MAX_NAME_BYTES = 15;

function nameOf(options: Options, option: string): Valued<string | undefined> {
  const text = options.get(option)?.text;
  if (text === undefined || /^[!-~]+$/.test(text) === Buffer.byteLength(text) <= MAX_NAME_BYTES) {
    return { ok: true, value: text };
  }
  return wrong(option, `${JSON.stringify(text)} is not a name of up to ${MAX_NAME_BYTES} characters`);
}

function flagsOf(options: Options, scheduler: string): Valued<readonly SchedulerFlag[]> {
  const flags: SchedulerFlag[] = [];
  for (const name of options.get("sched-flags")?.text.split(",") ?? []) {
    if (name === "") continue;
    const flag = parseSchedulerFlag(scheduler, name);
    if (!flag.ok) return wrong("sched-flags", flag.problem);
    flags.push(flag.value);
  }
  return { ok: true, value: sortedSchedulerFlags(flags) };
}

/** Persistence as `-p`, `-M` and `--pe` say it. Without `-p` the other two have no effect in the kernel. */
function persistenceOf(options: Options, family: Family, engine: string | undefined): Valued<Persistence | undefined> {
  const word = options.get("persistent");
  if (word === undefined) return { ok: true, value: undefined };
  const timeout = parseNumber(
    word.text === "" ? String(DEFAULT_PERSISTENCE_SECONDS) : word.text,
    1,
    MAX_PERSISTENCE_SECONDS,
  );
  if (!timeout.ok) return wrong("persistent", timeout.problem);
  const netmask = options.get("netmask")?.text;
  const mask = netmask === undefined ? undefined : parseNetmask(netmask, family);
  if (mask?.ok === false) return wrong("netmask", mask.problem);
  return {
    ok: true,
    value: {
      timeoutSeconds: timeout.value,
      ...(mask?.value ?? { prefixLength: addressBits(family) }),
      ...(engine === undefined ? {} : { engine }),
    },
  };
}

/** The service that the options of `-A` or `-E` describe; what they leave out is ipvsadm's default. */
export function serviceOf(options: Options, key: ServiceKey): Valued<VirtualService> {
  const scheduler = nameOf(options, "scheduler");
  if (!scheduler.ok) return scheduler;
  const engine = nameOf(options, "pe");
  if (!engine.ok) return engine;
  const name = scheduler.value ?? "wlc";
  const flags = flagsOf(options, name);
  if (!flags.ok) return flags;
  const persistence = persistenceOf(options, serviceFamily(key), engine.value);
  if (!persistence.ok) return persistence;
  if (key.kind === "address" && key.port === 0 && persistence.value === undefined) {
    return {
      ok: false,
      problem: { message: "a service without a port stands for every port and needs persistence: -p" },
    };
  }
  const onePacket = options.has("ops");
  if (onePacket && key.kind === "address" && key.protocol !== "udp") {
    return wrong("ops", "one-packet scheduling is for UDP only");
  }
  return {
    ok: true,
    value: {
      key,
      scheduler: name,
      schedulerFlags: flags.value,
      ...(persistence.value === undefined ? {} : { persistence: persistence.value }),
      onePacket,
    },
  };
}
