/** What a verb's function gets and gives: the types between the command table and the functions. */
import type { ExitCode } from "../../lib/errors.ts";
import type { Output } from "../output/output.ts";
import type { GroupSpec, InputOf, SingleSpec, VerbSpec } from "../spec/spec-types.ts";
import type { Globals } from "./argv.ts";

/** What a verb's function gets besides its own values. */
export interface CommandContext {
  readonly output: Output;
  readonly globals: Globals;
}

/** Does one verb. It prints results through the context, throws TandemError, and returns the exit code. */
export type Runner<V extends VerbSpec> = (input: InputOf<V>, context: CommandContext) => ExitCode | Promise<ExitCode>;

/** The functions of a noun: one for each verb of its entry in the command table. */
export type Runners<N extends GroupSpec> = { readonly [K in keyof N["verbs"]]: Runner<N["verbs"][K]> };

/** The function of a noun that is a command by itself. */
export type SingleRunner<N extends SingleSpec> = Runner<N["verb"]>;
