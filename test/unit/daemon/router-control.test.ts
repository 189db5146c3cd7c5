import { describe, expect, test } from "bun:test";
import type { ControlLine } from "../../../src/daemon/control-protocol.ts";
import type { Unsaved } from "../../../src/daemon/kept-state.ts";
import { type ControlSubject, OperatorDesk } from "../../../src/daemon/router-control.ts";
import type { OperatorCommand } from "../../../src/failover/input.ts";

const UNSAVED: Unsaved = { reason: "no space is left (ENOSPC)", text: "but it could not be saved" };

const IN_FORCE = { outcome: "applied", text: "", findings: [], changes: 1, exitCode: 0 } as const;
const APPLIED = {
  path: "/etc/tandem/tandem.toml",
  text: "[pair]\n",
  digest: "0011223344556677",
  at: "2026-12-01",
  router: "primary",
  interfaces: { public: "eth0", private: "eth1" },
} as const;

/** A daemon whose orders are kept, or not. */
function daemon(unsaved: Unsaved | undefined) {
  const lines: ControlLine[] = [];
  const commands: { id: number; command: OperatorCommand }[] = [];
  const asked: string[] = [];
  const subject: ControlSubject = {
    status: (_withTable, ready) =>
      ready(() => {
        throw new Error("a mistake in the report");
      }),
    history: () => [],
    heartbeats: () => {
      throw new Error("not asked");
    },
    operate: (id, command) => void commands.push({ id, command }),
    reload: (force, done) => done({ ...IN_FORCE, text: force ? "all in force" : "in force" }),
    applied: () => APPLIED,
    unsaved: async (order) => {
      asked.push(order);
      return unsaved;
    },
    balancer: undefined,
  };
  return { desk: new OperatorDesk(subject), lines, commands, asked, reply: (line: ControlLine) => lines.push(line) };
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
      desk.handle(request, reply);
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
    desk.handle({ command: "switch" }, reply);
    desk.answer(commands[0]?.id ?? -1, true, "it is done");
    expect(lines).toEqual([{ kind: "done", value: { text: "it is done" } }]);
  });

  test("what was refused is not looked for on the disk", () => {
    const { desk, lines, commands, asked, reply } = daemon(UNSAVED);
    desk.handle({ command: "release" }, reply);
    desk.answer(commands[0]?.id ?? -1, false, "this router is stopping");
    expect(lines).toEqual([{ kind: "refused", reason: "this router is stopping", exitCode: 3 }]);
    expect(asked).toEqual([]);
  });

  test("a status that cannot be made fails for who asked for it, and for nothing else", () => {
    const { desk, lines, reply } = daemon(undefined);
    desk.handle({ command: "status" }, reply);
    const reason = "the daemon could not answer: a mistake in the report";
    expect(lines).toEqual([{ kind: "refused", reason, exitCode: 1 }]);
  });
});
