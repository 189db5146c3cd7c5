import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync } from "node:fs";
import { temporaryFolder } from "./folder.ts";
import { PROGRAM, runCommand } from "./program.ts";

/** What lies in the current folder must not reach a program that runs as root. */
describe("the current folder", () => {
  test("its bunfig.toml runs nothing", async () => {
    using folder = temporaryFolder();
    await Bun.write(folder.file("bunfig.toml"), 'preload = ["./preload.ts"]\n[run]\npreload = ["./preload.ts"]\n');
    await Bun.write(folder.file("preload.ts"), 'await Bun.write("preloaded", "");\n');
    const ran = await runCommand([PROGRAM, "completions", "bash"], { cwd: folder.path });
    const preloaded = await Bun.file(folder.file("preloaded")).exists();
    expect({ preloaded, stderr: ran.stderr, exitCode: ran.exitCode }).toEqual({
      preloaded: false,
      stderr: "",
      exitCode: 0,
    });
  });

  test("its .env sets nothing", async () => {
    using folder = temporaryFolder();
    await Bun.write(folder.file(".env"), "TERM=dumb\nNO_COLOR=1\n");
    const command = ["script", "-qec", `${PROGRAM} vip --help`, "/dev/null"];
    const { stdout } = await runCommand(command, { cwd: folder.path, env: { TERM: "xterm" } });
    // With the .env's NO_COLOR there would be no colour.
    expect(stdout).toContain("\u001b[");
  });
});

describe("an unprivileged user", () => {
  test("gets exit 4 and a way out where root is needed", async () => {
    using folder = temporaryFolder();
    const program = folder.file("tandem");
    copyFileSync(PROGRAM, program);
    chmodSync(folder.path, 0o755);
    chmodSync(program, 0o755);
    const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const words = ["vip", "add", "192.0.2.77/32", "--interface", "lo"];
    const { stdout, stderr, exitCode } = await runCommand([...asNobody, program, ...words]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 4 });
    expect(stderr).toMatch(/^tandem: cannot .*\(EPERM\).*\nhint: .*root.*\n$/);
  });

  test("is not told by doctor of a firewall that only root may read", async () => {
    using folder = temporaryFolder();
    const [program, config] = [folder.file("tandem"), folder.file("tandem.toml")];
    copyFileSync(PROGRAM, program);
    const example = await runCommand([PROGRAM, "config", "example"]);
    await Bun.write(config, example.stdout.replaceAll(/"eth(\d)"/g, '"absent$1"'));
    chmodSync(folder.path, 0o755);
    chmodSync(program, 0o755);
    const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const { stdout, exitCode } = await runCommand([...asNobody, program, "doctor", "--json", "--config", config]);
    const names = JSON.parse(stdout).findings.map(({ name }: { name: string }) => name);
    expect({ exitCode, hasRoot: names.includes("not-root") }).toEqual({ exitCode: 3, hasRoot: true });
    expect(names.filter((name: string) => name.startsWith("firewall"))).toEqual([]);
  });
});
