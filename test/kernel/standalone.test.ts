import { beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { requireLab, run } from "../support/lab.ts";

const ROOT = resolve(import.meta.dir, "../..");
const BINARY = process.env["TANDEM_BINARY"] ?? join(ROOT, "dist/tandem");

beforeAll(requireLab);

/** A folder with the configuration of a router that this machine is, and its key. */
function prepareRouter(): string {
  const folder = mkdtempSync(join(tmpdir(), "tandem-standalone-"));
  run("sh", "-c", "ip link del alone0 2>/dev/null; ip link add alone0 type veth peer name alone1");
  run("ip", "link", "set", "alone1", "up");
  run("ip", "link", "set", "alone0", "up");
  for (const own of ["203.0.113.2/24", "10.0.0.2/24"]) run("ip", "addr", "add", own, "dev", "alone0");
  run(BINARY, "heartbeat", "keygen", join(folder, "pair.key"));
  const router = (which: string, last: number) =>
    `[pair.${which}]\nname = "${which}"\npublic = "203.0.113.${last}"\nprivate = "10.0.0.${last}"\n`;
  writeFileSync(
    join(folder, "tandem.toml"),
    `[pair]\nkey_file = "${folder}/pair.key"\n${router("primary", 2)}${router("backup", 3)}` +
      `[[vip]]\naddress = "203.0.113.10/24"\ninterface = "alone0"\n`,
  );
  return folder;
}

test("the binary's daemon runs where its sources and packages are not", async () => {
  expect(existsSync(BINARY)).toBe(true);
  const folder = prepareRouter();
  const hide = ["src", "node_modules"].map((name) => `mount -t tmpfs none ${ROOT}/${name}`).join(" && ");
  const words = `run --config ${folder}/tandem.toml --runtime-dir ${folder}/run --state-dir ${folder}/state`;
  const daemon = Bun.spawn(["unshare", "--mount", "sh", "-c", `${hide} && cd / && exec ${BINARY} ${words}`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  for await (const bytes of daemon.stderr) {
    const before = log;
    log += new TextDecoder().decode(bytes);
    if (!before.includes(" runs ") && log.includes(" runs ")) daemon.kill("SIGTERM");
  }
  await daemon.exited;
  expect(log).not.toContain("kernel thread died");
  expect(log).toContain("router: ended");
  expect(daemon.exitCode).toBe(0);
});
