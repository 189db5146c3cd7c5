import { readFileSync } from "node:fs";
import { type Parsed, parsed, problem } from "../lib/parsed.ts";
import type { TlsMethod } from "../model/check.ts";
import { systemAuthorities } from "./authorities.ts";
import { expiryWarning } from "./certificate.ts";
import type { TlsSettings } from "./connection.ts";

/** A certificate with its chain is some kB, a bundle of authorities some 250 kB. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

interface TlsWish {
  readonly serverName: string;
  readonly verify: boolean;
  readonly tls: TlsMethod | undefined;
  /** Certificates of authorities, PEM, that count when the check names no file. */
  readonly authorities: string | undefined;
}

/** The settings with the check's files read; a problem says which one can't be. */
export function tlsSettings({ serverName, verify, tls, authorities }: TlsWish): Parsed<TlsSettings> {
  try {
    const read = (path: string | undefined): string | undefined => {
      if (path === undefined) return undefined;
      const text = readFileSync(path, "utf8");
      if (text.length > FILE_BYTES_MAX) throw new RangeError(`${path} is too long`);
      return text;
    };
    const known = read(tls?.authoritiesFile) ?? authorities ?? systemAuthorities();
    const [certificate, key] = [read(tls?.certificateFile), read(tls?.keyFile)];
    return parsed({
      serverName: tls?.serverName ?? serverName,
      verify,
      ...(known === undefined ? {} : { authorities: known }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
      ...(tls?.warnDays === undefined
        ? {}
        : { warningOf: (validTo: string) => expiryWarning(validTo, new Date(), tls) }),
    });
  } catch (error) {
    return problem(`cannot prepare TLS: ${error instanceof Error ? error.message : String(error)}`);
  }
}
