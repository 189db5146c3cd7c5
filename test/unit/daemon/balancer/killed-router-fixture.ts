/** In the place of a router: `bun killed-router-fixture.ts FOLDER` starts a balancer, says its id once it runs, and waits. */
import { join } from "node:path";
import { BALANCER_ARGUMENT } from "../../../../src/daemon/balancer/balancer-argument.ts";

const MAIN = join(import.meta.dir, "../../../../src/main.ts");

const balancer = Bun.spawn([process.execPath, MAIN, BALANCER_ARGUMENT, process.argv.at(-1) ?? ""], {
  stdio: ["ignore", "inherit", "inherit"],
  serialization: "json",
  ipc: (message: { readonly kind?: string }) => {
    if (message.kind === "started") process.stdout.write(`${balancer.pid}\n`);
  },
});
