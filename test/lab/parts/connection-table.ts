/** A router's table of connections in the lab: what is in it, and how to empty or to fill it. */

import { LinkClient } from "../../../src/kernel/addresses/link-client.ts";
import { readConnections } from "../../../src/kernel/ipvs/connection-table.ts";
import { SyncSender } from "../../../src/kernel/ipvs/sync-sender.ts";
import { address, addressBytes } from "../../../src/model/address.ts";
import { SyncMessageWriter } from "../../../src/wire/sync/sync-message.ts";
import type { ConnectionRow } from "../../../src/wire/sync/sync-row.ts";
import type { RouterName, Topology } from "../topology.ts";

/** The defaults of `[sync]`. */
const GROUP = address("224.0.0.81");
const PORT = 8848;
const SYNC_ID = 1;
/** No more at a stretch than a receiving kernel has room for. */
const STRETCH_MESSAGES = 16;
const STRETCH_MS = 10;
const TCP = 6;
const TCP_ESTABLISHED = 1;

export function connectionsOf(topology: Topology, router: RouterName): ConnectionRow[] {
  const rows: ConnectionRow[] = [];
  topology.on(router, () =>
    readConnections((row) => {
      rows.push(row);
      return true;
    }),
  );
  return rows;
}

/** A connection without what changes by itself: `6 203.0.113.100:40000 203.0.113.10:80 10.0.0.11:80`. */
export function connectionName({ protocol, client, virtual, server }: ConnectionRow): string {
  return [protocol, ...[client, virtual, server].map((end) => `${end.address.join(".")}:${end.port}`)].join(" ");
}

/**
 * What a reboot does to IPVS: no sync daemons, no services, no connections. The daemon of that router must have ended.
 * With `expire_nodest_conn` the kernel drops the connections of a server that is removed (ip_vs_ctl.c).
 */
export function forgetConnections(topology: Topology, router: RouterName): void {
  for (const state of ["master", "backup"]) {
    topology.run(router, ["sh", "-c", `ipvsadm --stop-daemon ${state} 2>/dev/null || true`]);
  }
  topology.run(router, ["sysctl", "-qw", "net.ipv4.vs.expire_nodest_conn=1"]);
  topology.run(router, ["ipvsadm", "-C"]);
}

export interface FillOptions {
  /** Whose namespace the messages come from; every other router with a backup daemon takes them. */
  readonly from: string;
  readonly interface: string;
  readonly virtual: { readonly address: string; readonly port: number };
  readonly server: { readonly address: string; readonly port: number };
  readonly count: number;
}

/** Makes established connections in the kernels of the other routers, as if a third router told them. */
export async function fillConnections(topology: Topology, options: FillOptions): Promise<void> {
  using sender = topology.on(options.from, () => {
    using links = LinkClient.open();
    const interfaceIndex = links.get(options.interface)?.index ?? 0;
    return SyncSender.open({ interfaceIndex, group: GROUP, port: PORT, ttl: 1 });
  });
  const writer = new SyncMessageWriter(SYNC_ID);
  const end = (one: FillOptions["virtual"]) => ({ address: addressBytes(address(one.address)), port: one.port });
  const [virtual, server] = [end(options.virtual), end(options.server)];
  let messages = 0;
  const flush = async () => {
    const message = writer.take();
    if (message === undefined) return;
    sender.send(message);
    messages += 1;
    if (messages % STRETCH_MESSAGES === 0) await Bun.sleep(STRETCH_MS);
  };
  for (let index = 0; index < options.count; index += 1) {
    const client = { address: Uint8Array.of(198, 18, (index >> 8) & 0xff, index & 0xff), port: 1024 + (index >> 16) };
    const rest = { protocol: TCP, flags: 0, state: TCP_ESTABLISHED, mark: 0, timeoutSeconds: 0 };
    if (!writer.add({ client, virtual, server, ...rest })) {
      await flush();
      writer.add({ client, virtual, server, ...rest });
    }
  }
  await flush();
}
