import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey } from "../../src/config/key-file.ts";
import { ConfigurationFile } from "../../src/daemon/reload/configuration.ts";
import type { ReloadResult } from "../../src/daemon/reload/reload-result.ts";
import { RouterDaemon } from "../../src/daemon/router/router-daemon.ts";
import { InvariantError } from "../../src/lib/invariant-error.ts";
import { Logger } from "../../src/log/logger.ts";
import { requireLab, run } from "../support/lab.ts";

beforeAll(requireLab);
// Its addresses would be in the way of the tests that come next.
afterAll(() => run("ip", "link", "del", "alone0"));

/** A router whose peer is not there, on a link of its own. */
async function startAlone() {
  const folder = mkdtempSync(join(tmpdir(), "tandem-daemon-"));
  run("sh", "-c", "ip link del alone0 2>/dev/null; ip link add alone0 type veth peer name alone1");
  for (const name of ["alone0", "alone1"]) run("ip", "link", "set", name, "up");
  for (const own of ["203.0.113.2/24", "10.0.0.2/24"]) run("ip", "addr", "add", own, "dev", "alone0");
  const router = (which: string, last: number) =>
    `[pair.${which}]\nname = "${which}"\npublic = "203.0.113.${last}"\nprivate = "10.0.0.${last}"\n`;
  const configPath = join(folder, "tandem.toml");
  writeFileSync(join(folder, "pair.key"), generateKey(), { mode: 0o600 });
  writeFileSync(
    configPath,
    `[pair]\nkey_file = "${folder}/pair.key"\n${router("primary", 2)}${router("backup", 3)}` +
      `[[vip]]\naddress = "203.0.113.10/24"\ninterface = "alone0"\n`,
  );
  const lines: string[] = [];
  const active = Promise.withResolvers<void>();
  const sink = {
    write: (line: string) => {
      lines.push(line);
      if (line.includes("standby to active")) active.resolve();
    },
  };
  const logger = new Logger(sink, { format: "text", level: "info", now: () => new Date(0) });
  const file = new ConfigurationFile(configPath);
  const daemon = await RouterDaemon.start({
    file,
    runtimeDir: join(folder, "run"),
    stateDir: join(folder, "state"),
    usable: file.read(),
    atStart: { outcome: "applied", text: "", findings: [], changes: 0, exitCode: 0 },
    former: { vips: [], services: [] },
    router: "primary",
    logger,
    logHealth: () => ({ lostLines: 0 }),
  });
  await active.promise;
  return { daemon, lines, configPath, stateDir: join(folder, "state") };
}

function hasVip(): boolean {
  return run("ip", "-br", "addr", "show", "alone0").includes("203.0.113.10");
}

test("RouterDaemon.fail() withdraws the VIPs at once and ends with 1", async () => {
  const { daemon, lines } = await startAlone();
  expect(hasVip()).toBe(true);
  daemon.fail("made up");
  expect(await daemon.ended).toBe(1);
  expect(hasVip()).toBe(false);
  expect(lines.join("")).toContain("made up; this router withdraws its VIPs and ends");
});

test("RouterDaemon.crash() withdraws the VIPs, leaves its state for a report and ends with 1", async () => {
  const { daemon, lines, stateDir } = await startAlone();
  daemon.crash(new InvariantError("planted", "a bug", {}));
  expect(await daemon.ended).toBe(1);
  expect(hasVip()).toBe(false);
  const [name = "none"] = readdirSync(stateDir).filter((file) => file.startsWith("report-"));
  const path = join(stateDir, name);
  const said = lines.filter((line) => line.includes("internal assertion"));
  expect(said).toEqual([
    expect.stringContaining(
      `internal assertion "planted" failed: a bug; its state is left in ${path}; this router withdraws its VIPs and ends`,
    ),
  ]);
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
    process: "router",
    invariant: "planted",
    state: { phase: { kind: "active" }, seed: "left out" },
  });
});

test("RouterDaemon.reload() leaves everything as it is when the file has mistakes", async () => {
  const { daemon, configPath } = await startAlone();
  writeFileSync(configPath, 'nonsense = "x"\n');
  const { promise, resolve } = Promise.withResolvers<ReloadResult>();
  daemon.reload(false, resolve);
  expect(await promise).toMatchObject({
    outcome: "refused",
    findings: expect.arrayContaining([expect.stringContaining(":1:1: the file has no key nonsense")]),
    exitCode: 2,
  });
  expect(hasVip()).toBe(true);
  daemon.stop();
  expect(await daemon.ended).toBe(0);
  expect(hasVip()).toBe(false);
});
