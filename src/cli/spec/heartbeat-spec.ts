/** The command table's entries of `heartbeat`. */
import { type GroupSpec, optionalArgument, switchFlag, valueFlag, verb } from "./spec-types.ts";
import { file, integer, interfaceName, positiveDuration } from "./value-kinds.ts";

export const heartbeatKeygen = verb({
  summary: "make the key that the two routers share",
  description: [
    "Prints 32 random bytes as text, or writes them to FILE with mode 0600. Give both routers the same file; the name of it is pair.key_file in the configuration.",
  ],
  arguments: { file: optionalArgument(file, "FILE", "where to write it; default: standard output") },
  flags: { force: switchFlag("replace the file when it exists") },
  examples: [{ command: "heartbeat keygen /etc/tandem/pair.key", doc: "a new key in the usual place" }],
  changes: true,
  jsonDoc: "{version, dryRun, key, file}; key is null when it went to a file",
});

const seconds = valueFlag(positiveDuration, { valueName: "TIME", defaultText: "10s", doc: "how long to listen" });

export const heartbeatWatch = verb({
  summary: "show what is heard from the peer on each path",
  description: [
    "Listens for a while, then says for each path: rate, loss, jitter, who sends, and why packets were not accepted. With a daemon running here it tells what that one heard meanwhile.",
  ],
  arguments: {},
  flags: {
    duration: seconds,
    interface: valueFlag(interfaceName, { valueName: "IF", doc: "only the path on this interface" }),
  },
  examples: [{ command: "heartbeat watch --duration 30s", doc: "half a minute of heartbeats" }],
  uses: ["config", "runtimeDir"],
  changes: false,
  jsonDoc: "{version, paths: [{path, interface, from, accepted, perSecond, lossPercent, jitterMs, refused}]}",
  exit3: "a path heard nothing",
});

export const heartbeatPing = verb({
  summary: "measure the round trip of heartbeats to the peer on each path",
  description: [
    "The peer's daemon answers. With a daemon running here it is asked for the round trips of its own heartbeats instead, on each path of the next N that come: what the network and both daemons' loops took, exact to a millisecond.",
  ],
  arguments: {},
  flags: { count: valueFlag(integer(1, 10_000), { valueName: "N", defaultText: "5", doc: "how many, on each path" }) },
  examples: [{ command: "heartbeat ping --count 10", doc: "ten on each path" }],
  uses: ["config", "runtimeDir"],
  changes: false,
  jsonDoc: "{version, paths: [{path, sent, answered, minMs, meanMs, p50Ms, p99Ms, maxMs}]}",
  exit3: "a path has no answer",
});

export const heartbeat = {
  kind: "group",
  name: "heartbeat",
  summary: "heartbeats between the routers: key, watch, ping",
  verbs: { keygen: heartbeatKeygen, watch: heartbeatWatch, ping: heartbeatPing },
} satisfies GroupSpec;
