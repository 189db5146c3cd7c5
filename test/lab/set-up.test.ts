/** What the set-up says on machines that lack something, tried on this one with the programs hidden. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { namespacesObstacle } from "./namespaces.ts";

/** The project may be where only root can read it. */
const folder = mkdtempSync(join(tmpdir(), "tandem-set-up-"));
chmodSync(folder, 0o755);
copyFileSync(resolve(import.meta.dir, "../setup.mjs"), join(folder, "setup.mjs"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where Debian has the programs; what is hidden is a file that can't be executed. */
const PROGRAMS = {
  "apt-get": "/usr/bin/apt-get",
  "linux.uml": "/usr/bin/linux.uml",
  ipvsadm: "/usr/sbin/ipvsadm",
};
type Program = keyof typeof PROGRAMS;

/** `node test/setup.mjs` on a machine without these programs. */
async function setUp(parts: readonly string[], hidden: readonly Program[], user: readonly string[] = []) {
  const hide = hidden.map((name) => `mount --bind /dev/null ${PROGRAMS[name]}`);
  const script = [...hide, 'exec "$@"'].join(" && ");
  const node = ["node", join(folder, "setup.mjs"), ...parts];
  const ran = Bun.spawn(["unshare", "--mount", "sh", "-c", script, "sh", ...user, ...node], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, exitCode] = await Promise.all([ran.stdout.text(), ran.stderr.text(), ran.exited]);
  return { said: `${stdout}${stderr}`, exitCode };
}

// Only root may, at most, lay a file over another; and this kernel's IPVS would do in place of what is hidden.
describe.skipIf(namespacesObstacle() !== undefined || existsSync("/proc/net/ip_vs"))("the set-up of the lab", () => {
  const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

  test("says nothing where nothing is missing", async () => {
    expect(await setUp(["lab"], [])).toEqual({ said: "", exitCode: 0 });
  });

  test("tells an unprivileged user of Debian what root should run", async () => {
    expect(await setUp(["lab"], ["linux.uml", "ipvsadm"], NOBODY)).toEqual({
      said:
        "set-up: missing: ipvsadm, user-mode-linux; as root, run: " +
        "apt-get install --yes --no-install-recommends ipvsadm user-mode-linux\n",
      exitCode: 1,
    });
  });

  test("tells in one sentence what another distribution needs", async () => {
    expect(await setUp(["lab"], ["apt-get", "linux.uml", "ipvsadm"])).toEqual({
      said:
        "set-up: this is not Debian: install ipvsadm, and " +
        "use a kernel with IPVS (`modprobe ip_vs` finds none in this one)\n",
      exitCode: 1,
    });
    expect(await setUp(["lab"], ["apt-get", "linux.uml"], NOBODY)).toEqual({
      said: "set-up: this is not Debian: run this as root, for the IPVS of this machine's kernel\n",
      exitCode: 1,
    });
  });

  test("is content with another distribution that has all of it", async () => {
    expect(await setUp(["lab"], ["apt-get"], NOBODY)).toEqual({ said: "", exitCode: 0 });
  });
});
