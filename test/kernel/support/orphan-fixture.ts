/** `parent` starts `child`, tells its id and waits; the child ties itself to it. */
import { dieWithParent } from "../../../src/sys/process.ts";

if (process.argv[2] === "child") {
  process.stdout.write(`${dieWithParent(Number(process.argv[3]))}\n`);
  setTimeout(() => {}, 600_000);
} else {
  Bun.spawn([process.execPath, import.meta.path, "child", String(process.pid)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  setTimeout(() => {}, 600_000);
}
