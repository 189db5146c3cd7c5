import { isIP } from "node:net";
import type { TlsMethod } from "../../model/health-check.ts";
import { quoteBytes } from "./probe-text.ts";

const DAY_MS = 86_400_000;
/** A site's certificate has a handful of names; the longest is 253 letters long (RFC 1035). */
const NAMES_LENGTH_MAX = 300;

/** The names of a certificate as the engine gives them. */
export interface CertificateNames {
  /** `DNS:web.test, IP Address:192.0.2.1`: what is foreign in it is quoted, so that no name looks like two. */
  readonly subjectAltName: string | undefined;
  readonly commonName: string | undefined;
}

/** A foreign text within a reason, without quotes. */
function shown(text: string): string {
  return quoteBytes(new TextEncoder().encode(text), NAMES_LENGTH_MAX).slice(1, -1);
}

/**
 * Why a certificate is not for `name`, as a clause; undefined where it may be. RFC 9525 section 6.3 (and RFC 6125): only
 * names of the subjectAltName count. The engine compares those, but takes the common name where it finds none.
 * @param isOther whether the engine found that it is for another name
 */
export function nameProblem(
  { subjectAltName, commonName }: CertificateNames,
  name: string,
  isOther: boolean,
): string | undefined {
  const entries = (subjectAltName ?? "").split(", ").filter((entry) => entry !== "");
  const kind = isIP(name) === 0 ? "DNS:" : "IP Address:";
  if (!isOther && entries.some((entry) => entry.startsWith(kind))) return undefined;
  const names = entries.map((entry) => entry.replace(/^(?:DNS|IP Address):/, ""));
  if (names.length > 0) return `its names are ${shown(names.join(", "))}, and ${name} is none of them`;
  const common = commonName === undefined ? "" : `; its common name ${shown(commonName)} does not count as one`;
  return `it has no names (subjectAltName), so it is not for ${name}${common}`;
}

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
