/** `parent` starts `child`, tells its id and waits; the child ties itself to it. */
import { dieWithParent } from "../../../src/sys/process/process.ts";

/** So that a child whose parent it outlives, which is what the test looks for, does not stay for ever. */
const LIFE_MS = 20_000;

if (process.argv[2] === "child") {
  process.stdout.write(`${dieWithParent(Number(process.argv[3]))}\n`);
  setTimeout(() => {}, LIFE_MS);
} else {
  Bun.spawn([process.execPath, import.meta.path, "child", String(process.pid)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  setTimeout(() => {}, LIFE_MS);
}
