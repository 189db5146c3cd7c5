/** A machine whose own kernel has IPVS, as the lab's has: there root needs no other kernel. */
import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { requireLab } from "../support/lab.ts";

requireLab();
const ROOT = resolve(import.meta.dir, "../..");

function runWithoutUserModeKernel(...command: readonly string[]) {
  const script = 'mount --bind /dev/null /usr/bin/linux.uml; mount --bind /dev/null /usr/bin/apt-get; exec "$@"';
  const ran = Bun.spawnSync(["unshare", "--mount", "sh", "-c", script, "sh", ...command], {
    cwd: ROOT,
    env: { ...process.env, TANDEM_LAB: undefined },
  });
  return { stdout: ran.stdout.toString(), stderr: ran.stderr.toString(), exitCode: ran.exitCode };
}

test("the set-up asks for no other kernel", () => {
  const ran = runWithoutUserModeKernel("node", "test/setup.mjs", "lab");
  expect(ran).toEqual({ stdout: "", stderr: "", exitCode: 0 });
});

test("the lab runs in namespaces of it, with a table of its own", () => {
  const inside = "ipvsadm -A -t 192.0.2.1:80 && ipvsadm -Sn";
  const ran = runWithoutUserModeKernel(process.execPath, "test/lab/run.ts", "--", "sh", "-c", inside);
  expect(ran).toEqual({ stdout: "-A -t 192.0.2.1:80 -s wlc\n", stderr: "", exitCode: 0 });
  expect(Bun.spawnSync(["ipvsadm", "-Sn"]).stdout.toString()).toBe("");
});
