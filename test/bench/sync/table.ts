/**
 * Inside the lab, in a network namespace of its own: what the sync thread of a router costs with so many connections in
 * the kernel's table, and how late a timer of the main thread gets meanwhile. Prints rows in Markdown.
 * `bun table.ts INTERFACE SIZE…`; who fills the table writes a line for each size that is there.
 */
import { SyncThread } from "../../../src/daemon/sync/sync-thread.ts";
import type { SyncAnswer, SyncWork } from "../../../src/daemon/sync/sync-thread-protocol.ts";
import { address, addressBytes } from "../../../src/model/address.ts";

const [interfaceName = "", ...sizes] = process.argv.slice(2);
const TICK_MS = 10;
const SEED = 1;
const end = (text: string, port: number) => ({ address: addressBytes(address(text)), port });
const SERVICES = [
  {
    key: { kind: "address" as const, protocol: 6, endpoint: end("203.0.113.10", 80) },
    persistenceSeconds: 0,
    servers: [{ endpoint: end("10.0.0.11", 80), flags: 0 }],
  },
];
const TARGET = { interface: interfaceName, group: "224.0.0.81", port: 8848, ttl: 1, syncId: 9 };

/** How late a timer of this thread gets, at worst. */
class Ticks implements Disposable {
  worstMs = 0;
  #lastMs = performance.now();
  readonly #timer = setInterval(() => {
    const nowMs = performance.now();
    this.worstMs = Math.max(this.worstMs, nowMs - this.#lastMs - TICK_MS);
    this.#lastMs = nowMs;
  }, TICK_MS);

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

async function worstOf<T>(action: () => Promise<T>): Promise<{ value: T; worstMs: number }> {
  using ticks = new Ticks();
  const value = await action();
  return { value, worstMs: ticks.worstMs };
}

const thread = new SyncThread(SEED, (reason) => {
  throw new Error(reason);
});
const request = (work: SyncWork) =>
  new Promise<SyncAnswer>((resolve) => thread.request(work, SERVICES, (answer) => resolve(answer)));

for await (const line of console) {
  const size = sizes.shift();
  if (line !== "filled" || size === undefined) break;
  const idle = await worstOf(() => Bun.sleep(3_000));
  const cpuBefore = process.cpuUsage();
  const send = await worstOf(() => request({ kind: "send", scope: "all", target: TARGET }));
  const cpu = process.cpuUsage(cpuBefore);
  const list = await worstOf(() => request({ kind: "list" }));
  const cells = [
    send.value.entries,
    send.value.sent,
    send.value.messages,
    Math.round(send.value.elapsedMs),
    Math.round((cpu.user + cpu.system) / 1_000),
    Math.round(list.value.elapsedMs),
    Math.round(Math.max(send.worstMs, list.worstMs)),
    Math.round(idle.worstMs),
  ];
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
  if (sizes.length === 0) break;
}
process.exit(0);
