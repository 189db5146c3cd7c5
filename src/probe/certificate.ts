import type { TlsMethod } from "../model/check.ts";

const DAY_MS = 86_400_000;

/**
 * What to say of a certificate that ends at `validTo`: undefined while that is further away than wanted. The end is a
 * time of the wall clock, so it is compared with that; no verdict depends on it.
 */
export function expiryWarning(validTo: string, now: Date, tls: TlsMethod | undefined): string | undefined {
  const endMs = Date.parse(validTo);
  if (tls?.warnDays === undefined || Number.isNaN(endMs)) return undefined;
  const days = Math.floor((endMs - now.getTime()) / DAY_MS);
  if (days >= tls.warnDays) return undefined;
  const date = new Date(endMs).toISOString().slice(0, 10);
  if (days < 0) return `the certificate ended on ${date}`;
  return `the certificate ends on ${date}, in ${days === 1 ? "one day" : `${days} days`}`;
}
