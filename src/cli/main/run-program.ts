/** From the command line to the exit code: what is read, what is run, and what becomes of an error. */
import type { ExitCode } from "../../lib/errors.ts";
import { renderHelp } from "../docs/help.ts";
import { showVersion } from "../docs/version-command.ts";
import { type CommandLine, hasSwitch, readCommandLine } from "../line/argv.ts";
import { ServiceNames } from "../line/service-names.ts";
import { Output } from "../output/output.ts";
import { reportError } from "../output/report-error.ts";
import { COMMANDS } from "../spec/command-table.ts";
import type { NounSpec } from "../spec/spec-types.ts";
import { loadRunner } from "./dispatch.ts";

/** What a line that cannot be read says about colours, so that its error is right as well. */
function colorIn(argv: readonly string[]): "auto" | "always" | "never" {
  if (argv.includes("--color=never")) return "never";
  return argv.includes("--color=always") ? "always" : "auto";
}

async function perform(line: CommandLine, output: Output): Promise<ExitCode> {
  switch (line.kind) {
    case "version":
      showVersion(output);
      return 0;
    case "help":
      output.lines(renderHelp(COMMANDS, line.noun, line.verb, output.palette));
      return 0;
    case "command": {
      const run = await loadRunner(line.noun.name, line.verb);
      return await run(line.input, { output, globals: line.globals });
    }
  }
}

/**
 * Most lines begin with the noun. Then there is nothing for cac to find, and loading it, a tenth of a short command's
 * time (measured), is left out.
 */
async function nounOf(argv: readonly string[]): Promise<NounSpec | undefined> {
  const noun = COMMANDS.find(({ name }) => name === argv[0]);
  return noun ?? (await import("../line/route.ts")).routeNoun(argv, COMMANDS);
}

/** The words as a command; names of services are looked up first, and with --resolve those of hosts and ports as well. */
async function readLine(argv: readonly string[], output: Output): Promise<CommandLine> {
  const noun = await nounOf(argv);
  const services = new ServiceNames();
  const read = async (): Promise<CommandLine> => {
    if (!hasSwitch(argv, "--resolve")) return readCommandLine(argv, COMMANDS, noun, services);
    const { withNames } = await import("../line/names.ts");
    return await withNames((hosts) => readCommandLine(argv, COMMANDS, noun, services.beside(hosts)));
  };
  const line = await read();
  if (!services.isAsked || line.kind !== "command") return line;
  const { lookUpServices } = await import("../line/service-lookup.ts");
  services.known = await lookUpServices({ globals: line.globals, output });
  return await read();
}

/**
 * Does what the words after the program's name say.
 * @returns the exit code; every error has been told on standard error.
 */
export async function runProgram(argv: readonly string[]): Promise<ExitCode> {
  let output = await Output.open({ json: hasSwitch(argv, "--json"), color: colorIn(argv) });
  try {
    if (argv.length === 0) {
      // Not a success: a script that lost its words should notice.
      output.note(renderHelp(COMMANDS, undefined, undefined, output.errorPalette).join("\n"));
      return 2;
    }
    const line = await readLine(argv, output);
    output = await Output.open({ json: line.globals.json, color: line.globals.color ?? "auto" });
    return await perform(line, output);
  } catch (error) {
    return reportError(error, output);
  }
}
