import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../../support/tls-certificate.ts";

/** A certificate in files, and itself as the authority that it is signed by. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

function inFiles(name: string, made: { readonly cert: string; readonly key: string }): CertificateFiles {
  const folder = mkdtempSync("/run/tandem-certificate-");
  const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  writeFileSync(certificate, made.cert);
  writeFileSync(key, made.key, { mode: 0o600 });
  return { certificate, key };
}

/** For `web.test` and 127.0.0.1, unless another name is given; each is its own authority. */
export function certificateFiles(
  state: "valid" | "expired",
  wish: { readonly name?: string; readonly key?: "ec" | "rsa" } = {},
): CertificateFiles {
  return inFiles(state, makeCertificate(state, wish));
}
