import { unreachable } from "../../lib/assert.ts";
import type { IpvsChange } from "../../model/ipvs-table.ts";
import type { ServiceKey } from "../../model/virtual-service.ts";
import type { Writer } from "../../wire/bytes/bytes.ts";
import {
  type CommandAttributes,
  commandAttributes,
  IPVS_CMD,
  type ServiceAttributes,
} from "../../wire/ipvs/ipvs-numbers.ts";
import { endpointAttributes, realServerAttributes } from "../../wire/ipvs/ipvs-server.ts";
import { serviceKeyAttributes, virtualServiceAttributes } from "../../wire/ipvs/ipvs-service.ts";

const COMMANDS = {
  "add-service": IPVS_CMD.newService,
  "edit-service": IPVS_CMD.setService,
  "delete-service": IPVS_CMD.deleteService,
  "add-server": IPVS_CMD.newDestination,
  "edit-server": IPVS_CMD.setDestination,
  "delete-server": IPVS_CMD.deleteDestination,
  zero: IPVS_CMD.zero,
} satisfies Readonly<Record<IpvsChange["kind"], number>>;

/** The number of the command (IPVS_CMD_*) that makes a change. */
export function changeCommand(change: IpvsChange): number {
  return COMMANDS[change.kind];
}

/** Writes the attributes of changes. It remembers the last service's key: the servers of one service come in a row. */
export class IpvsChangeEncoder {
  #key: ServiceKey | undefined;
  #keyAttributes: ServiceAttributes = {};

  encode(writer: Writer, change: IpvsChange): void {
    commandAttributes.encode(writer, this.#attributes(change));
  }

  #attributes(change: IpvsChange): CommandAttributes {
    switch (change.kind) {
      case "add-service":
      case "edit-service":
        return { service: virtualServiceAttributes(change.service) };
      case "delete-service":
        return { service: this.#forKey(change.key) };
      case "add-server":
      case "edit-server":
        return { service: this.#forKey(change.key), destination: realServerAttributes(change.server) };
      case "delete-server":
        return { service: this.#forKey(change.key), destination: endpointAttributes(change.endpoint) };
      case "zero":
        return change.key === undefined ? {} : { service: this.#forKey(change.key) };
      default:
        return unreachable(change);
    }
  }

  #forKey(key: ServiceKey): ServiceAttributes {
    if (key !== this.#key) {
      this.#key = key;
      this.#keyAttributes = serviceKeyAttributes(key);
    }
    return this.#keyAttributes;
  }
}
