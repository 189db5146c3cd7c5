/** Connections for tests of their synchronisation. */
import fc from "fast-check";
import type { SyncConnection, SyncEndpoint } from "../../src/wire/sync/sync-message.ts";
import type { ConnectionRow } from "../../src/wire/sync/sync-row.ts";

const u16 = fc.nat({ max: 0xffff });
const u32 = fc.nat({ max: 0xffff_ffff });

function bytes(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

function endpoint(addressBytes: number): fc.Arbitrary<SyncEndpoint> {
  return fc.record({ address: bytes(addressBytes), port: u16 });
}

const engine = fc.record({
  name: fc.stringMatching(/^[a-z]{1,16}$/),
  data: fc.uint8Array({ minLength: 1, maxLength: 255 }),
});

/** Anything that a message can carry. */
export const syncConnection: fc.Arbitrary<SyncConnection> = fc.constantFrom(4, 16).chain((addressBytes) =>
  fc.record(
    {
      protocol: fc.nat({ max: 255 }),
      client: endpoint(addressBytes),
      virtual: endpoint(addressBytes),
      server: endpoint(addressBytes),
      flags: u32,
      state: u16,
      mark: u32,
      timeoutSeconds: u32,
      sequences: bytes(24),
      engine,
    },
    {
      requiredKeys: ["protocol", "client", "virtual", "server", "flags", "state", "mark", "timeoutSeconds"],
    },
  ),
);

/** `203.0.113.10:80` for tests. */
export function end(text: string): SyncEndpoint {
  const [address = "", port = ""] = text.split(":");
  return { address: Uint8Array.from(address.split("."), Number), port: Number(port) };
}

/** An established connection to 203.0.113.10:80. */
export function row(more: Partial<ConnectionRow> = {}): ConnectionRow {
  return {
    protocol: 6,
    client: end("198.51.100.7:40000"),
    virtual: end("203.0.113.10:80"),
    server: end("10.0.0.11:80"),
    state: "ESTABLISHED",
    expiresSeconds: 890,
    ...more,
  };
}
