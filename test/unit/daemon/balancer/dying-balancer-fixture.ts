/** In the place of the balancer: `bun dying-balancer-fixture.ts …  FOLDER` dies of the first question ever, and answers the next. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ToBalancer } from "../../../../src/daemon/balancer/balancer-protocol.ts";

const asked = join(process.argv.at(-1) ?? "", "asked");

process.on("message", (message: ToBalancer) => {
  if (message.kind === "stop") process.exit(0);
  if (message.kind !== "table-needed") return;
  if (existsSync(asked)) process.send?.({ kind: "table-complete", id: message.id });
  else {
    writeFileSync(asked, "");
    process.exit(1);
  }
});
