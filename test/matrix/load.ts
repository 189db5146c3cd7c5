import { availableParallelism } from "node:os";

/** Twice as many busy loops as there are processors. */
export function busyLoops(): Disposable {
  const loops = Array.from({ length: 2 * availableParallelism() }, () =>
    Bun.spawn(["sh", "-c", "while :; do :; done"], { stdio: ["ignore", "ignore", "ignore"] }),
  );
  return {
    [Symbol.dispose]() {
      for (const loop of loops) loop.kill("SIGKILL");
    },
  };
}
