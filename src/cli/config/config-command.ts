/** `tandem config`: one function for each of its verbs; the larger ones are loaded when they are called for. */
import { exampleConfig } from "../../config/render/example.ts";
import { renderConfig } from "../../config/render/render.ts";
import { daemonAnswers } from "../../daemon/control/control-client.ts";
import type { ExitCode } from "../../lib/errors.ts";
import { readConfig } from "../line/config-file.ts";
import type { CommandContext, Runner, Runners } from "../line/context.ts";
import { askApplied } from "../line/daemon-report.ts";
import { runtimeDir } from "../line/directories.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import type { config as spec } from "../spec/config-spec.ts";

type Verbs = (typeof spec)["verbs"];

/** FILE and --config at once would leave it open which one counts. */
function theFile(verb: string, file: string | undefined, { globals }: CommandContext): string | undefined {
  if (file !== undefined && globals.config !== undefined) {
    throw new CommandLineError(`config ${verb}`, ["give the file once: as FILE or by --config"]);
  }
  return file;
}

const check: Runner<Verbs["check"]> = async ({ file, host, router }, context) => {
  const valid = readConfig(context, theFile("check", file, context));
  return (await import("./config-check.ts")).checkConfig(valid, { mustFit: host, router }, context);
};

const show: Runner<Verbs["show"]> = ({ file }, context): ExitCode => {
  const { path, config } = readConfig(context, theFile("show", file, context));
  if (context.output.json) context.output.printJson({ file: path, config });
  else context.output.write(renderConfig(config));
  return 0;
};

const plan: Runner<Verbs["plan"]> = async ({ file }, context) => {
  const named = theFile("plan", file, context);
  if (await daemonAnswers(runtimeDir(context))) {
    // It says every mistake in full, where the daemon would only count them.
    const { path } = readConfig(context, named);
    const { planWith, reportPlan } = await import("./reload-command.ts");
    return reportPlan(planWith(path, await askApplied(context), false), context);
  }
  const { config } = readConfig(context, named);
  const directory = runtimeDir(context);
  context.output.note(`no tandem daemon answers in ${directory}: compared with what the kernel has now`);
  return (await import("./config-plan.ts")).planConfig(config, context);
};

const example: Runner<Verbs["example"]> = (_input, { output }): ExitCode => {
  output.write(exampleConfig);
  return 0;
};

const importFile: Runner<Verbs["import"]> = async (input, context) =>
  (await import("./config-import.ts")).importConfig(input, context);

export const runners: Runners<typeof spec> = { check, show, plan, example, import: importFile };
