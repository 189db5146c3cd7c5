import type { Config } from "../config/config.ts";
import { type ExitCode, TandemError } from "../lib/errors.ts";
import type { CommandContext } from "./context.ts";

export function planConfig(_config: Config, _context: CommandContext): ExitCode {
  throw new TandemError({ operation: "plan", reason: "not built yet" });
}
