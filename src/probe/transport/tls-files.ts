import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { systemReason } from "../../lib/system-reason.ts";
import type { TlsMethod } from "../../model/health-check.ts";
import { readRegularBytes } from "../../sys/process/regular-file.ts";
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

/** @throws Error that names the file. A pipe or a device is none: reading it might not end, and all checks would wait. */
function readPem(path: string): string {
  try {
    const bytes = readRegularBytes(path, FILE_BYTES_MAX);
    if (bytes !== undefined) return new TextDecoder().decode(bytes);
  } catch (error) {
    throw new Error(`${path}: ${systemReason(error)}`);
  }
  throw new Error(`${path}: it does not exist (ENOENT)`);
}

/** The settings with the check's files read; a problem says which one can't be. */
export function tlsSettings({ serverName, verify, tls, authorities }: TlsWish): Parsed<TlsSettings> {
  try {
    const read = (path: string | undefined) => (path === undefined ? undefined : readPem(path));
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
