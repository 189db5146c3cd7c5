/**
 * A machine that is as new as can be: a minimal Debian in a folder, made by mmdebstrap from the archive that it knows
 * or that this machine's settings name. What runs in it has the machine's network and its own processes, /tmp and /run.
 */
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { type Ended, runBounded } from "./bounded-program.ts";

/** What the README asks for, and the authorities without which npm can't fetch anything. */
const PACKAGES = ["nodejs", "npm", "ca-certificates"];
/** Where Debian keeps the authorities: a machine behind an inspecting proxy has that one's among them. */
const AUTHORITIES = "etc/ssl/certs/ca-certificates.crt";
/** Several times what it takes on a slow machine. */
const MAKE_LIMIT_MS = 900_000;

/** What of the environment leads to the package registries, where that is not the usual way. */
const PASSED_ON = /^(?:https?_proxy|no_proxy|npm_config_registry)$/i;
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * As container tools do it, in the mount namespace that each program has: the folder becomes its root, and of the
 * machine's own file system nothing is left in it but /dev.
 */
const ENTER = `set -e
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --bind /dev "$root/dev"
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
cd "$root"
pivot_root . mnt
cd /
umount --lazy /mnt
exec env --ignore-environment "$@"`;

export interface User {
  readonly name: string;
  readonly id: number;
  readonly home: string;
}

export const ROOT_USER: User = { name: "root", id: 0, home: "/root" };

export class MinimalRoot {
  readonly folder: string;
  readonly #signal: AbortSignal;

  constructor(folder: string, signal: AbortSignal) {
    this.folder = folder;
    this.#signal = signal;
  }

  /** Fills the folder with a release of Debian: "bookworm", "trixie". */
  async make(release: string): Promise<Ended> {
    const include = `--include=${PACKAGES.join(",")}`;
    const command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", include, release, this.folder];
    const ended = await runBounded(command, { limitMs: MAKE_LIMIT_MS, signal: this.#signal });
    if (ended.status === 0 && existsSync(`/${AUTHORITIES}`)) {
      copyFileSync(`/${AUTHORITIES}`, join(this.folder, AUTHORITIES));
    }
    return ended;
  }

  /** Runs shell commands in it, in a folder of its own. */
  run(script: string, directory: string, user: User, limitMs: number): Promise<Ended> {
    const environment = [
      ...Object.entries(process.env).flatMap(([name, value]) => (PASSED_ON.test(name) ? [`${name}=${value}`] : [])),
      ...[`PATH=${SYSTEM_PATH}`, `HOME=${user.home}`, `USER=${user.name}`, "LANG=C.UTF-8", "NO_COLOR=1"],
    ];
    const asUser = ["setpriv", `--reuid=${user.id}`, `--regid=${user.id}`, "--clear-groups"];
    const inside = [...environment, ...asUser, "sh", "-c", `cd "$1" && ${script}`, "sh", directory];
    const command = ["sh", "-c", ENTER, "sh", this.folder, ...inside];
    return runBounded(command, { limitMs, signal: this.#signal });
  }
}
