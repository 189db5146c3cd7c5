/** Errors about virtual services that several commands have. */
import type { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { TandemError } from "../../lib/errors.ts";
import type { ObservedService } from "../../model/ipvs-table.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";

/** The kernel has no service of that key. */
export function noSuchService(key: ServiceKey): TandemError {
  return new TandemError({
    operation: "find virtual service",
    subject: formatServiceKey(key),
    reason: "the kernel has no such service",
    hint: "tandem service list shows those that it has",
  });
}

/** The service with its servers. @throws TandemError when the kernel doesn't have it. */
export function mustFindService(client: IpvsClient, key: ServiceKey): ObservedService {
  const observed = client.service(key);
  if (observed === undefined) throw noSuchService(key);
  return observed;
}
