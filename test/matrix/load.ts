import { availableParallelism } from "node:os";
import type { LabKind } from "../lab/run-in-lab.ts";

/** The lab's one processor also has the clients and the servers, which are nobody's load. */
const NICENESS = { namespaces: "0", uml: "10" };

/** Twice as many busy loops as there are processors. */
export function busyLoops(kind: LabKind): Disposable {
  const loops = Array.from({ length: 2 * availableParallelism() }, () =>
    Bun.spawn(["nice", "-n", NICENESS[kind], "sh", "-c", "while :; do :; done"], {
      stdio: ["ignore", "ignore", "ignore"],
    }),
  );
  return {
    [Symbol.dispose]() {
      for (const loop of loops) loop.kill("SIGKILL");
    },
  };
}
