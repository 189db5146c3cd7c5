import { describe, expect, test } from "bun:test";
import type { ControlClient } from "../../../../src/daemon/control/control-peer.ts";
import type { ControlLine, ControlRequest } from "../../../../src/daemon/control/control-protocol.ts";
import { type ControlSubject, OperatorDesk } from "../../../../src/daemon/control/router-control.ts";
import type { Unsaved } from "../../../../src/daemon/status/kept-state.ts";
import type { HeartbeatReport } from "../../../../src/daemon/status/status-report.ts";
import type { OperatorCommand } from "../../../../src/failover/machine/failover-input.ts";
import type { LogFields } from "../../../../src/log/logger.ts";
import { address } from "../../../../src/model/address.ts";
import type { ServerSettings } from "../../../../src/model/server-settings.ts";

const ALICE: ControlClient = { user: "root", uid: 0, login: "alice", pid: 4711, program: "tandem" };
const UNSET: ServerSettings = {
  forward: undefined,
  weight: undefined,
  upperThreshold: undefined,
  lowerThreshold: undefined,
  tunnelType: undefined,
  tunnelPort: undefined,
  tunnelChecksum: undefined,
};
const PEER: HeartbeatReport["peer"] = {
  id: "backup",
  name: "lvs2",
  alive: true,
  role: "standby",
  term: 1,
  heardMsAgo: 1,
  software: null,
  sameConfig: true,
  differingKeys: null,
  missingKeys: null,
};
const UNSAVED: Unsaved = { reason: "no space is left (ENOSPC)", text: "but it could not be saved" };

const IN_FORCE = { outcome: "applied", text: "", findings: [], changes: 1, exitCode: 0 } as const;
const APPLIED = {
  path: "/etc/tandem/tandem.toml",
  text: "[pair]\n",
  digest: "0011223344556677",
  at: "2026-12-01",
  router: "primary",
  interfaces: { public: "eth0", private: "eth1" },
  keys: "8899aabbccddeeff",
} as const;

/** A daemon whose orders are kept, or not. */
function daemon(unsaved: Unsaved | undefined) {
  const lines: ControlLine[] = [];
  const commands: { id: number; command: OperatorCommand }[] = [];
  const asked: string[] = [];
  const notes: [string, LogFields][] = [];
  const subject: ControlSubject = {
    status: (_withTable, ready) =>
      ready(() => {
        throw new Error("a mistake in the report");
      }),
    history: () => [],
    heartbeats: () => ({
      version: 1,
      peer: PEER,
      intervalMs: 200,
      paths: [],
      loop: { wakes: 0, lastLateMs: 0, maxLateMs: 0 },
    }),
    operate: (id, command) => void commands.push({ id, command }),
    reload: (force, done) => done({ ...IN_FORCE, text: force ? "all in force" : "in force" }),
    applied: () => APPLIED,
    kept: () => [],
    unsaved: async (order) => {
      asked.push(order);
      return unsaved;
    },
    note: (message, fields) => void notes.push([message, fields]),
    balancer: undefined,
  };
  return {
    desk: new OperatorDesk(subject),
    lines,
    commands,
    asked,
    notes,
    reply: (line: ControlLine) => lines.push(line),
  };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("OperatorDesk", () => {
  test.each([
    [{ command: "hold", on: true }, "shared"],
    [{ command: "hold", on: false }, "shared"],
    [{ command: "release" }, "release"],
    [{ command: "take", force: false }, "release"],
  ] as const)("says of %o that it is done, and whether it is kept", async (request, order) => {
    for (const unsaved of [undefined, UNSAVED]) {
      const { desk, lines, commands, asked, reply } = daemon(unsaved);
      desk.handle(request, reply, () => ALICE);
      desk.answer(commands[0]?.id ?? -1, true, "it is done");
      await settled();
      const value =
        unsaved === undefined
          ? { text: "it is done" }
          : { text: "it is done, but it could not be saved", unsaved: unsaved.reason };
      expect(lines).toEqual([{ kind: "done", value }]);
      expect(asked).toEqual([order]);
    }
  });

  test("a planned move is nothing that the disk has to know", () => {
    const { desk, lines, commands, reply } = daemon(UNSAVED);
    desk.handle({ command: "switch" }, reply, () => ALICE);
    desk.answer(commands[0]?.id ?? -1, true, "it is done");
    expect(lines).toEqual([{ kind: "done", value: { text: "it is done" } }]);
  });

  test("what was refused is not looked for on the disk", () => {
    const { desk, lines, commands, asked, reply } = daemon(UNSAVED);
    desk.handle({ command: "release" }, reply, () => ALICE);
    desk.answer(commands[0]?.id ?? -1, false, "this router is stopping");
    expect(lines).toEqual([{ kind: "refused", reason: "this router is stopping", exitCode: 3 }]);
    expect(asked).toEqual([]);
  });

  test("a status that cannot be made fails for who asked for it, and for nothing else", () => {
    const { desk, lines, reply } = daemon(undefined);
    desk.handle({ command: "status" }, reply, () => ALICE);
    const reason = "the daemon could not answer: a mistake in the report";
    expect(lines).toEqual([{ kind: "refused", reason, exitCode: 1 }]);
  });

  const SERVER = { address: address("10.0.0.11"), port: 80 };
  const SERVICE = { kind: "fwmark", mark: 7, family: "inet" } as const;
  // Orders for servers and reloads left no line, and no line said who gave one.
  test.each<[ControlRequest, string]>([
    [{ command: "drain", endpoint: SERVER, service: SERVICE }, "drain real server 10.0.0.11:80 of fwmark:7"],
    [{ command: "undrain", endpoint: SERVER }, "undrain real server 10.0.0.11:80 of every service"],
    [{ command: "weight", endpoint: SERVER, weight: 3 }, "weight 3 for real server 10.0.0.11:80 of every service"],
    [{ command: "drain", service: SERVICE }, "drain every real server of fwmark:7"],
    [{ command: "hold", on: true }, "hold automatic fail-back"],
    [{ command: "hold", on: false }, "end the hold of automatic fail-back"],
    [{ command: "release" }, "release"],
    [{ command: "take", force: true }, "take by force"],
    [{ command: "take", force: false }, "take"],
    [{ command: "switch" }, "switch"],
    [{ command: "reload", force: false }, "reload"],
    [{ command: "reload", force: true }, "reload by force"],
    [
      {
        command: "keep",
        service: SERVICE,
        endpoint: SERVER,
        order: { kind: "edit", settings: { ...UNSET, weight: 3 } },
      },
      "edit real server 10.0.0.11:80 of fwmark:7 --keep (weight 3)",
    ],
    [
      { command: "keep", service: SERVICE, endpoint: SERVER, order: { kind: "reset" } },
      "reset real server 10.0.0.11:80 of fwmark:7",
    ],
  ])("notes %o with who gave it", (request, words) => {
    const { desk, notes, reply } = daemon(undefined);
    desk.handle(request, reply, () => ALICE);
    expect(notes[0]).toEqual([`an operator's order: ${words}`, ALICE]);
  });

  test("notes that an order was refused, and why", () => {
    const { desk, notes, reply } = daemon(undefined);
    desk.handle({ command: "drain", endpoint: SERVER }, reply, () => ALICE);
    expect(notes.at(-1)).toEqual([
      "refused: drain real server 10.0.0.11:80 of every service: this configuration has neither services nor gates",
      ALICE,
    ]);
  });

  test.each(["status", "checks", "history", "heartbeats", "kept"] as const)(
    "notes nothing of the question %p",
    (command) => {
      const { desk, notes, reply } = daemon(undefined);
      desk.handle({ command }, reply, () => ALICE);
      expect(notes).toEqual([]);
    },
  );
});
