/** The codec of sync messages against the kernel itself: what its master daemon sends, and what its backup takes in. */
import { beforeAll, describe, expect, test } from "bun:test";
import type { udp } from "bun";
import { LinkClient } from "../../src/kernel/addresses/link-client.ts";
import { readConnections } from "../../src/kernel/ipvs/connection-table.ts";
import { SyncSender } from "../../src/kernel/ipvs/sync-sender.ts";
import { address } from "../../src/model/address.ts";
import {
  decodeSyncMessage,
  IP_VS_CONN_F_INACTIVE,
  IP_VS_CONN_F_TEMPLATE,
  type SyncConnection,
  type SyncEndpoint,
  SyncMessageWriter,
} from "../../src/wire/sync/sync-message.ts";
import type { ConnectionRow } from "../../src/wire/sync/sync-row.ts";
import { requireLab, run } from "../support/lab.ts";
import { end } from "../support/sync-connections.ts";
import { VethPair } from "./support/veth-pair.ts";

beforeAll(requireLab);

const GROUP = "224.0.0.81";
const PORT = 8848;
const SYNC_ID = 7;
const VIP = "192.0.2.10";

/** ipvsadm in one of the two namespaces. */
function ipvsadm(pair: VethPair, side: "left" | "right", ...words: string[]): string {
  return pair.inside(side, () => run("ipvsadm", ...words));
}

function rowsOf(pair: VethPair, side: "left" | "right"): ConnectionRow[] {
  const rows: ConnectionRow[] = [];
  pair.inside(side, () =>
    readConnections((row) => {
      rows.push(row);
      return true;
    }),
  );
  return rows;
}

function sender(pair: VethPair, side: "left" | "right"): SyncSender {
  return pair.inside(side, () => {
    using links = LinkClient.open();
    const interfaceIndex = links.get("eth0")?.index ?? 0;
    return SyncSender.open({ interfaceIndex, group: address(GROUP), port: PORT, ttl: 1 });
  });
}

/** A backup daemon on the right, with a service of each kind; the socket of a daemon is there once it has started. */
function learner(pair: VethPair): void {
  ipvsadm(pair, "right", "-A", "-t", `${VIP}:80`, "-s", "rr", "-p", "300");
  ipvsadm(pair, "right", "-a", "-t", `${VIP}:80`, "-r", "192.0.2.1:80", "-m");
  ipvsadm(pair, "right", "-A", "-f", "9", "-s", "rr", "-p", "300");
  ipvsadm(pair, "right", "-a", "-f", "9", "-r", "192.0.2.1:0", "-g");
  ipvsadm(pair, "right", "--start-daemon", "backup", "--mcast-interface", "eth0", "--syncid", `${SYNC_ID}`);
}

const CONNECTION: SyncConnection = {
  protocol: 6,
  client: end("198.51.100.7:40000"),
  virtual: end(`${VIP}:80`),
  server: end("192.0.2.1:80"),
  flags: 0,
  state: 1,
  mark: 0,
  timeoutSeconds: 0,
};

function message(syncId: number, ...connections: SyncConnection[]): Uint8Array {
  const writer = new SyncMessageWriter(syncId);
  for (const connection of connections) expect(writer.add(connection)).toBe(true);
  return writer.take() ?? new Uint8Array();
}

describe("the kernel's backup daemon", () => {
  test("takes in connections, a client's memory, and such by firewall mark, and counts them", () => {
    using pair = new VethPair();
    learner(pair);
    using out = sender(pair, "left");
    const memory: SyncConnection = {
      ...CONNECTION,
      client: end("198.51.100.7:0"),
      flags: IP_VS_CONN_F_TEMPLATE | IP_VS_CONN_F_INACTIVE,
      timeoutSeconds: 300,
    };
    const closing = { ...CONNECTION, client: end("198.51.100.7:40001"), flags: IP_VS_CONN_F_INACTIVE, state: 4 };
    const marked = {
      ...CONNECTION,
      virtual: end("203.0.113.99:443"),
      server: end("192.0.2.1:443"),
      mark: 9,
      flags: 3,
    };
    pair.until(() => {
      out.send(message(SYNC_ID, CONNECTION, memory, closing, marked));
      return rowsOf(pair, "right").length === 4;
    });
    const rows = rowsOf(pair, "right").map(({ client, state, expiresSeconds }) => ({
      port: client.port,
      state,
      // What the kernel gives an established connection, one that is closing, and what was said of the memory.
      expires: [900, 120, 300].find((seconds) => seconds - expiresSeconds < 60 && seconds >= expiresSeconds),
    }));
    expect(rows.sort((a, b) => a.port - b.port)).toEqual([
      { port: 0, state: "ASSURED", expires: 300 },
      { port: 40_000, state: "ESTABLISHED", expires: 900 },
      { port: 40_000, state: "ESTABLISHED", expires: 900 },
      { port: 40_001, state: "FIN_WAIT", expires: 120 },
    ]);
    // Active and inactive connections of the server, by address and by mark.
    const counted = [...ipvsadm(pair, "right", "-Ln").matchAll(/-> 192\.0\.2\.1:\d+ +(\w+) +1 +(\d+) +(\d+)/g)];
    expect(counted.map(([, ...words]) => words)).toEqual([
      ["Masq", "1", "1"],
      ["Route", "1", "0"],
    ]);
  });

  test("takes nothing of another sync id, and nothing that is damaged", () => {
    using pair = new VethPair();
    learner(pair);
    using out = sender(pair, "left");
    const port = (number: number) => ({ ...CONNECTION, client: end(`198.51.100.7:${number}`) });
    pair.until(() => {
      out.send(message(SYNC_ID + 1, port(1)));
      out.send(message(SYNC_ID, port(2)).subarray(0, 40));
      out.send(message(SYNC_ID, port(3)));
      return rowsOf(pair, "right").length > 0;
    });
    expect(rowsOf(pair, "right").map(({ client }) => client.port)).toEqual([3]);
  });
});

function name(...ends: readonly SyncEndpoint[]): string {
  return ends.map(({ address: bytes, port }) => `${bytes.join(".")}:${port}`).join(" ");
}

/** What comes to the group on that side. */
async function listen(
  pair: VethPair,
  side: "left" | "right",
): Promise<{ socket: udp.Socket<"buffer">; heard: Uint8Array[] }> {
  const heard: Uint8Array[] = [];
  const own = { left: "192.0.2.1", right: "192.0.2.2" }[side];
  const socket = await pair.inside(side, () =>
    Bun.udpSocket({
      hostname: GROUP,
      port: PORT,
      socket: { data: (_socket, bytes) => void heard.push(new Uint8Array(bytes)) },
    }),
  );
  socket.addMembership(GROUP, own);
  return { socket, heard };
}

test("decodeSyncMessage() reads what the kernel's master daemon sends, as its own table has it", async () => {
  using pair = new VethPair();
  // The kernel's backup daemon on the left learns connections from us; its master then has something to tell.
  pair.inside("left", () =>
    run("sysctl", "-qw", "net.ipv4.vs.sync_threshold=1 0", "net.ipv4.vs.sync_refresh_period=10"),
  );
  ipvsadm(pair, "left", "-A", "-t", `${VIP}:80`, "-s", "rr", "-p", "300");
  ipvsadm(pair, "left", "-a", "-t", `${VIP}:80`, "-r", "192.0.2.1:80", "-m");
  ipvsadm(
    pair,
    "left",
    "--start-daemon",
    "master",
    "--mcast-interface",
    "eth0",
    "--syncid",
    `${SYNC_ID}`,
    "--sync-maxlen",
    "1",
  );
  pair.addAddress("left", `${VIP}/32`);
  const { socket, heard } = await listen(pair, "right");
  using server = pair.inside("left", () =>
    Bun.listen({ hostname: "192.0.2.1", port: 80, socket: { data: (one, bytes) => void one.write(bytes) } }),
  );
  const answered = Promise.withResolvers<void>();
  const client = await pair.inside("right", () =>
    Bun.connect({
      hostname: VIP,
      port: 80,
      socket: { open: (one) => void one.write("x"), data: () => answered.resolve() },
    }),
  );
  await answered.promise;
  const rows = rowsOf(pair, "left");
  while (
    new Set(heard.flatMap((bytes) => decodeSyncMessage(bytes).connections.map(({ client: one }) => one.port))).size < 2
  ) {
    client.write("x");
    await new Promise((resolve) => setImmediate(resolve));
    Bun.spawnSync(["ip", "-V"]);
  }
  const told = heard.flatMap((bytes) => decodeSyncMessage(bytes).connections);
  const known = new Set(rows.map(({ client: one, virtual, server: real }) => name(one, virtual, real)));
  for (const one of told) expect(known).toContain(name(one.client, one.virtual, one.server));
  expect(heard.every((bytes) => decodeSyncMessage(bytes).syncId === SYNC_ID)).toBe(true);
  const memory = told.find((one) => one.client.port === 0);
  expect([memory?.timeoutSeconds, (memory?.flags ?? 0) & IP_VS_CONN_F_TEMPLATE]).toEqual([300, IP_VS_CONN_F_TEMPLATE]);
  socket.close();
  client.end();
  void server;
});
