import type { SingleRunner } from "../line/context.ts";
import { COMMANDS } from "../spec/command-table.ts";
import type { completions as spec } from "../spec/single-command-specs.ts";
import { bashCompletion } from "./completion-bash.ts";
import { fishCompletion } from "./completion-fish.ts";
import { zshCompletion } from "./completion-zsh.ts";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/** Prints the completion script of a shell. */
export const completions: SingleRunner<typeof spec> = ({ shell }, { output }) => {
  output.write(SHELLS[shell](COMMANDS));
  return 0;
};
