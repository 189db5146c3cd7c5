import { type ExitCode, TandemError } from "../lib/errors.ts";
import type { CommandContext } from "./context.ts";

export function importConfig(_input: unknown, _context: CommandContext, _max: number): ExitCode {
  throw new TandemError({ operation: "import", reason: "not built yet" });
}
