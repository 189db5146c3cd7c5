/** The command table's entries of `config`. */
import { FOREIGN_FORMATS, type ForeignFormat } from "../../import/words/import-formats.ts";
import { PLAN_JSON } from "./json-shapes.ts";
import { type GroupSpec, oneArgument, optionalArgument, switchFlag, valueFlag, verb } from "./spec-types.ts";
import { choice, file } from "./value-kinds.ts";

const fileArgument = optionalArgument(file, "FILE", "the file; default: the one of --config");

export const configCheck = verb({
  summary: "say every mistake of a configuration file, with line and column",
  description: [
    "Mistakes of the file itself are errors, exit code 2. Then it looks at this machine: interfaces, IPv6 on those of IPv6 VIPs, the router's own addresses, the key file, other files and programs that the file names and that are missing or of no use here. These are warnings, for the file may be meant for another machine; with --host they are errors too, exit code 2, and a reload with this file would be refused.",
  ],
  arguments: { file: fileArgument },
  flags: {
    host: switchFlag("the file is meant for this machine: what it lacks is an error, exit code 2"),
    router: valueFlag(choice(["primary", "backup"]), {
      valueName: "WHICH",
      doc: "which router this machine is; default: detected by its own addresses",
    }),
  },
  examples: [
    { command: "config check ./tandem.toml", doc: "the file alone, with warnings about this machine" },
    { command: "config check --host", doc: "before a reload" },
  ],
  uses: ["config"],
  changes: false,
  jsonDoc:
    "{version, file, ok, warnings: [{file, line, column, path, message, hint}], host: [the same, about this machine]}; mistakes, and those of host with --host, are in error.issues; file is there where it is an included one",
});

export const configShow = verb({
  summary: "print the configuration as it takes effect, with all defaults",
  arguments: { file: fileArgument },
  flags: {},
  examples: [{ command: "config show", doc: "every setting that tandem run would use" }],
  uses: ["config"],
  changes: false,
  jsonDoc: "{version, file, config}",
});

export const configPlan = verb({
  summary: "print what a reload with this file would change",
  description: [
    "Beside a running daemon: what tandem reload would do if this were its file, with the clients' open connections of what goes, and whether it would be refused. Without one: what is to be changed in the kernel's table and settings of IPVS.",
  ],
  arguments: { file: fileArgument },
  flags: {},
  examples: [{ command: "config plan ./tandem.toml", doc: "what a reload with this file would do" }],
  uses: ["config", "runtimeDir"],
  changes: false,
  jsonDoc: PLAN_JSON,
});

export const configExample = verb({
  summary: "print a commented configuration file to start from",
  arguments: {},
  flags: {},
  examples: [{ command: "config example > tandem.toml", doc: "a first file" }],
  changes: false,
});

/** How an administrator knows the file of each format. */
const FOREIGN_FILE_NAMES: Readonly<Record<ForeignFormat, string>> = {
  ipvsadm: "the lines of ipvsadm -S",
  keepalived: "keepalived.conf",
  ldirectord: "ldirectord.cf",
  piranha: "Piranha's lvs.cf",
};
const FOREIGN_FILES = FOREIGN_FORMATS.map((format) => FOREIGN_FILE_NAMES[format]);

export const configImport = verb({
  summary: "turn a file of another product into a configuration",
  description: [
    `Reads ${FOREIGN_FILES.slice(0, -1).join(", ")} or ${FOREIGN_FILES.at(-1)}. The configuration goes to standard output; what has no counterpart, or means something else here, is listed on standard error. config check of the result says what is still missing: the file of one router knows little of the other, and ipvsadm and ldirectord know no routers at all.`,
  ],
  arguments: { file: oneArgument(file, "FILE", "the file to read; - for standard input") },
  flags: {
    format: valueFlag(choice(FOREIGN_FORMATS), {
      valueName: "FORMAT",
      defaultText: "detected from the text",
      doc: "whose file it is",
    }),
    resolve: switchFlag("look up names of hosts and ports (not for keepalived)"),
  },
  examples: [
    { command: "config import /etc/ipvsadm.rules > services.toml", doc: "from a saved table" },
    { command: "config import /etc/keepalived/keepalived.conf > tandem.toml", doc: "from keepalived" },
  ],
  changes: false,
  jsonDoc: "{version, format, config, notes: [{line, column, path, message}]}; config is the TOML text",
});

export const config = {
  kind: "group",
  name: "config",
  summary: "the configuration file: check, show, plan, example, import",
  verbs: { check: configCheck, show: configShow, plan: configPlan, example: configExample, import: configImport },
} satisfies GroupSpec;
