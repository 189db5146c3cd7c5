/** The command table's entries of `check`. */
import { type GroupSpec, listFlag, optionalArgument, switchFlag, valueFlag, verb } from "./spec-types.ts";
import { integer, positiveDuration, statusRange, text, word } from "./value-kinds.ts";

export const checkRun = verb({
  summary: "probe a target, or all configured real servers and gates, once",
  description: [
    "With a TARGET (tcp://10.0.0.11:80, http://10.0.0.11/healthz, https://…) and no --config: one probe of that target. Every kind of check is a scheme: smtp://10.0.0.11, dns://10.0.0.53/www.example.com, grpc://10.0.0.11:50051/SERVICE, radius://10.0.0.11, ping://10.0.0.11, smtps:// and imaps:// and their like, tls://10.0.0.11:993 for tcp within TLS, udp:// with --expect for an answer by UDP. Otherwise the checks of the configuration: of all services and the gates, or of the service named (by its name or by what it listens on), of all its real servers or of the one named.",
    "A gate that is checked only on an active router is left out where the daemon that runs here is standby, and passes; by --gate it is tried all the same.",
    "Nothing is changed and no daemon is needed; an unprivileged user may run it.",
  ],
  arguments: {
    target: optionalArgument(word, "TARGET|SERVICE", "what to probe, or a service of the configuration"),
    real: optionalArgument(word, "REAL", "one real server of that service, such as 10.0.0.11:80"),
  },
  flags: {
    send: valueFlag(text, { valueName: "TEXT", doc: "tcp: what to send; \\r \\n \\t \\0 \\xHH \\\\ are understood" }),
    expect: valueFlag(text, { valueName: "TEXT", doc: "tcp: text that must come; the same escapes; dns: a record" }),
    expectStatus: listFlag(statusRange, {
      valueName: "RANGE",
      defaultText: "200-399",
      doc: "http: a status or range that is good; repeatable",
    }),
    expectBody: valueFlag(text, { valueName: "TEXT", doc: "http: text that the body must contain" }),
    host: valueFlag(word, { valueName: "NAME", doc: "http: the Host header, and the name in the certificate" }),
    head: switchFlag("http: ask with HEAD instead of GET"),
    insecure: switchFlag("https: don't verify the certificate"),
    command: valueFlag(word, {
      valueName: "PROGRAM",
      doc: "run this program with its arguments as the check, without a shell",
      longDoc:
        "The words are split at spaces. The tokens {address}, {port}, {service.address} and {service.port} are replaced. The target is written tcp://ADDRESS:PORT.",
    }),
    user: valueFlag(word, { valueName: "USER", defaultText: "nobody", doc: "with --command: the user that runs it" }),
    set: listFlag(word, {
      valueName: "KEY=VALUE",
      doc: "any key of [service.check], as in the configuration; repeatable",
      longDoc:
        "The keys are those of tandem.toml(5): --set headers='[\"X-A: b\"]', --set server_name=www.example.com, --set script='[{ expect = \"220 \" }]'. A value that is no number, list, table, quoted text, true or false is taken for a text.",
    }),
    gate: listFlag(word, { valueName: "NAME", doc: "only this gate of the configuration; repeatable" }),
    gates: switchFlag("only the gates of the configuration, all of them"),
    verbose: switchFlag("show what goes over the wire, on standard error"),
    repeat: valueFlag(integer(1, 1_000_000), { valueName: "N", defaultText: "1", doc: "probe so many times" }),
    interval: valueFlag(positiveDuration, {
      valueName: "TIME",
      defaultText: "2s",
      doc: "with --repeat: between rounds",
    }),
    timeout: valueFlag(positiveDuration, { valueName: "TIME", defaultText: "3s", doc: "how long a probe may take" }),
  },
  examples: [
    { command: "check run", doc: "every check of the configuration, for cron" },
    { command: "check run --config ./tandem.toml web", doc: "the checks of one service" },
    { command: "check run --gate proxy", doc: "one gate" },
    { command: "check run tcp://10.0.0.11:25 --expect '220 '", doc: "a greeting" },
    { command: "check run http://10.0.0.11/healthz --expect-status 200", doc: "a status" },
    { command: "check run smtp://10.0.0.11 --set transport=starttls --verbose", doc: "mail, and what was said" },
    { command: "check run dns://10.0.0.53/www.example.com --expect 192.0.2.10", doc: "a name has an address" },
  ],
  uses: ["config", "runtimeDir"],
  changes: false,
  jsonDoc:
    "{version, ok, results: [{service, gate, target, kind, result, elapsedMs, reason, failure}]}; failure is null on success; service is null for a target and for a gate; gate only for a gate; endpoint where the check goes elsewhere, warning and weightPercent where there is one; with --repeat one such object a round",
  exit3: "a probe failed, of a gate too",
});

export const checkList = verb({
  summary: "list the configured checks and gates; with a daemon, what they found",
  arguments: {},
  flags: {
    history: switchFlag("show the changes of each server's and gate's verdict since the daemon's balancer began"),
  },
  examples: [
    { command: "check list", doc: "what is checked, how often, and how it stands" },
    { command: "check list --history", doc: "and how it came to that" },
  ],
  uses: ["config", "runtimeDir"],
  changes: false,
  jsonDoc:
    "{version, source, checks: [{service, target, kind, intervalMs, timeoutMs, rise, fall, state, verdict, drained, reason, forMs, p50Ms, p99Ms, changes: [{to, agoMs, reason}]}], gates: [{name, target, kind, effect, when, intervalMs, timeoutMs, rise, fall, state, reason, forMs, p50Ms, p99Ms, changes}], pace: {turns, inFlight, late: {p50Ms, p99Ms, maxMs}}}; forMs is how long the verdict has held, pace how late the last probes began",
});

export const check = {
  kind: "group",
  name: "check",
  summary: "checks of real servers, and gates: run them once, list them",
  verbs: { run: checkRun, list: checkList },
} satisfies GroupSpec;
