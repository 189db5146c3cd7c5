import { TandemError } from "../lib/errors.ts";
import { formatServiceKey, type ServiceKey } from "../model/virtual-service.ts";

/** The kernel has no service of that key. */
export function noSuchService(key: ServiceKey): TandemError {
  return new TandemError({
    operation: "find virtual service",
    subject: formatServiceKey(key),
    reason: "the kernel has no such service",
    hint: "tandem service list shows those that it has",
  });
}
