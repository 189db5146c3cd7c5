/** One process in several network namespaces: a socket stays for ever in the namespace it was opened in. */
import { existsSync } from "node:fs";
import { enterNetworkNamespace } from "../../src/sys/process/network-namespace.ts";

/**
 * Does `action` as a process of that namespace would: the sockets it opens and the programs it starts belong there.
 * Only what it does before its first await counts. (`fetch` connects from a thread of its own and stays outside.)
 */
export function inNamespace<T>(name: string, action: () => T): T {
  const home = openHome();
  enterNetworkNamespace(`/run/netns/${name}`);
  try {
    return action();
  } finally {
    enterNetworkNamespace(home);
  }
}

/** The namespace this process began in, by the name that stays right while the thread is elsewhere. */
let homePath: string | undefined;
function openHome(): string {
  if (homePath === undefined) {
    const name = "/run/netns/lab-home";
    if (!existsSync(name)) run(["ip", "netns", "attach", "lab-home", String(process.pid)]);
    homePath = name;
  }
  return homePath;
}

/** Runs a short program to its end. Throws with its error text when it fails. Returns what it printed. */
export function run(command: readonly string[], input = ""): string {
  const ended = Bun.spawnSync([...command], { stdin: new TextEncoder().encode(input), stdout: "pipe", stderr: "pipe" });
  if (ended.exitCode !== 0) throw new Error(`${command.join(" ")}: ${ended.stderr.toString().trim()}`);
  return ended.stdout.toString();
}
