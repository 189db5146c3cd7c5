/** Frames of the peer's daemon that are seen on the wire, whether they are accepted or not. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { MacAddress } from "../../src/model/mac-address.ts";
import type { PathName } from "../../src/model/pair.ts";
import { sealHeartbeat } from "../../src/wire/heartbeat/heartbeat-packet.ts";
import { HEARTBEAT, KEY } from "../support/heartbeats.ts";
import { requireLab } from "../support/lab.ts";
import { configOf, NetworkUnderTest, PRIVATE_VIP, PUBLIC_VIP } from "./support/network-under-test.ts";

beforeAll(requireLab);

const CONFIG = configOf(PUBLIC_VIP, PRIVATE_VIP);
const STRANGER = "02:00:00:00:00:55" as MacAddress;
const PORT = CONFIG.pair.port;

interface Datagram {
  readonly bytes?: Uint8Array;
  readonly to: string;
  readonly from?: string;
  readonly port?: number;
}

/** Sends datagrams from the other machines. A busy kernel may carry their frames to this end a moment later. */
async function send(lab: NetworkUnderTest, datagrams: readonly Datagram[]): Promise<void> {
  for (const { to, from, port = PORT, bytes } of datagrams) {
    const socket = await lab.onOthers(() => Bun.udpSocket(from === undefined ? {} : { hostname: from }));
    socket.send(bytes ?? "not a heartbeat", port, to);
    socket.close();
  }
}

/** The paths on which a frame was seen since the last look. */
function seen(lab: NetworkUnderTest): readonly PathName[] {
  return lab.network.evidence().flatMap((input) => (input.kind === "peer-frame" ? [input.path] : []));
}

/** What `look` has found in all, as soon as that are so many. */
async function seenInTime<T>(lab: NetworkUnderTest, count: number, look: () => readonly T[]): Promise<readonly T[]> {
  const found: T[] = [];
  await lab.until(`${count} frames are seen`, () => {
    found.push(...look());
    return found.length >= count;
  });
  return found;
}

/** Packet sockets of this network namespace, as the kernel counts them. */
function packetSockets(): number {
  return readFileSync("/proc/thread-self/net/packet", "latin1").trim().split("\n").length - 1;
}

const TO_BOTH: readonly Datagram[] = [{ to: "203.0.113.2" }, { to: "10.0.0.2" }];

describe("while the peer is asked for", () => {
  test("its frames to the pair's port are seen on each path, once, by the MAC that it was asked at", async () => {
    using lab = new NetworkUnderTest(CONFIG);
    lab.open();
    const macs = { public: lab.macOnOthers("pub0"), private: lab.macOnOthers("pri0") };
    const ask = (mac: (side: PathName) => MacAddress) =>
      lab.network.askOwners(
        [],
        (["public", "private"] as const).map((side) => ({ side, mac: mac(side) })),
        new Map(),
      );
    ask((side) => macs[side]);
    expect(seen(lab)).toEqual([]);
    await send(lab, TO_BOTH);
    expect((await seenInTime(lab, 2, () => seen(lab))).toSorted()).toEqual(["private", "public"]);
    expect(seen(lab)).toEqual([]);
    await send(lab, [{ to: "10.0.0.2" }]);
    const drained = () => lab.network.drain().filter((input) => input.kind === "peer-frame");
    const [last] = await seenInTime(lab, 1, drained);
    expect(last).toEqual({ kind: "peer-frame", path: "private", atMs: expect.any(Number) });
    // Other ports, and the same frames from another machine.
    await send(lab, [{ to: "203.0.113.2", port: PORT + 1 }]);
    ask(() => STRANGER);
    await send(lab, TO_BOTH);
    expect(seen(lab)).toEqual([]);
  });

  test("where its MAC is not known its address counts", async () => {
    using lab = new NetworkUnderTest(CONFIG);
    lab.other("address add 203.0.113.77/24 dev pub0");
    lab.open();
    lab.network.askOwners([], [], new Map());
    await send(lab, [{ to: "203.0.113.2", from: "203.0.113.77" }]);
    expect(seen(lab)).toEqual([]);
    await send(lab, [{ to: "203.0.113.2", from: "203.0.113.3" }]);
    expect(await seenInTime(lab, 1, () => seen(lab))).toEqual(["public"]);
    // The MAC that its heartbeats told of.
    lab.network.askOwners([], [], new Map([["pub0", STRANGER]]));
    await send(lab, [{ to: "203.0.113.2", from: "203.0.113.3" }]);
    expect(seen(lab)).toEqual([]);
  });

  test("what their heads say is told, each once", async () => {
    using lab = new NetworkUnderTest(CONFIG);
    lab.open();
    lab.network.askOwners([], [], new Map([["pub0", lab.macOnOthers("pub0")]]));
    const counters = [7, 7, 8];
    const beats = counters.map((counter) => ({
      to: "203.0.113.2",
      bytes: sealHeartbeat({ ...HEARTBEAT, counter }, KEY),
    }));
    await send(lab, beats);
    const { router, path, bootId } = HEARTBEAT;
    const sources = () =>
      lab.network.evidence().flatMap((input) => (input.kind === "peer-frame" ? [input.source] : []));
    expect(await seenInTime(lab, 2, sources)).toEqual([7, 8].map((counter) => ({ router, path, bootId, counter })));
  });

  test("IPv6 too", async () => {
    const text = (address: string) => address.replace("203.0.113.", "2001:db8::").replace("/24", "/64");
    const config = {
      ...CONFIG,
      pair: {
        ...CONFIG.pair,
        primary: { ...CONFIG.pair.primary, public: { family: "inet6", text: text("203.0.113.2") } },
        backup: { ...CONFIG.pair.backup, public: { family: "inet6", text: text("203.0.113.3") } },
      },
    } as const;
    using lab = new NetworkUnderTest(config);
    lab.ip("address add 2001:db8::2/64 dev pub0 nodad");
    lab.other("address add 2001:db8::3/64 dev pub0 nodad");
    lab.open();
    lab.network.askOwners([], [], new Map([["pub0", lab.macOnOthers("pub0")]]));
    const found: PathName[] = [];
    await lab.until("the addresses are ready, and a frame is seen", () => {
      send(lab, [{ to: "2001:db8::2", from: "2001:db8::3" }]).catch(() => {});
      found.push(...seen(lab));
      return found.length > 0;
    });
    expect(found).toContain("public");
  });
});

test("nothing is looked for before the peer is asked for, nor when it is asked in good times", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  lab.open();
  const before = packetSockets();
  await send(lab, TO_BOTH);
  lab.network.askOwners([], [{ side: "public" }]);
  await send(lab, TO_BOTH);
  expect([seen(lab), packetSockets() - before]).toEqual([[], 0]);
  lab.network.askOwners([], [], new Map());
  expect(packetSockets() - before).toBe(2);
  expect(seen(lab)).toEqual([]);
});

test("an interface that goes while its frames are looked for is no trouble, and is looked at again when it is back", async () => {
  using lab = new NetworkUnderTest(CONFIG);
  lab.open();
  lab.network.askOwners([], [], new Map());
  lab.ip("link delete pub0");
  await lab.until("it is gone", () => lab.interfaceNow("pub0").startsWith("absent"));
  lab.network.askOwners([], [], new Map());
  expect(seen(lab)).toEqual([]);
  lab.lay("pub0");
  await lab.until("it is back", () => lab.interfaceNow("pub0").startsWith("up=true carrier=true"));
  lab.network.askOwners([], [], new Map());
  await send(lab, [{ to: "203.0.113.2", from: "203.0.113.3" }]);
  expect(await seenInTime(lab, 1, () => seen(lab))).toEqual(["public"]);
  expect(lab.problems).toEqual([]);
});
