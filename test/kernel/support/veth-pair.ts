import { closeSync, openSync } from "node:fs";
import { LinkClient } from "../../../src/kernel/link-client.ts";
import type { Link } from "../../../src/model/link.ts";
import { enterNetworkNamespace } from "../../../src/sys/network-namespace.ts";

export type Side = "left" | "right";

const ADDRESSES = {
  left: ["192.0.2.1/24", "2001:db8::1/64"],
  right: ["192.0.2.2/24", "2001:db8::2/64"],
} as const;

/** Each turn starts a program, which takes milliseconds. */
const SETTLING_TURNS_MAX = 500;

let made = 0;

/**
 * Two network namespaces with a cable between their interfaces `eth0`. Nothing outside them is touched, and closing
 * takes them away. A socket that was opened inside of one stays there, so that one process can play both machines.
 */
export class VethPair implements Disposable {
  readonly #names: Readonly<Record<Side, string>>;

  constructor() {
    made += 1;
    const name = `tdsys${process.pid}x${made}`;
    this.#names = { left: `${name}l`, right: `${name}r` };
    try {
      for (const side of ["left", "right"] as const) {
        run("netns", "add", this.#names[side]);
        this.ip(side, "link", "set", "lo", "up");
      }
      this.ip("left", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", this.#names.right);
      for (const side of ["left", "right"] as const) {
        // A link-local address would be tentative for a second, and its detection would be heard.
        this.ip(side, "link", "set", "eth0", "addrgenmode", "none");
        this.ip(side, "link", "set", "eth0", "up");
      }
      for (const side of ["left", "right"] as const) {
        this.#untilCarrier(side);
        for (const address of ADDRESSES[side]) this.addAddress(side, address);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Runs `ip` in the namespace of that side. Returns its output. */
  ip(side: Side, ...words: readonly string[]): string {
    return run("-n", this.#names[side], ...words);
  }

  /** Adds an address such as `192.0.2.10/32` to that side, and returns when it can be used. */
  addAddress(side: Side, address: string): void {
    if (!address.includes(":")) {
      this.ip(side, "address", "add", address, "dev", "eth0");
      return;
    }
    this.ip(side, "address", "add", address, "dev", "eth0", "nodad");
    // Also with nodad the kernel has it tentative until a work queue gets to it; until then it asks nobody and answers nobody.
    this.#until(() => this.ip(side, "address", "show", "dev", "eth0", "tentative").trim() === "");
  }

  linkDown(side: Side): void {
    this.ip(side, "link", "set", "eth0", "down");
  }

  /** Puts the interface up, and returns when frames pass. */
  linkUp(side: Side): void {
    this.ip(side, "link", "set", "eth0", "up");
    this.#untilCarrier(side);
  }

  #untilCarrier(side: Side): void {
    this.#until(() => this.ip(side, "-o", "link", "show", "eth0").includes(" state UP "));
  }

  /** Asks again and again what the kernel works on without telling when it is done. */
  #until(done: () => boolean): void {
    for (let turn = 0; turn < SETTLING_TURNS_MAX; turn += 1) if (done()) return;
    throw new Error("the interfaces do not settle");
  }

  /** Calls `action` with this thread inside of that namespace. */
  inside<T>(side: Side, action: () => T): T {
    const home = openSync("/proc/thread-self/ns/net", "r");
    try {
      enterNetworkNamespace(`/run/netns/${this.#names[side]}`);
      return action();
    } finally {
      enterNetworkNamespace(`/proc/thread-self/fd/${home}`);
      closeSync(home);
    }
  }

  /** The interface of that side as it is now. */
  link(side: Side): Link {
    return this.inside(side, () => {
      using links = LinkClient.open();
      const link = links.get("eth0");
      if (link === undefined) throw new Error(`${side} has no eth0`);
      return link;
    });
  }

  [Symbol.dispose](): void {
    for (const name of Object.values(this.#names)) Bun.spawnSync(["ip", "netns", "delete", name], { stderr: "ignore" });
  }
}

function run(...words: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["ip", ...words]);
  if (exitCode !== 0) throw new Error(`ip ${words.join(" ")}: ${stderr.toString().trim()}`);
  return stdout.toString();
}
