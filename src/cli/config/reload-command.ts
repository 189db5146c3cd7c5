/** `tandem reload`: has the daemon read its configuration again, or says what that would do. */
import { keysDigest } from "../../config/key-file.ts";
import { askDaemon } from "../../daemon/control/control-client.ts";
import { pairIdOfConfig } from "../../daemon/network/router-network.ts";
import type { AppliedHere } from "../../daemon/reload/applied-config.ts";
import { ConfigurationFile, findingsOf, type UsableConfig } from "../../daemon/reload/configuration.ts";
import { planReload } from "../../daemon/reload/reload-plan.ts";
import { fileRefusal, machineRefusal } from "../../daemon/reload/reload-refusal.ts";
import type { ReloadResult } from "../../daemon/reload/reload-result.ts";
import { type ExitCode, TandemError } from "../../lib/errors.ts";
import { type Change, type ChangeOutcome, changeJson, plannedLines, reportChanges } from "../changes/changes.ts";
import type { CommandContext, SingleRunner } from "../line/context.ts";
import { askApplied, reloadResult } from "../line/daemon-report.ts";
import { runtimeDir } from "../line/directories.ts";
import { printable } from "../output/table.ts";
import type { reload as spec } from "../spec/single-command-specs.ts";
import { reloadChanges } from "./reload-changes.ts";

interface Plan {
  readonly changes: readonly Change[];
  /** Why the daemon would refuse it. */
  readonly refusal: ReloadResult | undefined;
  /** Of the file that was read; absent where it is no configuration. */
  readonly digest?: string;
}

/** What a reload with a file would do on a running router, by the very rules that the daemon goes by. */
export function planWith(path: string, applied: AppliedHere, force: boolean): Plan {
  const before = new ConfigurationFile(applied.path).readAs(applied.text);
  let after: UsableConfig;
  try {
    after = new ConfigurationFile(path).read();
  } catch (error) {
    return { changes: [], refusal: fileRefusal(path, error) };
  }
  const refusal = machineRefusal({
    path,
    before,
    after,
    force,
    otherPair: pairIdOfConfig(before.config) !== pairIdOfConfig(after.config),
    findings: (usable) => findingsOf(usable, path, applied.router),
  });
  // An older daemon says nothing of its keys.
  const isOtherKey = applied.keys !== undefined && applied.keys !== keysDigest(after.keys);
  const keyChange: Change = { do: "edit", subject: "the key of heartbeats", detail: "the peer must have it as well" };
  return {
    changes: [
      ...(isOtherKey ? [keyChange] : []),
      ...reloadChanges(planReload(before.config, after.config, applied.interfaces)),
    ],
    refusal,
    digest: after.digest,
  };
}

/** A refusal as an error: what is wrong, line by line, and what to do. */
export function refusalError({ text, findings, hint, exitCode }: ReloadResult): TandemError {
  const reason = [text, ...findings].map(printable).join("\n  ");
  const facts = { operation: "reload", reason, ...(hint === undefined ? {} : { hint }) };
  return new TandemError(facts, exitCode === 0 ? 1 : exitCode);
}

function planned(changes: readonly Change[], kind: "planned" | "done") {
  const outcome: ChangeOutcome = { kind };
  return changes.map((change) => ({ ...change, outcome }));
}

/** Prints what would be done. @throws TandemError where it would be refused. */
export function reportPlan({ changes, refusal }: Plan, context: CommandContext): ExitCode {
  if (refusal !== undefined && !context.output.json) {
    if (changes.length > 0) context.output.sentences(plannedLines(changes, context.output.palette));
    throw refusalError(refusal);
  }
  if (refusal === undefined) {
    return reportChanges(planned(changes, "planned"), { ...context, globals: { ...context.globals, dryRun: true } });
  }
  printResult(refusal, changes, true, context);
  return refusal.exitCode;
}

function printResult(
  result: ReloadResult,
  changes: readonly Change[],
  dryRun: boolean,
  { output }: CommandContext,
): void {
  const { outcome, text, findings, warnings = [], hint = null, digest = null, unsaved = null } = result;
  const told = outcome === "refused" && !dryRun ? [] : planned(changes, dryRun ? "planned" : "done");
  const changed = told.map(changeJson);
  output.printJson({ dryRun, outcome, text, findings, warnings, hint, digest, unsaved, changes: changed });
}

export const reload: SingleRunner<typeof spec> = async ({ force }, context) => {
  const { output, globals } = context;
  const applied = await askApplied(context);
  const plan = planWith(applied.path, applied, force);
  if (globals.dryRun) return reportPlan(plan, context);
  const result = reloadResult(await askDaemon(runtimeDir(context), { command: "reload", force }));
  // Somebody may have written the file in between: then it is not what was planned.
  const isOther = result.outcome === "applied" && result.digest !== plan.digest;
  const changes = result.outcome === "applied" && !isOther ? plan.changes : [];
  if (output.json) {
    printResult(result, changes, false, context);
    return result.exitCode;
  }
  if (result.outcome === "refused") throw refusalError(result);
  if (changes.length > 0) reportChanges(planned(changes, "done"), context, "counted");
  output.note(printable(result.text));
  const paint = output.errorPalette;
  for (const warning of result.warnings ?? []) output.note(printable(warning), `${paint("warn", "warning:")} `);
  if (isOther) output.note("the file was written meanwhile: `tandem config plan` compares it with what is in force");
  if (result.unsaved !== undefined) output.note(printable(`it could not be kept: ${result.unsaved}`));
  return result.exitCode;
};
