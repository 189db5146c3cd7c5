import { CONFIG_REFERENCE } from "../../config/keys/reference.ts";
import { exampleConfig } from "../../config/render/example.ts";
import { COMMANDS } from "../spec/command-table.ts";
import { bashCompletion } from "./completion-bash.ts";
import { fishCompletion } from "./completion-fish.ts";
import { zshCompletion } from "./completion-zsh.ts";
import { configManual } from "./config-manual.ts";
import { programManual } from "./manual.ts";

/**
 * The files that follow from the command table and the configuration's reference, by their path in the project.
 * They are committed; `npm run generate` writes them and a test holds them fresh.
 */
export function generatedFiles(version: string): ReadonlyMap<string, string> {
  return new Map([
    ["man/tandem.8", programManual(COMMANDS, version)],
    ["man/tandem.toml.5", configManual(CONFIG_REFERENCE, exampleConfig, version)],
    ["completions/tandem.bash", bashCompletion(COMMANDS)],
    ["completions/_tandem", zshCompletion(COMMANDS)],
    ["completions/tandem.fish", fishCompletion(COMMANDS)],
  ]);
}
