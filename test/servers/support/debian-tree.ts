/**
 * Debian's servers in their places without being installed: their unpacked files are laid over /usr, /etc and /var of a
 * mount namespace of the test's own (test/lab/namespaces.ts). The machine sees nothing of it.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { requireLab, run } from "../../support/lab.ts";

const TREE = resolve(import.meta.dir, "../../../node_modules/.cache/servers/tree");
/** The lab's /run is its own: what is there was made by this run. */
const LAYERS = "/run/tandem-servers";
const FOLDERS = ["usr", "etc", "var"];
/** Users that Debian's packages make when they are installed. */
const USERS = ["postfix", "postdrop", "dovecot", "dovenull", "sshd"];
const FIRST_ID = 61_000;

/** Makes the servers' programs and files be there, once in a lab. @throws when they were not downloaded. */
export function layDebianTree(): void {
  requireLab();
  if (existsSync(LAYERS)) return;
  if (!existsSync(TREE)) throw new Error("the servers are missing: node test/setup.mjs servers");
  mkdirSync(LAYERS);
  run("mount", "-t", "tmpfs", "tmpfs", LAYERS);
  for (const name of FOLDERS) {
    const [upper, work] = [join(LAYERS, name, "upper"), join(LAYERS, name, "work")];
    for (const folder of [upper, work]) mkdirSync(folder, { recursive: true });
    const layers = `lowerdir=${join(TREE, name)}:/${name},upperdir=${upper},workdir=${work}`;
    run("mount", "-t", "overlay", "overlay", "-o", layers, `/${name}`);
  }
  addUsers();
}

function addUsers(): void {
  const known = readFileSync("/etc/passwd", "utf8");
  for (const [index, name] of USERS.entries()) {
    if (new RegExp(`^${name}:`, "m").test(known)) continue;
    const id = FIRST_ID + index;
    appendFileSync("/etc/passwd", `${name}:x:${id}:${id}::/nonexistent:/usr/sbin/nologin\n`);
    appendFileSync("/etc/group", `${name}:x:${id}:\n`);
  }
}
