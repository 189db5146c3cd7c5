import type { Gate } from "../model/gate.ts";
import type { ProbeOutcome } from "../model/health-check.ts";
import { runExternal } from "./local/external-check.ts";
import { FileLook } from "./local/file-state.ts";
import { probeInterface } from "./local/interface-state.ts";
import { ProcessSearch } from "./local/process-search.ts";
import { type ProbeSurroundings, runCheck } from "./run-check.ts";
import { failure } from "./transport/outcome.ts";

/** Makes attempts at gates, one each, and remembers between them what makes the next one cheap. */
export class GateProber {
  readonly #processes = new ProcessSearch();
  readonly #files = new FileLook();

  /** One attempt; never rejects, and never takes much longer than `timeoutMs`. */
  run({ name, subject }: Gate, timeoutMs: number, surroundings: ProbeSurroundings = {}): Promise<ProbeOutcome> {
    switch (subject.kind) {
      case "process":
        return this.#processes.run(subject.name, timeoutMs);
      case "interface":
        return Promise.resolve(probeInterface(subject.name));
      case "file":
        return this.#files.run(name, subject.path, subject.state, timeoutMs);
      case "check": {
        const { method, target } = subject;
        if (method.kind === "external") return runExternal(method, target, timeoutMs);
        // The configuration has none such; a message from elsewhere might.
        if (target === undefined) return Promise.resolve(failure(0, "local", "there is no target"));
        return runCheck(method, target, timeoutMs, surroundings);
      }
    }
  }
}
