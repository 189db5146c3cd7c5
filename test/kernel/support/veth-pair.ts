import { closeSync, openSync } from "node:fs";
import { LinkClient } from "../../../src/kernel/addresses/link-client.ts";
import type { Link } from "../../../src/model/link.ts";
import { enterNetworkNamespace } from "../../../src/sys/process/network-namespace.ts";

export type Side = "left" | "right";

const SIDES = ["left", "right"] as const;

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
      for (const side of SIDES) run([], "netns", "add", this.#names[side]);
      this.#batch("left", `link add eth0 type veth peer name eth0 netns ${this.#names.right}`);
      for (const side of SIDES) {
        this.#batch(
          side,
          "link set lo up",
          // A link-local address would be tentative for a second, and its detection would be heard.
          "link set eth0 addrgenmode none",
          "link set eth0 up",
          ...ADDRESSES[side].map((address) => `address add ${address} dev eth0${nodad(address)}`),
        );
      }
      for (const side of SIDES) this.#settle(side);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Runs `ip` in the namespace of that side. Returns its output. */
  ip(side: Side, ...words: readonly string[]): string {
    return run([], "-n", this.#names[side], ...words);
  }

  /** Adds an address such as `192.0.2.10/32` to that side, and returns when it can be used. */
  addAddress(side: Side, address: string): void {
    this.#batch(side, `address add ${address} dev eth0${nodad(address)}`);
    if (address.includes(":")) this.#settle(side);
  }

  linkDown(side: Side): void {
    this.ip(side, "link", "set", "eth0", "down");
  }

  /** Puts the interface up, and returns when frames pass. */
  linkUp(side: Side): void {
    this.ip(side, "link", "set", "eth0", "up");
    this.#settle(side);
  }

  /**
   * Asks again and again until something has happened in the kernel, which works on between the turns. The event loop of
   * this process does not turn meanwhile.
   */
  until(done: () => boolean): void {
    for (let turn = 0; turn < SETTLING_TURNS_MAX; turn += 1) {
      if (done()) return;
      // Starting a program gives the kernel milliseconds.
      run([], "-V");
    }
    throw new Error("what the test waits for does not happen");
  }

  /** One program for several changes: starting one takes long in the lab's kernel. */
  #batch(side: Side, ...lines: readonly string[]): void {
    run(lines, "-n", this.#names[side], "-batch", "-");
  }

  /**
   * Waits for carrier, and for IPv6 addresses: also with nodad the kernel has them tentative until a work queue gets to
   * them, and until then it asks nobody and answers nobody in their name.
   */
  #settle(side: Side): void {
    this.until(() => {
      const shown = this.ip(side, "address", "show", "dev", "eth0");
      return shown.includes(" state UP ") && !shown.includes(" tentative");
    });
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

function nodad(address: string): string {
  return address.includes(":") ? " nodad" : "";
}

function run(lines: readonly string[], ...words: readonly string[]): string {
  const input = new TextEncoder().encode(lines.join("\n"));
  const { exitCode, stdout, stderr } = Bun.spawnSync(["ip", ...words], { stdin: input });
  if (exitCode !== 0) throw new Error(`ip ${[...words, ...lines].join(" ")}: ${stderr.toString().trim()}`);
  return stdout.toString();
}
