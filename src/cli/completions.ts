import { bashCompletion } from "./completion-bash.ts";
import { fishCompletion } from "./completion-fish.ts";
import { zshCompletion } from "./completion-zsh.ts";
import type { SingleRunner } from "./context.ts";
import { COMMANDS } from "./spec/commands.ts";
import type { completions as spec } from "./spec/singles.ts";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/** Prints the completion script of a shell. */
export const completions: SingleRunner<typeof spec> = ({ shell }, { output }) => {
  output.write(SHELLS[shell](COMMANDS));
  return 0;
};
