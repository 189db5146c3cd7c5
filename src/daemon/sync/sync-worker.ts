/**
 * The sync thread of the router process: it reads the kernel's table of connections, which takes seconds where there
 * are a hundred thousand of them, and sends it to the other router's kernel. It gives way to every other thread, and
 * holds neither the one that sends heartbeats nor the one that renews leases.
 */

import { LinkClient } from "../../kernel/addresses/link-client.ts";
import { readConnections } from "../../kernel/ipvs/connection-table.ts";
import { SyncSender } from "../../kernel/ipvs/sync-sender.ts";
import { TandemError } from "../../lib/errors.ts";
import { parseAddress } from "../../model/address.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { giveWay } from "../../sys/process/scheduling.ts";
import { connectionKey, hasKey } from "../../wire/sync/sync-key.ts";
import { type SyncConnection, SyncMessageWriter } from "../../wire/sync/sync-message.ts";
import type { ConnectionRow } from "../../wire/sync/sync-row.ts";
import { isEstablished, SyncServices } from "./sync-services.ts";
import type { SyncAnswer, SyncRequest, SyncTarget } from "./sync-thread-protocol.ts";

declare const self: Worker;

/** Bound on what is read: 4 MB of keys. What is beyond is left to the kernel's own synchronisation. */
const CONNECTIONS_MAX = 1_000_000;
/** A table that takes longer to read is too large for this; reading twice as many takes the kernel four times as long. */
const READING_LIMIT_MS = 300_000;
/**
 * Messages at a stretch, and the pause after them. The receiving kernel has room for 92 of them by default (208 KiB of
 * net.core.rmem_default, 2304 bytes each with their overhead), and 16 in 10 ms are 45,000 connections a second.
 */
const STRETCH_MESSAGES = 16;
const STRETCH_MS = 10;
/** The socket's buffer is full: that often is tried again, after a pause, before the message counts as lost. */
const SEND_TRIES_MAX = 20;

/** Keys of the reading before, ascending: what is new since then, and what is not. */
let known = new Uint32Array();

/** A growing list of keys. */
class Keys {
  #keys = new Uint32Array(1_024);
  #count = 0;

  add(key: number): void {
    if (this.#count === this.#keys.length) {
      const larger = new Uint32Array(this.#keys.length * 2);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    this.#keys[this.#count] = key;
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  /** In ascending order, each once: of a table that grows while it is read, some come twice. */
  sorted(): Uint32Array<ArrayBuffer> {
    const keys = this.#keys.subarray(0, this.#count).sort();
    let count = 0;
    for (const key of keys) {
      if (count > 0 && keys[count - 1] === key) continue;
      keys[count] = key;
      count += 1;
    }
    return keys.slice(0, count);
  }
}

/** Sends messages at a measured pace. */
class Courier implements Disposable {
  readonly #sender: SyncSender;
  readonly #writer: SyncMessageWriter;
  #stretchBeganMs = monotonicMs();
  sent = 0;
  messages = 0;

  constructor(target: SyncTarget) {
    this.#sender = openSender(target);
    this.#writer = new SyncMessageWriter(target.syncId);
  }

  add(connection: SyncConnection): void {
    if (!this.#writer.add(connection)) {
      this.flush();
      this.#writer.add(connection);
    }
    this.sent += 1;
  }

  flush(): void {
    const message = this.#writer.take();
    if (message === undefined) return;
    for (let attempt = 1; this.#sender.send(message).kind === "failed" && attempt < SEND_TRIES_MAX; attempt += 1) {
      Bun.sleepSync(STRETCH_MS);
    }
    this.messages += 1;
    if (this.messages % STRETCH_MESSAGES !== 0) return;
    const restMs = STRETCH_MS - (monotonicMs() - this.#stretchBeganMs);
    if (restMs > 0) Bun.sleepSync(restMs);
    this.#stretchBeganMs = monotonicMs();
  }

  [Symbol.dispose](): void {
    this.#sender[Symbol.dispose]();
  }
}

function openSender(target: SyncTarget): SyncSender {
  using links = LinkClient.open();
  const link = links.get(target.interface);
  const group = parseAddress(target.group);
  if (link === undefined || !group.ok) {
    throw new TandemError({ operation: "send connections", reason: `there is no interface ${target.interface}` });
  }
  return SyncSender.open({ interfaceIndex: link.index, group: group.value, port: target.port, ttl: target.ttl });
}

interface Reading {
  readonly all: Keys;
  failure?: string;
}

/** Reads the table once; `visit` sees each connection with its key. */
function readTable(request: SyncRequest, visit: (row: ConnectionRow, key: number) => void): Reading {
  const reading: Reading = { all: new Keys() };
  const beganMs = monotonicMs();
  try {
    readConnections((row) => {
      const key = connectionKey(row, request.seed);
      reading.all.add(key);
      visit(row, key);
      const isEnough = reading.all.count >= CONNECTIONS_MAX || monotonicMs() - beganMs > READING_LIMIT_MS;
      if (isEnough) reading.failure = `after ${reading.all.count} connections it took too long, or too much memory`;
      return !isEnough;
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    reading.failure = error.message;
  }
  return reading;
}

function send(request: Extract<SyncRequest, { kind: "send" }>): Omit<SyncAnswer, "id" | "elapsedMs"> {
  const services = new SyncServices(request.services);
  using courier = new Courier(request.target);
  const wanted = new Keys();
  const reading = readTable(request, (row, key) => {
    const connection = services.toSync(row);
    if (connection === undefined) return;
    if (isEstablished(row)) wanted.add(key);
    if (request.scope === "all" || !hasKey(known, key)) courier.add(connection);
  });
  courier.flush();
  known = reading.all.sorted();
  return { ...outcome(reading, wanted.sorted()), sent: courier.sent, messages: courier.messages };
}

function count(request: SyncRequest): Omit<SyncAnswer, "id" | "elapsedMs"> {
  const services = new SyncServices(request.services);
  const wanted = new Keys();
  const reading = readTable(request, (row, key) => {
    if (isEstablished(row) && hasKey(known, key) && services.has(row)) wanted.add(key);
  });
  known = reading.all.sorted();
  return outcome(reading, wanted.sorted());
}

function outcome(reading: Reading, keys: Uint32Array): Omit<SyncAnswer, "id" | "elapsedMs"> {
  const { all, failure } = reading;
  return { entries: all.count, sent: 0, messages: 0, keys, ...(failure === undefined ? {} : { failure }) };
}

function perform(request: SyncRequest): Omit<SyncAnswer, "id" | "elapsedMs"> {
  try {
    if (request.kind === "send") return send(request);
    if (request.kind === "count") return count(request);
    const established = new Keys();
    const reading = readTable(request, (row, key) => {
      if (isEstablished(row)) established.add(key);
    });
    return outcome(reading, established.sorted());
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { entries: 0, sent: 0, messages: 0, keys: new Uint32Array(), failure };
  }
}

giveWay();

self.onmessage = (event: MessageEvent<SyncRequest>) => {
  const beganMs = monotonicMs();
  const answer = perform(event.data);
  const { keys } = answer;
  self.postMessage({ ...answer, id: event.data.id, elapsedMs: monotonicMs() - beganMs }, [keys.buffer as ArrayBuffer]);
};
