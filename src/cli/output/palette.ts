/** Colours by what they say, and whether a stream gets any. */
import type { ChalkInstance } from "chalk";
import { isTerminal, type StreamName } from "./terminal.ts";

/** What a colour says. Text means the same without it. */
export type Tone = "good" | "bad" | "warn" | "dim" | "strong";

/** Paints text, or leaves it as it is where colours are not wanted. */
export type Palette = (tone: Tone, text: string) => string;

/** No colours at all. */
export const PLAIN_PALETTE: Palette = (_tone, text) => text;

/** The flag wins over NO_COLOR (no-color.org: any non-empty value), that over the terminal. chalk itself ignores NO_COLOR. */
function wantsColor(stream: StreamName, color: "auto" | "always" | "never"): boolean {
  if (color !== "auto") return color === "always";
  const { NO_COLOR, TERM } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  return TERM !== "dumb" && isTerminal(stream);
}

/** The palette of one stream. Only the sixteen basic colours, which every terminal's theme chooses itself. */
export async function paletteFor(stream: StreamName, color: "auto" | "always" | "never"): Promise<Palette> {
  if (!wantsColor(stream, color)) return PLAIN_PALETTE;
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level: 1 });
  const styles: Readonly<Record<Tone, ChalkInstance>> = {
    good: chalk.green,
    bad: chalk.red,
    warn: chalk.yellow,
    dim: chalk.dim,
    strong: chalk.bold,
  };
  return (tone, text) => styles[tone](text);
}
