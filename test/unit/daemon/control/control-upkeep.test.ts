import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askDaemon } from "../../../../src/daemon/control/control-client.ts";
import { AnotherDaemonError, type ControlHandler } from "../../../../src/daemon/control/control-server.ts";
import { ControlUpkeep } from "../../../../src/daemon/control/control-upkeep.ts";
import { Logger } from "../../../../src/log/logger.ts";

const answer: ControlHandler = (_request, reply) => reply({ kind: "done", value: "here" });

function folder() {
  const path = mkdtempSync(join(tmpdir(), "tandem-control-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function recorder() {
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line.slice(25)) };
  return { lines, logger: new Logger(sink, { format: "text", level: "info", now: () => new Date(0) }) };
}

test("ControlUpkeep goes on without a socket, says so once, and opens it as soon as that can be done", async () => {
  using runtime = folder();
  const { lines, logger } = recorder();
  const directory = join(runtime.path, "run");
  writeFileSync(directory, "a file in its place");
  const upkeep = await ControlUpkeep.start(directory, answer, logger);
  await upkeep.look("log");
  expect(lines).toEqual([
    expect.stringMatching(/^error control: cannot open the control socket .*\/run\/control\.sock/),
  ]);
  rmSync(directory);
  await upkeep.look("log");
  expect(await askDaemon(directory, { command: "status" })).toBe("here");
  expect(lines.slice(1)).toEqual([`info  control: ${join(directory, "control.sock")} is open again`]);
  upkeep.close();
});

test("ControlUpkeep opens a socket anew whose file somebody swept away", async () => {
  using runtime = folder();
  const { logger } = recorder();
  const directory = join(runtime.path, "run");
  const upkeep = await ControlUpkeep.start(directory, answer, logger);
  rmSync(directory, { recursive: true });
  await upkeep.look("log");
  expect(await askDaemon(directory, { command: "status" })).toBe("here");
  upkeep.close();
});

test("ControlUpkeep opens a socket anew in whose place is another file", async () => {
  using runtime = folder();
  const { logger } = recorder();
  const path = join(runtime.path, "control.sock");
  const upkeep = await ControlUpkeep.start(runtime.path, answer, logger);
  rmSync(path);
  writeFileSync(path, "restored from a backup");
  await upkeep.look("log");
  expect(await askDaemon(runtime.path, { command: "status" })).toBe("here");
  upkeep.close();
  expect(existsSync(path)).toBe(false);
});

test("ControlUpkeep leaves nothing behind where a directory is in its socket's place", async () => {
  using runtime = folder();
  const { lines, logger } = recorder();
  mkdirSync(join(runtime.path, "control.sock"));
  const upkeep = await ControlUpkeep.start(runtime.path, answer, logger);
  expect(lines).toEqual([expect.stringMatching(/^error control: cannot open the control socket .*EISDIR/)]);
  expect(readdirSync(runtime.path)).toEqual(["control.sock"]);
  upkeep.close();
});

test("ControlUpkeep leaves the socket to a daemon that has taken the place of one swept away", async () => {
  using runtime = folder();
  const { lines, logger } = recorder();
  const path = join(runtime.path, "control.sock");
  const first = await ControlUpkeep.start(runtime.path, answer, logger);
  rmSync(path);
  const second = await ControlUpkeep.start(
    runtime.path,
    (_request, reply) => reply({ kind: "done", value: 2 }),
    logger,
  );
  await first.look("log");
  expect(lines).toEqual([expect.stringContaining("another tandem runs with this runtime directory already")]);
  first.close();
  expect(await askDaemon(runtime.path, { command: "status" })).toBe(2);
  second.close();
});

test("ControlUpkeep is refused beside another daemon", async () => {
  using runtime = folder();
  const { logger } = recorder();
  const first = await ControlUpkeep.start(runtime.path, answer, logger);
  const second = await ControlUpkeep.start(runtime.path, answer, logger).catch((error: unknown) => error);
  expect(second).toBeInstanceOf(AnotherDaemonError);
  expect(await askDaemon(runtime.path, { command: "status" })).toBe("here");
  first.close();
});
