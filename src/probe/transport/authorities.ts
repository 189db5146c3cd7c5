import { readFileSync } from "node:fs";

/** Where Debian and most other distributions keep the certificates of the authorities that the machine trusts. */
const SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
/** A bundle is some 250 kB; what is far larger is no bundle. */
const BUNDLE_BYTES_MAX = 16 * 1024 * 1024;

let bundle: { readonly pem: string | undefined } | undefined;

function readBundle(): string | undefined {
  try {
    const text = readFileSync(SYSTEM_BUNDLE, "utf8");
    return text.length > BUNDLE_BYTES_MAX ? undefined : text;
  } catch {
    // No such file: the authorities that the runtime brings along are used.
    return undefined;
  }
}

/** The machine's own authorities, PEM; undefined where there are none: then the runtime's own ones count. Read once. */
export function systemAuthorities(): string | undefined {
  bundle ??= { pem: readBundle() };
  return bundle.pem;
}
