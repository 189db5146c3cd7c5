import type { IpvsChange } from "../model/ipvs-table.ts";
import type { TableRows } from "../model/server-rows.ts";
import type { VirtualService } from "../model/virtual-service.ts";
import type { Writer } from "../wire/bytes.ts";
import { writeGenericHeader } from "../wire/genetlink.ts";
import { commandAttributes, IPVS_CMD, IPVS_GENL_VERSION } from "../wire/ipvs.ts";
import { ServiceName, writeDestination } from "../wire/ipvs-request.ts";
import { virtualServiceAttributes } from "../wire/ipvs-service.ts";
import { beginMessage, endMessage, NLM_F_REQUEST } from "../wire/netlink.ts";

/** The changes that add a whole table: each service, then its servers. */
export function additions({ services, servers, ends }: TableRows<VirtualService>): IpvsChange[] {
  const changes: IpvsChange[] = [];
  let row = 0;
  for (const [index, service] of services.entries()) {
    changes.push({ kind: "add-service", service });
    for (const end = ends[index] ?? 0; row < end; row += 1) {
      changes.push({ kind: "add-server", key: service.key, server: servers.observed(row).server });
    }
  }
  return changes;
}

/** How many changes `additions` gives. */
export function countAdditions({ services, servers }: TableRows<VirtualService>): number {
  return services.length + servers.count;
}

/** Writes the messages of `additions`, one after another, without making the changes first. */
export class TableLoader {
  readonly #familyId: number;
  readonly #table: TableRows<VirtualService>;
  readonly #name = new ServiceName();
  #service = -1;
  #row = 0;

  constructor(familyId: number, table: TableRows<VirtualService>) {
    this.#familyId = familyId;
    this.#table = table;
  }

  /** Writes the next message. */
  write(writer: Writer, sequence: number): void {
    const { ends } = this.#table;
    const start = beginMessage(writer, this.#familyId, NLM_F_REQUEST, sequence);
    if (this.#service < 0 || this.#row === (ends[this.#service] ?? 0)) this.#writeService(writer);
    else {
      writeGenericHeader(writer, IPVS_CMD.newDestination, IPVS_GENL_VERSION);
      this.#name.write(writer);
      writeDestination(writer, this.#table.servers, this.#row);
      this.#row += 1;
    }
    endMessage(writer, start);
  }

  #writeService(writer: Writer): void {
    this.#service += 1;
    const service = this.#table.services[this.#service];
    if (service === undefined) return;
    this.#name.set(service.key);
    writeGenericHeader(writer, IPVS_CMD.newService, IPVS_GENL_VERSION);
    commandAttributes.encode(writer, { service: virtualServiceAttributes(service) });
  }
}
