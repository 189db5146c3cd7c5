import type { Endpoint } from "../../model/address.ts";
import type { ServiceKey } from "../../model/virtual-service.ts";

/** A real server named without a port serves on the port of its service. */
export function withServicePort(key: ServiceKey, endpoint: Endpoint): Endpoint {
  return key.kind === "address" && endpoint.port === 0 ? { ...endpoint, port: key.port } : endpoint;
}
