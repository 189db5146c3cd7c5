/** Log lines that cannot be written: a full disk, or a reader that is dead. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { type Fault, NOTHING_MS, SILENCE_MS } from "../fault.ts";
import type { Stage } from "../stage.ts";

const FULL = "/dev/full";
const AFTERWARDS_MS = 5000;

/** Something to log: both read their file again, and say so. */
async function logSomething(stage: Stage): Promise<void> {
  for (let count = 0; count < 3; count++) {
    stage.reload(stage.config);
    await Bun.sleep(500);
  }
}

function folderFor(stage: Stage, name: string): string {
  const folder = join(stage.lab.pair.folder, name);
  mkdirSync(folder);
  return folder;
}

/** Each router's log is a pipe that such a program reads. */
function startWithReaders(stage: Stage, program: readonly string[]): readonly Subprocess[] {
  const folder = folderFor(stage, "pipes");
  return stage.lab.pair.routers.map((router) => {
    const pipe = join(folder, router.name);
    stage.topology.run(router.name, ["mkfifo", pipe]);
    const reader = Bun.spawn([...program, pipe], { stdio: ["ignore", "ignore", "inherit"] });
    router.start({ redirections: `2>>${pipe}` });
    return reader;
  });
}

async function endAll(readers: readonly Subprocess[]): Promise<void> {
  for (const reader of readers) {
    reader.kill("SIGKILL");
    await reader.exited;
  }
}

/** Appends to a file until the disk has no room. */
function fill(file: string): void {
  for (;;) {
    try {
      appendFileSync(file, ".");
    } catch {
      return;
    }
  }
}

/** Both logs are on a disk of their own, of 16 kB. Returns how to fill it. */
function startOnSmallDisk(stage: Stage): () => void {
  const folder = folderFor(stage, "disk");
  stage.topology.run("client", ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder]);
  const logs = stage.lab.pair.routers.map((router) => {
    const log = join(folder, `${router.name}.log`);
    writeFileSync(log, "");
    router.start({ redirections: `2>>${log}` });
    return log;
  });
  return () => {
    for (const log of logs) fill(log);
    // It lives on while the logs are open.
    stage.topology.run("client", ["umount", "--lazy", folder]);
  };
}

function duringTheRun(name: string, start: (stage: Stage) => () => Promise<void> | void): Fault {
  return {
    name: `${name}, while both routers run`,
    kinds: ["namespaces"],
    routers: "down",
    expected: { owner: "lvs1", gapMs: NOTHING_MS },
    async act(stage) {
      const fail = start(stage);
      await stage.beforehand(() => stage.settled("lvs1"));
      await fail();
      await logSomething(stage);
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  };
}

function atTheStart(name: string, start: (stage: Stage) => void): Fault {
  return {
    name: `${name}, when both routers start`,
    kinds: ["namespaces"],
    routers: "down",
    expected: { owner: "lvs1", gapMs: SILENCE_MS },
    note: "the gap is the time from the start until one of them is active",
    async act(stage) {
      start(stage);
      await stage.owned("lvs1");
      await logSomething(stage);
      await Bun.sleep(AFTERWARDS_MS);
      await stage.settled("lvs1");
    },
  };
}

export const LOGS: readonly Fault[] = [
  duringTheRun("the disk of the log is full", startOnSmallDisk),
  duringTheRun("the reader of the log is dead", (stage) => {
    const readers = startWithReaders(stage, ["cat"]);
    return () => endAll(readers);
  }),
  atTheStart("the disk of the log is full", (stage) => {
    for (const router of stage.lab.pair.routers) router.start({ redirections: `2>>${FULL}` });
  }),
  // It opens the pipe, reads nothing and ends.
  atTheStart("the reader of the log is dead", (stage) => void startWithReaders(stage, ["head", "-c", "0"])),
];
