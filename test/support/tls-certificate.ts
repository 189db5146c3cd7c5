import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
}

/** The days for which a certificate is valid from now. */
const VALID_DAYS = { valid: 2, expired: -1 };

function openssl(words: readonly string[]): void {
  const made = Bun.spawnSync(["openssl", ...words]);
  if (!made.success) throw new Error(made.stderr.toString());
}

/** A self-signed certificate for `web.test` and 127.0.0.1, made by openssl. */
export function makeCertificate(state: keyof typeof VALID_DAYS): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), "tandem-certificate-"));
  const path = (name: string) => join(folder, name);
  try {
    openssl([
      ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=web.test"],
      ...["-addext", "subjectAltName=DNS:web.test,IP:127.0.0.1", "-keyout", path("key"), "-out", path("request")],
    ]);
    openssl([
      ...["x509", "-req", "-in", path("request"), "-signkey", path("key"), "-copy_extensions", "copy"],
      ...["-days", `${VALID_DAYS[state]}`, "-out", path("certificate")],
    ]);
    return { key: readFileSync(path("key"), "utf8"), cert: readFileSync(path("certificate"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
