import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { FILE_STATES, GATE_EFFECTS, GATE_TIMES, GATES_MAX } from "../../model/gate.ts";
import { CHECK_KINDS } from "../../model/health-check.ts";
import { serverEndpoint } from "./address-types.ts";
import { CHECK_SCHEMA } from "./check-schema.ts";
import { program } from "./program-type.ts";
import { optional, required, tables, withDefault, withLateDefault } from "./table-type.ts";
import { absolutePath, interfaceName, plainName } from "./text-types.ts";
import { choice, parsedText, type ScalarType, shown } from "./value-type.ts";

/** `[[gate]]`: the keys of a check, but for those that only a real server gives a meaning to, and a subject. */

/** NAME_MAX of linux/limits.h: no program's file has a longer name. */
const MAX_PROCESS_NAME_BYTES = 255;

function parseProcessName(text: string): Parsed<string> {
  if (text === "" || /[\p{Cc}]/u.test(text)) return problem(`${shown(text)} is not the name of a process`);
  if (text.includes("/")) return problem(`${shown(text)} has a path; give the name alone, as ps -e shows it`);
  return Buffer.byteLength(text) > MAX_PROCESS_NAME_BYTES
    ? problem(`the name is longer than ${MAX_PROCESS_NAME_BYTES} bytes`)
    : parsed(text);
}

const processName: ScalarType<string> = parsedText(
  'the name of a process such as "haproxy"',
  parseProcessName,
  (text) => text,
);

const {
  kind,
  command: _command,
  user,
  interval,
  timeout,
  rise,
  fall,
  down_interval,
  flap_limit,
  flap_window,
  flap_hold,
  // What a real server has: the target says where to go, and there is no weight.
  port: _port,
  connect_address: _address,
  weight_from: _weight,
  ...protocol
} = CHECK_SCHEMA;
// That it is for one kind goes without saying here, where command tells the kind.
const { kinds: _kinds, ...anyUser } = user;

export const GATES = tables(
  "[[gate]]",
  "Something that must hold on a router so that it is the right place for the VIPs: a proxy answers, a program says " +
    "so, a process runs, an interface has its carrier. Each router checks its own. When a gate fails on the active " +
    "router, the VIPs move to the other one if the same gate has passed there for 30 s. One that is not known yet, or " +
    "that only one router has, moves nothing; and no gate keeps a router from taking over when the other one is dead. " +
    "A gate has one of target, command, process, interface and file, and beside them the keys of [service.check].",
  {
    name: required(plainName, {
      meaning: "What commands and logs call it; each gate has its own, the same on both routers.",
      example: '"proxy"',
    }),
    target: optional(serverEndpoint, {
      meaning:
        "Address and port that are checked, by the kind of check that kind says; a ping has no port. Beside command: " +
        "what {address} and {port} in it stand for.",
      fallbackText: "none",
      example: '"127.0.0.1:80"',
      alias: ["address", "port", "connect_address", "real", "server"],
    }),
    kind: withLateDefault(choice(CHECK_KINDS), "tcp", {
      meaning: "How target is checked, as in [service.check]; external, which is command's, need not be said.",
      fallbackText: '"tcp", or "external" with command',
      example: '"http"',
      alias: ["type", "check"],
    }),
    command: optional(program, {
      meaning: "A program and its arguments, run without a shell; exit code 0 passes.",
      fallbackText: "none",
      example: '["/usr/local/lib/check-uplink", "--quick"]',
      alias: ["program", "vrrp_script", "misc_path"],
    }),
    user: { ...anyUser, meaning: "The user that command runs as; never root." },
    process: optional(processName, {
      meaning:
        "The name of a process, one of which must run anywhere on this machine, containers included. It is what ps -e " +
        "shows, or the name of the program's file; of a longer name the kernel shows 15 bytes, which are then compared. " +
        "A zombie doesn't run.",
      fallbackText: "none",
      example: '"haproxy"',
      alias: ["pidof", "track_process", "vrrp_track_process"],
    }),
    interface: optional(interfaceName, {
      meaning:
        "A network interface that must be there, be up and have a carrier. Those of the VIPs and of the heartbeats need " +
        "no gate: they are watched by themselves.",
      fallbackText: "none",
      example: '"eth2"',
      alias: ["dev", "track_interface"],
    }),
    file: optional(absolutePath, {
      meaning: "A file that must be as file_state says.",
      fallbackText: "none",
      example: '"/run/uplink-ok"',
      alias: ["track_file", "vrrp_track_file"],
    }),
    file_state: withLateDefault(choice(FILE_STATES), "present", {
      meaning:
        "What file must be. present: it exists, whatever is in it. absent: it doesn't, which makes a switch for an " +
        "administrator. zero, not-negative, not-positive: the number in its first line is such a one; a missing and an " +
        "empty file count as 0, and a line that is no whole number fails.",
      example: '"absent"',
    }),
    effect: withDefault(choice(GATE_EFFECTS), "hand-over", {
      meaning: "What follows when it fails: the VIPs may move to the other router, or a warning alone.",
      example: '"warn"',
      alias: ["action", "on_failure"],
    }),
    when: withDefault(choice(GATE_TIMES), "always", {
      meaning:
        "active: it is checked only while this router is active, for what works only there, such as a proxy that " +
        "listens on the VIP. A standby then counts as passing, and says so.",
      example: '"active"',
    }),
    interval,
    timeout,
    rise: {
      ...rise,
      meaning:
        "Consecutive successes before a gate that failed passes; one that was never judged passes with the first.",
    },
    fall: { ...fall, meaning: "Consecutive failures before it fails." },
    down_interval: { ...down_interval, meaning: "The time between attempts while it fails." },
    flap_limit: {
      ...flap_limit,
      meaning:
        "A gate that failed so many times within flap_window passes only after flap_hold without a failure. 0: no such " +
        "rule.",
    },
    flap_window,
    flap_hold: { ...flap_hold, meaning: "How long a gate that flaps must be good before it passes." },
    ...protocol,
  },
  GATES_MAX,
);
