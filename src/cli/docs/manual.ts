/** `man/tandem.8`, from the command table. */
import { SYSCTLS_SET } from "../../daemon/settings/forwarding.ts";
import { GLOBAL_FLAGS } from "../spec/global-flags.ts";
import type { FlagSpec, FlagTable, NounSpec, VerbSpec } from "../spec/spec-types.ts";
import { EXIT_CODES, flagTitle, globalFlagsOf, TAGLINE, usage } from "./help.ts";
import {
  roffBold,
  roffDefinition,
  roffParagraphs,
  roffSection,
  roffSubsection,
  roffText,
  roffTitle,
  roffVerbatim,
} from "./roff.ts";

const FILES: readonly (readonly [string, string])[] = [
  ["/etc/tandem/tandem.toml", "the configuration, the same on both routers; see tandem.toml(5)"],
  ["/run/tandem/control.sock", "the control socket of the running daemon, for root only"],
  [
    "/var/lib/tandem",
    "drains, holds, the term, verdicts, the history and the kernel settings of before, kept over restarts",
  ],
  [
    "/var/lib/tandem/report-router-*.json, report-balancer-*.json",
    "the state of a process that found a defect of tandem, for a report of it: without keys and nonces, but with addresses; the last three of each, for root only; see DIAGNOSTICS",
  ],
];

const DIAGNOSTICS: readonly (readonly [string, readonly string[]])[] = [
  [
    'internal assertion "NAME" failed: …',
    [
      "Something that tandem's own code guarantees does not hold: a defect of tandem, whatever came in from outside. A router withdraws its VIPs, writes its state to the file that the line names, and ends with exit code 1; its peer takes over, and the service manager starts it again.",
      "A balancer writes its state likewise and ends; the kernel's table goes on as it is, and the router starts the balancer again. One that ends again and again is a warning of tandem status, with the last reason.",
      "Please report it with that file. It holds no keys and no nonces, but addresses, names and the last answers of checks: read it before you send it.",
    ],
  ],
];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["NO_COLOR", "when it is not empty, output has no colour unless --color always is given"],
  ["TERM", "with dumb, output has no colour unless --color always is given"],
  [
    "BUN_OPTIONS, BUN_BE_BUN",
    "obeyed by the runtime inside the program, before tandem sees them; don't let them reach a privileged tandem (sudo and the systemd unit drop them)",
  ],
];

function flagParagraphs(key: string, spec: FlagSpec<unknown>): string[] {
  const notes = [
    ...(spec.required ? ["Required."] : []),
    ...(spec.defaultText === undefined ? [] : [`Default: ${spec.defaultText}.`]),
    ...(spec.choices === undefined ? [] : [`One of ${spec.choices.join(", ")}.`]),
    ...(spec.arity === "list" ? ["May be given several times."] : []),
  ];
  const doc = `${spec.doc.charAt(0).toUpperCase()}${spec.doc.slice(1)}.`;
  return roffDefinition(flagTitle(key, spec), [
    [doc, ...(spec.longDoc === undefined ? [] : [spec.longDoc]), ...notes].join(" "),
  ]);
}

function flagLines(flags: FlagTable): string[] {
  return Object.entries(flags).flatMap(([key, spec]) => flagParagraphs(key, spec));
}

function verbLines(words: readonly string[], verb: VerbSpec): string[] {
  const globals = Object.keys(globalFlagsOf(verb));
  const uses = globals.map((key) => flagTitle(key, { ...GLOBAL_FLAGS }[key as keyof typeof GLOBAL_FLAGS]));
  return [
    roffSubsection(usage(words, verb)),
    roffText(`${verb.summary.charAt(0).toUpperCase()}${verb.summary.slice(1)}.`),
    ...roffParagraphs(verb.description ?? []),
    ...Object.values(verb.arguments).flatMap((argument) => roffDefinition(argument.valueName, [`${argument.doc}.`])),
    ...flagLines(verb.flags),
    ...(uses.length === 0 ? [] : roffParagraphs([`Global flags of use here: ${uses.join(", ")}.`])),
    ...(verb.exit3 === undefined ? [] : roffParagraphs([`Exit code 3: ${verb.exit3}.`])),
    ...(verb.jsonDoc === undefined ? [] : [...roffParagraphs(["With --json:"]), ...roffVerbatim([verb.jsonDoc])]),
    ...verb.examples.flatMap((example) => [
      ...roffParagraphs([`Example, ${example.doc}:`]),
      ...roffVerbatim([`tandem ${example.command}`]),
    ]),
  ];
}

function nounLines(noun: NounSpec): string[] {
  if (noun.kind === "single") return verbLines([noun.name], noun.verb);
  return [
    ...roffParagraphs(noun.description ?? []),
    ...Object.entries(noun.verbs).flatMap(([name, verb]) => verbLines([noun.name, name], verb)),
  ];
}

function overview(nouns: readonly NounSpec[]): string[] {
  return nouns.flatMap((noun) => {
    const verbs = noun.kind === "single" ? "" : ` ${Object.keys(noun.verbs).join(" | ")}`;
    return roffDefinition(`tandem ${noun.name}${verbs}`, [`${noun.summary}.`]);
  });
}

const DESCRIPTION = [
  "tandem turns two Linux machines into a pair of LVS routers: one active, one backup. It drives the kernel's IPVS and the neighbours' ARP caches directly, checks the real servers, exchanges heartbeats with its peer on two paths, and moves the virtual IP addresses (VIPs) when a router fails.",
  "tandem run is the daemon. Every other command works by hand and in a script: results go to standard output, everything else to standard error, and the exit code tells how it went. A command with verbs shows its help when it is given none.",
  "A virtual service is written tcp://203.0.113.10:80, udp://[2001:db8::10]:53, sctp://203.0.113.10:80, fwmark:7 or fwmark:7/inet6. A duration is a number with a unit: 200ms, 1.5s, 10m, 2h.",
];

/** The field's terms, so that who knows them finds ours. */
const TERMS: readonly (readonly [string, string])[] = [
  ["active, standby", "the two roles at a time; VRRP: master and backup"],
  ["primary, backup", "the two machines of the configuration; VRRP: of higher and of lower priority"],
  [
    "failover, switchover",
    "the standby takes the VIPs from a router that fails; both agree that they move (failover switch)",
  ],
  ["fail-back", "the VIPs go back to the primary; VRRP: preemption, and nopreempt where it is manual"],
  [
    "split brain",
    "both routers have a VIP at one time; what prevents it here is the lease, which takes the place of fencing",
  ],
  ["lease", "the kernel's lifetime of a VIP, renewed by its owner's daemon and ended by the kernel without it"],
  ["gratuitous ARP", "how neighbours learn the new owner's MAC; for IPv6 unsolicited neighbour advertisements"],
  [
    "fitness, gate",
    "whether a router can serve, and conditions for it; keepalived: track_interface, track_script, track_process, track_file",
  ],
  [
    "real server, virtual service, health check, quorum, sorry server",
    "as in keepalived; ldirectord: real, virtual, checktype, fallback",
  ],
  ["drain, quiesce", "weight 0 by an operator's order, and because a server is down (ldirectord: quiescent)"],
];

const SYSCTLS_TEXT = [
  'tandem run changes these settings of the kernel\'s network where they have another value, and gives back at its end what was there before, if nobody has changed them since. What was there is in the state directory before anything is changed, so that a daemon that was killed at any moment gives it back when it is started and ended again. With stop = "keep" they stay. Nothing else of /proc/sys is written.',
];

const JSON_TEXT = [
  "With --json a command prints one JSON object on standard output. Its member version is 1; members are added in later versions, never renamed or removed. Times are in milliseconds, counters are whole numbers of up to 64 bits.",
  "A command that changes something prints the changes it made, or with --dry-run those it would make: do is the verb, subject what it is done to, outcome is planned, done, unchanged or failed.",
  "An error is an object on standard error: {version, error: {code, message, operation, subject, reason, hint, errno, problems, issues}}; code is the exit code, problems lists mistakes of the command line, issues those of a configuration file with line and column.",
];

/** The manual page of the program; `version` goes into its footer. */
export function programManual(nouns: readonly NounSpec[], version: string): string {
  const lines = [
    ...roffTitle("tandem", 8, `tandem ${version}`),
    roffSection("name"),
    `tandem \\- ${roffText(TAGLINE)}`,
    roffSection("synopsis"),
    `${roffBold("tandem")} ${roffText("COMMAND [VERB] [arguments] [flags]")}`,
    roffSection("description"),
    ...roffParagraphs(DESCRIPTION),
    roffSection("commands"),
    ...overview(nouns),
    roffSection("global flags"),
    ...flagLines(GLOBAL_FLAGS),
    ...nouns.flatMap((noun) => [roffSection(`tandem ${noun.name}`), ...nounLines(noun)]),
    roffSection("json"),
    ...roffParagraphs(JSON_TEXT),
    roffSection("exit status"),
    ...EXIT_CODES.flatMap(([code, meaning]) => roffDefinition(code, [`${meaning}.`])),
    roffSection("kernel settings"),
    ...roffParagraphs(SYSCTLS_TEXT),
    ...SYSCTLS_SET.flatMap(({ path, value, when }) => roffDefinition(`${path} = ${value}`, [`Where ${when}.`])),
    roffSection("files"),
    ...FILES.flatMap(([name, meaning]) => roffDefinition(name, [`${meaning}.`])),
    roffSection("diagnostics"),
    ...DIAGNOSTICS.flatMap(([message, meaning]) => roffDefinition(message, [...meaning])),
    roffSection("terms"),
    ...TERMS.flatMap(([term, meaning]) =>
      roffDefinition(term, [`${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.`]),
    ),
    roffSection("environment"),
    ...ENVIRONMENT.flatMap(([name, meaning]) => roffDefinition(name, [`${meaning}.`])),
    roffSection("see also"),
    roffText("tandem.toml(5), ipvsadm(8), ip(8)"),
  ];
  return `${lines.join("\n")}\n`;
}
