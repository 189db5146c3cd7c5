/** The command table's entries of commands without verbs: `run`, `reload`, `status`, `doctor` and others. */
import { RELOAD_JSON } from "./json-shapes.ts";
import { oneArgument, optionalArgument, type SingleSpec, switchFlag, valueFlag, verb } from "./spec-types.ts";
import { choice, watchInterval, word } from "./value-kinds.ts";

export const statusVerb = verb({
  summary: "show both routers, paths, VIPs, gates, services and the last transitions",
  description: [
    "An alarm is what clients notice: two routers own a VIP, or a machine that is neither does; no router owns one, or could serve it; or a service has nobody left to serve it. Its kind is two-owners, no-owner, unservable-vip or unserved-service. Alarms are the first of the warnings, and make the exit code 3.",
  ],
  arguments: {},
  flags: {
    watch: switchFlag("redraw until q is typed, also while no daemon answers"),
    interval: valueFlag(watchInterval, { valueName: "TIME", defaultText: "1s", doc: "with --watch: how often" }),
  },
  examples: [
    { command: "status", doc: "the whole pair at a glance" },
    { command: "status --watch", doc: "the same, live" },
    { command: "status --json | jq .router.role", doc: "for a script" },
  ],
  uses: ["runtimeDir"],
  changes: false,
  jsonDoc:
    "the daemon's report: {version, router, peer, paths, vips, gates: [{name, state, sinceMs, effect, when, reason}], services, transitions, sync: {wanted, present, fullSync, working, lastFullSync, failure, text}, log: {lostLines, lastLostMsAgo, failure}, state: {directory, failures: [{file, reason, forMs}]}, alarms: [{kind, text, mend}], warnings, advice: [{text, mend}]}; mend is a command and absent where none helps, advice has those warnings that have one; peer is {id, name, alive, role, term, heardMsAgo, software, sameConfig, differingKeys, missingKeys}: differingKeys are the names of settings that the peer has otherwise or not at all, missingKeys the number of those that only the peer has, both null while the configurations are the same or not compared yet; failback of the router is pending, none or unknown: whether the VIPs go back to the primary by themselves; sinceMs of the router is that of its role, doingSinceMs that of what it does; sync is null where connections are not synchronised; the gates are those of this router, state is passing, failing or unknown; with --watch one after the other, and {version, error} while no daemon answers",
  exit3: "no router is active, or both are, or an alarm stands",
});

export const runVerb = verb({
  summary: "run the router daemon in the foreground",
  description: [
    "Runs in the foreground until SIGTERM, which hands the VIPs over to the peer; SIGHUP reads the configuration again as tandem reload does, SIGUSR1 and SIGUSR2 write the state to the log. Which router of the configuration this machine is, its addresses tell; where it has none of either router, it says so and waits for one.",
    "The log goes to standard error. Lines that cannot be written (a full disk, a reader that is gone or does not read) are counted and lost, and the next line that can be written says how many. Files of the state directory that cannot be written are tried again every five seconds. Neither ends the daemon or moves a VIP: tandem status says what is wrong, and an order that could not be saved is carried out and answered with exit code 1, since a restart would forget it. A file there that cannot be used is kept under its name with .unusable at the end.",
    "With services it loads the kernel module ip_vs where it is absent, by the program that /proc/sys/kernel/modprobe names, and tries again for as long as IPVS is not there. In one network namespace there can be one tandem with services: a second one is refused with exit code 1, at the start and at a reload that adds the first service.",
  ],
  arguments: {},
  flags: {
    router: valueFlag(choice(["primary", "backup"]), {
      valueName: "WHICH",
      doc: "which router this is; default: detected by its own addresses",
    }),
  },
  examples: [{ command: "run --config /etc/tandem/tandem.toml", doc: "what the systemd unit does" }],
  uses: ["config", "runtimeDir", "stateDir"],
  changes: false,
});

export const reloadVerb = verb({
  summary: "put the changed configuration file in force, all or nothing",
  description: [
    "The daemon reads its file again, checks it on this machine (interfaces, programs, keys and other files that it names), and adds what is new beside what is there. Only when the kernel has taken all of that is what is not wanted any more taken away; until then a mistake or a refusal leaves everything as it was. Untouched services and VIPs lose nothing.",
    "What would take away all VIPs or all services is refused without --force: a file that was cut off looks like that. Each router reloads its own file; tandem status says on both whether they differ. SIGHUP does the same without an answer, and the last result stands in tandem status. A machine that answers for a VIP that was added is a warning, and an alarm in tandem status.",
    "What was put in force is kept in the state directory: a daemon that is started with a file that is no configuration goes on with that, and says so.",
  ],
  arguments: {},
  flags: { force: switchFlag("also where that takes away all VIPs or all services") },
  examples: [
    { command: "reload --dry-run", doc: "what would change, and whether it would be refused" },
    { command: "reload", doc: "put it in force" },
  ],
  uses: ["runtimeDir"],
  changes: true,
  jsonDoc: RELOAD_JSON,
});

export const doctorVerb = verb({
  summary: "find what on this machine would break LVS, with the command that mends it",
  arguments: {},
  flags: {},
  description: [
    "Looks at the kernel, its settings and the configuration; where the daemon runs, also at what that knows: each of its alarms (two owners, VIPs that nobody has or could serve, services without a server), VIPs whose owner cannot be proven by asking and a standby that could not take over are errors, its other warnings are warnings.",
    "The firewall is read as the kernel has it (nf_tables and iptables): rules and policies that drop the answers of real servers behind NAT, what clients send to VIPs, heartbeats, connection synchronisation, ARP or neighbour discovery. Of rules that it does not understand, a note says that it cannot judge. The running daemon looks each minute, and status warns.",
    "Few packets are sent: ARP and neighbour solicitations that tell who else answers for the VIPs; and, on a router that has VIPs, echo requests to the real servers behind NAT, from this router's address near them and from a VIP. The answer to the VIP must come back by the same interface and as straight, else the real server's answers to clients go around this router. Real servers that answer no echo requests are left out.",
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

/** @param commands those whose help can be shown */
function helpVerb(commands: readonly string[]) {
  return verb({
    summary: "show the help of tandem, of a command or of a verb, as --help does",
    arguments: {
      command: optionalArgument({ ...word, choices: commands }, "COMMAND", "a command: vip"),
      verb: optionalArgument(word, "VERB", "one of its verbs: add"),
    },
    flags: {},
    examples: [{ command: "help vip add", doc: "the same as tandem vip add --help" }],
    changes: false,
  });
}

export const versionVerb = verb({
  summary: "show the version, the commit and the version of Bun, as --version does",
  arguments: {},
  flags: {},
  examples: [{ command: "version --json", doc: "for a script" }],
  changes: false,
  jsonDoc: "{version, tandem, commit, bun}",
});

export const status = {
  kind: "single",
  name: "status",
  summary: statusVerb.summary,
  verb: statusVerb,
} satisfies SingleSpec;
export const run = { kind: "single", name: "run", summary: runVerb.summary, verb: runVerb } satisfies SingleSpec;
export const reload = {
  kind: "single",
  name: "reload",
  summary: reloadVerb.summary,
  verb: reloadVerb,
} satisfies SingleSpec;
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

/** The command `help`, which comes after those that it knows. */
export function helpOf(commands: readonly string[]) {
  const spec = helpVerb(commands);
  return { kind: "single", name: "help", summary: spec.summary, verb: spec } as const satisfies SingleSpec;
}

export const version = {
  kind: "single",
  name: "version",
  summary: versionVerb.summary,
  verb: versionVerb,
} satisfies SingleSpec;
