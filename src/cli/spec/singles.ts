import { choice, positiveDuration } from "./kinds.ts";
import { oneArgument, type SingleSpec, switchFlag, valueFlag, verb } from "./types.ts";

export const statusVerb = verb({
  summary: "show both routers, paths, VIPs, gates, services and the last transitions",
  description: [
    "An alarm is what clients notice: two routers own a VIP, or a machine that is neither does; no router owns one, or could serve it; or a service has nobody left to serve it. Its kind is two-owners, no-owner, unservable-vip or unserved-service. Alarms are the first of the warnings, and make the exit code 3.",
  ],
  arguments: {},
  flags: {
    watch: switchFlag("redraw until interrupted"),
    interval: valueFlag(positiveDuration, { valueName: "TIME", defaultText: "1s", doc: "with --watch: how often" }),
  },
  examples: [
    { command: "status", doc: "the whole pair at a glance" },
    { command: "status --watch", doc: "the same, live" },
    { command: "status --json | jq .router.role", doc: "for a script" },
  ],
  uses: ["runtimeDir"],
  changes: false,
  jsonDoc:
    "the daemon's report: {version, router, peer, paths, vips, gates: [{name, state, sinceMs, effect, when, reason}], services, transitions, sync: {wanted, present, fullSync, working, lastFullSync, failure, text}, log: {lostLines, lastLostMsAgo, failure}, state: {directory, failures: [{file, reason, forMs}]}, alarms: [{kind, text, mend}], warnings, advice: [{text, mend}]}; mend is a command and absent where none helps, advice has those warnings that have one; sinceMs of the router is that of its role, doingSinceMs that of what it does; sync is null where connections are not synchronised; the gates are those of this router, state is passing, failing or unknown",
  exit3: "no router is active, or both are, or an alarm stands",
});

export const runVerb = verb({
  summary: "be one of the two routers: the daemon",
  description: [
    "Runs in the foreground until SIGTERM, which hands the VIPs over to the peer; SIGHUP reads the configuration again, SIGUSR1 and SIGUSR2 write the state to the log. Which router of the configuration this machine is, its addresses tell.",
    "The log goes to standard error. Lines that cannot be written (a full disk, a reader that is gone or does not read) are counted and lost, and the next line that can be written says how many. Files of the state directory that cannot be written are tried again every five seconds. Neither ends the daemon or moves a VIP: tandem status says what is wrong, and an order that could not be saved is carried out and answered with exit code 1, since a restart would forget it. A file there that cannot be used is kept under its name with .unusable at the end.",
    "With services it loads the kernel module ip_vs where it is absent, by the program that /proc/sys/kernel/modprobe names, and tries again for as long as IPVS is not there. In one network namespace there can be one tandem with services: a second one is refused with exit code 1, at the start and at a reload that adds the first service.",
  ],
  arguments: {},
  flags: {
    router: valueFlag(choice(["primary", "backup"]), {
      valueName: "WHICH",
      doc: "which router this is; default: told by its addresses",
    }),
  },
  examples: [{ command: "run --config /etc/tandem/tandem.toml", doc: "what the systemd unit does" }],
  uses: ["config", "runtimeDir", "stateDir"],
  changes: false,
});

export const doctorVerb = verb({
  summary: "find what on this machine would break LVS, with the command that mends it",
  arguments: {},
  flags: {},
  description: [
    "Looks at the kernel, its settings and the configuration; where the daemon runs, also at what that knows: each of its alarms (two owners, VIPs that nobody has or could serve, services without a server), VIPs whose owner cannot be proven by asking and a standby that could not take over are errors, its other warnings are warnings.",
  ],
  examples: [{ command: "doctor", doc: "before the first run" }],
  uses: ["config", "runtimeDir"],
  changes: false,
  jsonDoc:
    "{version, ok, findings: [{name, severity, message, mend}]}; severity is error, warning or note; mend is empty where no command helps",
  exit3: "something would break",
});

export const completionsVerb = verb({
  summary: "print the completion script of a shell",
  arguments: { shell: oneArgument(choice(["bash", "zsh", "fish"]), "SHELL", "bash, zsh or fish") },
  flags: {},
  examples: [
    { command: "completions bash > /etc/bash_completion.d/tandem", doc: "for all users" },
    { command: "completions zsh > /usr/local/share/zsh/site-functions/_tandem", doc: "for all users of zsh" },
    { command: "completions fish > ~/.config/fish/completions/tandem.fish", doc: "for one" },
  ],
  changes: false,
});

export const status = {
  kind: "single",
  name: "status",
  summary: statusVerb.summary,
  verb: statusVerb,
} satisfies SingleSpec;
export const run = { kind: "single", name: "run", summary: runVerb.summary, verb: runVerb } satisfies SingleSpec;
export const doctor = {
  kind: "single",
  name: "doctor",
  summary: doctorVerb.summary,
  verb: doctorVerb,
} satisfies SingleSpec;
export const completions = {
  kind: "single",
  name: "completions",
  summary: completionsVerb.summary,
  verb: completionsVerb,
} satisfies SingleSpec;
