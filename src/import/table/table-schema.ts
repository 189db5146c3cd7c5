/**
 * The TOML form of `tandem service save`: the kernel's table and nothing else. The keys are those of `[[service]]` in
 * the configuration, less what the kernel doesn't know (names, checks), and with what only a kernel can have: any
 * scheduler, any mask.
 */
import { listenKey, serverEndpoint } from "../../config/keys/address-types.ts";
import { MAX_SERVERS, MAX_SERVICES } from "../../config/keys/limits.ts";
import { optional, required, table, tables, withDefault } from "../../config/keys/table-type.ts";
import { duration, oneLine, plainName } from "../../config/keys/text-types.ts";
import { TIMEOUTS } from "../../config/keys/timeouts.ts";
import { boolean, choice, integer, list, parsedText } from "../../config/keys/value-type.ts";
import { parsed, problem } from "../../lib/parsed.ts";
import { parseAddress } from "../../model/address.ts";
import { FORWARDINGS, THRESHOLD_MAX, TUNNEL_TYPES, WEIGHT_MAX } from "../../model/real-server.ts";
import { SCHEDULER_FLAG_NAMES } from "../../model/scheduler-flag.ts";
import { SAVED_DAEMONS } from "./table-settings.ts";

/** IP_VS_SCHEDNAME_MAXLEN and IP_VS_PENAME_MAXLEN (linux/ip_vs.h) less the final NUL. */
const MAX_NAME_BYTES = 15;

const kernelName = oneLine("a name of up to 15 characters", /^[!-~]+$/, MAX_NAME_BYTES);

const dottedMask = parsedText(
  'a mask such as "255.0.255.0"',
  (text) => {
    const mask = parseAddress(text);
    return mask.ok && mask.value.family === "inet"
      ? parsed(mask.value)
      : problem(`${JSON.stringify(text)} is not a mask`);
  },
  (mask) => mask.text,
);

export const SAVED_TUNNEL = table("[service.real.tunnel]", "The header around packets to the server.", {
  type: required(choice(TUNNEL_TYPES), { meaning: "The kind of tunnel.", example: '"gue"' }),
  port: withDefault(integer(0, 65_535), 0, { meaning: "The UDP port of gue.", example: "6080" }),
  checksum: withDefault(choice(["none", "full", "remote"]), "none", { meaning: "Checksums.", example: '"full"' }),
});

export const SAVED_PERSISTENCE = table("[service.persistence]", "A client keeps its real server.", {
  timeout: required(duration("0s", "49710d", "seconds"), { meaning: "For how long.", example: '"5m"' }),
  prefix: optional(integer(0, 128), { meaning: "Clients of one network share a server.", example: "24" }),
  netmask: optional(dottedMask, { meaning: "A mask that is no prefix.", example: '"255.0.255.0"' }),
  engine: optional(kernelName, { meaning: "The persistence engine.", example: '"sip"' }),
});

export const SAVED_SERVERS = tables(
  "[[service.real]]",
  "A real server.",
  {
    address: required(serverEndpoint, { meaning: "Address and port.", example: '"10.0.0.11:80"' }),
    weight: withDefault(integer(0, WEIGHT_MAX), 1, { meaning: "Its share.", example: "3" }),
    forward: withDefault(choice([...FORWARDINGS, "local", "bypass"]), "nat", { meaning: "How.", example: '"direct"' }),
    upper_threshold: withDefault(integer(0, THRESHOLD_MAX), 0, { meaning: "No new work from here.", example: "5000" }),
    lower_threshold: withDefault(integer(0, THRESHOLD_MAX), 0, { meaning: "New work again.", example: "4000" }),
    tunnel: optional(SAVED_TUNNEL, { meaning: "The tunnel.", example: "" }),
  },
  MAX_SERVERS,
);

export const SAVED_SERVICES = tables(
  "[[service]]",
  "A virtual service.",
  {
    name: optional(plainName, { meaning: "For people; the kernel has no names.", example: '"web"' }),
    listen: required(listenKey, { meaning: "What clients connect to.", example: '"tcp://203.0.113.10:80"' }),
    scheduler: withDefault(kernelName, "wlc", { meaning: "How work is spread.", example: '"wrr"' }),
    scheduler_flags: withDefault(
      list(choice(SCHEDULER_FLAG_NAMES), "a list of flags", { max: SCHEDULER_FLAG_NAMES.length }),
      [],
      { meaning: "Flags of the scheduler.", example: '["sh-port"]' },
    ),
    one_packet: withDefault(boolean, false, { meaning: "Each packet by itself.", example: "true" }),
    persistence: optional(SAVED_PERSISTENCE, { meaning: "A client keeps its server.", example: "" }),
    real: optional(SAVED_SERVERS, { meaning: "The real servers.", example: "" }),
  },
  MAX_SERVICES,
);

export const SAVED_FILE = table("", "A saved table.", {
  timeouts: optional(TIMEOUTS, { meaning: "The timeouts of connections.", example: "" }),
  sync_daemon: optional(SAVED_DAEMONS, { meaning: "The sync daemons.", example: "" }),
  service: optional(SAVED_SERVICES, { meaning: "The services.", example: "" }),
});
