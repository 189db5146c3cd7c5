import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findHistory } from "../../../../src/cli/failover/kept-history.ts";
import type { CommandContext } from "../../../../src/cli/line/context.ts";
import { ControlServer } from "../../../../src/daemon/control/control-server.ts";

function transition(to: string, at: string) {
  return { at, agoMs: 0, from: "standby", to, term: 4, why: "the peer was silent", chain: [] };
}

const OLD = transition("active", "2026-11-01T08:00:00.000Z");
const NEW = transition("standby", "2026-11-02T08:00:00.000Z");

/** The directories of a daemon that does not run, and what a command says. */
class Machine implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "tandem-history-"));
  readonly path = join(this.#folder, "history.json");
  readonly notes: string[] = [];

  get context(): CommandContext {
    return {
      output: { note: (text: string) => this.notes.push(text) },
      globals: { runtimeDir: this.#folder, stateDir: this.#folder },
    } as unknown as CommandContext;
  }

  async error(): Promise<unknown> {
    return await findHistory(this.context).catch((thrown: unknown) => thrown);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

describe("findHistory()", () => {
  test("without a daemon it is read from the disk, newest first, and that is said", async () => {
    using machine = new Machine();
    writeFileSync(machine.path, JSON.stringify({ version: 1, transitions: [OLD, NEW] }));
    const found = await findHistory(machine.context);
    expect(found.map(({ at }) => at)).toEqual([NEW.at, OLD.at]);
    expect(found[0]?.agoMs).toBeLessThan(found[1]?.agoMs ?? 0);
    expect(machine.notes).toEqual([
      expect.stringMatching(/^no daemon answers in .*; this is what .*history\.json says$/),
    ]);
  });

  test("a daemon that answers is asked, whatever the disk says", async () => {
    using machine = new Machine();
    writeFileSync(machine.path, JSON.stringify({ version: 1, transitions: [OLD] }));
    const { runtimeDir = "" } = machine.context.globals;
    const server = await ControlServer.open(runtimeDir, (_request, reply) =>
      reply({ kind: "done", value: { version: 1, transitions: [NEW] } }),
    );
    expect(await findHistory(machine.context)).toEqual([NEW]);
    expect(machine.notes).toEqual([]);
    server.close();
  });

  test("with neither it says that no daemon answers", async () => {
    using machine = new Machine();
    expect(await machine.error()).toMatchObject({ reason: "no tandem daemon answers there", exitCode: 1 });
  });

  test.each([
    ["no JSON", "{", /JSON/],
    ["something else", "[]", /needs an object/],
    ["a history that cannot be", '{"transitions":[{"term":-1}]}', /transitions/],
  ])("a file that says %s is named", async (_what, text, reason) => {
    using machine = new Machine();
    writeFileSync(machine.path, text);
    expect(await machine.error()).toMatchObject({
      operation: "read the history",
      subject: machine.path,
      reason: expect.stringMatching(reason),
    });
  });

  test("a pipe in the place of the file holds nobody up", async () => {
    using machine = new Machine();
    Bun.spawnSync(["mkfifo", machine.path]);
    expect(await machine.error()).toMatchObject({ subject: machine.path, reason: "it is no regular file" });
  });
});
