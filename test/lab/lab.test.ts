/** The lab itself: what it passes on, what it keeps apart, and that it leaves nothing behind. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { namespacesObstacle } from "./namespaces.ts";

const ROOT = resolve(import.meta.dir, "../..");
const folder = mkdtempSync(join(tmpdir(), "tandem-lab-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `bun test/lab/run.ts …` with a temporary folder of its own, so that what it leaves there can be seen. */
function runLab(name: string, words: readonly string[]) {
  const temporary = mkdtempSync(join(folder, `${name}-`));
  const lab = Bun.spawn([process.execPath, "test/lab/run.ts", ...words], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: temporary, TANDEM_LAB: "uml" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { lab, temporary };
}

/** Processes whose command line names that folder: a kernel keeps its job there. */
function processesOf(temporary: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(temporary);
      } catch {
        return false;
      }
    });
}

async function untilNoProcess(temporary: string): Promise<string[]> {
  for (let attempt = 0; attempt < 1_000 && processesOf(temporary).length > 0; attempt++) await Bun.sleep(20);
  return processesOf(temporary);
}

// Where this kernel has IPVS, the user-mode kernel may not be there.
describe.skipIf(Bun.which("linux.uml") === null)("the lab", () => {
  test("runs two commands at once, each with IPVS of its own, and keeps output and exit status", async () => {
    const script = (port: number, status: number) =>
      `ipvsadm -A -t 192.0.2.1:${port} && ipvsadm -Ln | grep -c TCP && echo to stderr >&2; exit ${status}`;
    const labs = [runLab("a", ["--", "sh", "-c", script(80, 7)]), runLab("b", ["--", "sh", "-c", script(81, 0)])];
    const seen = await Promise.all(
      labs.map(async ({ lab }) => ({
        stdout: await new Response(lab.stdout).text(),
        stderr: await new Response(lab.stderr).text(),
        exitCode: await lab.exited,
      })),
    );
    expect(seen).toEqual([
      { stdout: "1\n", stderr: "to stderr\n", exitCode: 7 },
      { stdout: "1\n", stderr: "to stderr\n", exitCode: 0 },
    ]);
    expect(labs.map(({ temporary }) => readdirSync(temporary))).toEqual([[], []]);
  });

  test("lets the command write where it may and nowhere else", async () => {
    const allowed = mkdtempSync(join(folder, "allowed-"));
    const script = `echo yes >${allowed}/file; echo no >${ROOT}/test/lab/file; echo gone >/tmp/file`;
    const { lab } = runLab("c", ["--write", allowed, "--", "sh", "-c", script]);
    const [stderr] = await Promise.all([new Response(lab.stderr).text(), lab.exited]);
    expect(stderr).toContain("Read-only file system");
    expect(readFileSync(join(allowed, "file"), "utf8")).toBe("yes\n");
    expect(existsSync(join(ROOT, "test/lab/file"))).toBe(false);
  });

  test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("ends with everything in it on %s", async (signal) => {
    const { lab, temporary } = runLab("d", ["--", "sh", "-c", "echo up; sleep 1000"]);
    const reader = lab.stdout.getReader();
    let said = "";
    while (!said.endsWith("\n")) {
      const { done, value } = await reader.read();
      if (done) break;
      said += new TextDecoder().decode(value);
    }
    expect(said).toBe("up\n");
    expect(processesOf(temporary)).not.toEqual([]);
    lab.kill(signal);
    await lab.exited;
    expect(await untilNoProcess(temporary)).toEqual([]);
    // Killed outright, it cannot remove its files any more.
    if (signal !== "SIGKILL") expect(readdirSync(temporary)).toEqual([]);
  });

  test("ends a command that takes too long", async () => {
    const { lab, temporary } = runLab("e", ["--limit", "6", "--", "sleep", "1000"]);
    const [stderr, exitCode] = await Promise.all([new Response(lab.stderr).text(), lab.exited]);
    expect({ stderr, exitCode }).toEqual({ stderr: "lab: time-limit\n", exitCode: 124 });
    expect(await untilNoProcess(temporary)).toEqual([]);
  });

  test("tells why it does not come up: a folder of the host that can't be mounted", async () => {
    const nowhere = join(folder, "nowhere");
    const { lab } = runLab("f", ["--write", nowhere, "--", "true"]);
    const [stderr, exitCode] = await Promise.all([new Response(lab.stderr).text(), lab.exited]);
    expect(stderr).toStartWith(`lab: the host's folder ${nowhere} cannot be mounted by hostfs: mount: `);
    expect({ lines: stderr.split("\n").length, exitCode }).toEqual({ lines: 2, exitCode: 125 });
  });

  // Only root may, at most, lay a folder over another.
  test.skipIf(namespacesObstacle() !== undefined)(
    "tells why it does not come up: a kernel without its modules",
    async () => {
      const modules = join(folder, "modules");
      const script = `mkdir ${modules} && mount --bind ${modules} /usr/lib/uml/modules && exec "$@"`;
      const command = [process.execPath, "test/lab/run.ts", "--", "true"];
      const lab = Bun.spawn(["unshare", "--mount", "sh", "-c", script, "sh", ...command], {
        cwd: ROOT,
        env: { ...process.env, TMPDIR: folder, TANDEM_LAB: "uml" },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [stderr, exitCode] = await Promise.all([new Response(lab.stderr).text(), lab.exited]);
      expect(stderr).toMatch(/^lab: a module of the user-mode kernel \S+ cannot be loaded: modprobe: .* ipv6 .*\n$/);
      expect(exitCode).toBe(125);
    },
  );
});
