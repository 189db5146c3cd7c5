/** `config check`: mistakes of the file, then what this machine lacks of what it names. */
import { ConfigFileError } from "../../config/config-file-error.ts";
import { formatIssues } from "../../config/format-issues.ts";
import type { ConfigIssue } from "../../config/keys/config.ts";
import { hostFindings } from "../../host/findings.ts";
import { type ExitCode, TandemError } from "../../lib/errors.ts";
import type { RouterId } from "../../model/pair.ts";
import type { ValidConfig } from "../line/config-file.ts";
import type { CommandContext } from "../line/context.ts";
import { counted } from "../output/figures.ts";

export interface MachineWish {
  /** What the machine lacks is an error, exit code 2: the file is meant for it. */
  readonly mustFit: boolean;
  /** Which router the machine is; undefined: by its addresses. */
  readonly router: RouterId | undefined;
}

/** What this machine lacks. Where it need not fit, a kernel that doesn't answer is a note: the file itself is valid. */
function findingsOf({ config, places }: ValidConfig, { mustFit, router }: MachineWish, context: CommandContext) {
  try {
    return hostFindings(config, router, places);
  } catch (error) {
    if (mustFit || !(error instanceof TandemError)) throw error;
    context.output.note(`warning: what this machine lacks is not known: ${error.message}`);
    return [];
  }
}

/** `9 VIPs, 1 service, 2 warnings`. */
function summary({ config, warnings }: ValidConfig, found: readonly ConfigIssue[]): string {
  const parts = [counted(config.vips.length, "VIP"), counted(config.services.length, "service")];
  if (config.gates.length > 0) parts.push(counted(config.gates.length, "gate"));
  const warningCount = warnings.length + found.length;
  if (warningCount > 0) parts.push(counted(warningCount, "warning"));
  return parts.join(", ");
}

/**
 * Says of a valid file what this machine lacks for it: as warnings, since it may be meant for another machine.
 * @throws ConfigFileError where the file must fit, and the machine lacks something
 */
export function checkConfig(valid: ValidConfig, wish: MachineWish, context: CommandContext): ExitCode {
  const { output } = context;
  const { path, text, warnings } = valid;
  const found = findingsOf(valid, wish, context);
  if (wish.mustFit && found.length > 0) {
    const reason = `this machine does not have what it names, in ${counted(found.length, "place")}`;
    throw new ConfigFileError(path, text, found, "configuration", reason);
  }
  if (output.json) {
    output.printJson({ file: path, ok: true, warnings, host: found });
    return 0;
  }
  if (found.length > 0) output.note(formatIssues(text, path, found, "warning").trimEnd());
  output.lines([`${path}: ${output.palette("good", "valid")}, ${summary(valid, found)}`]);
  return 0;
}
