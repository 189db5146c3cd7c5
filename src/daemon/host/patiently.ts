import { TandemError } from "../../lib/errors.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";

/** A service manager starts the next process at once; the kernel takes some milliseconds to take the last one apart. */
const LIMIT_MS = 500;
const RETRY_EVERY_MS = 20;

/**
 * Takes what one process can have only, such as a port: one that was killed a moment ago may have it still.
 * @throws TandemError what `take` throws, when it has done so for half a second
 */
export async function patiently(take: () => void): Promise<void> {
  const endMs = monotonicMs() + LIMIT_MS;
  for (;;) {
    try {
      take();
      return;
    } catch (error) {
      if (!(error instanceof TandemError) || monotonicMs() >= endMs) throw error;
    }
    await Bun.sleep(RETRY_EVERY_MS);
  }
}
