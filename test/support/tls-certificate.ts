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

const KEYS = { ec: ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], rsa: ["rsa:2048"] };

interface CertificateWish {
  readonly name?: string;
  readonly key?: keyof typeof KEYS;
}

/** A self-signed certificate for `name` and 127.0.0.1, made by openssl. */
export function makeCertificate(
  state: keyof typeof VALID_DAYS,
  { name = "web.test", key = "ec" }: CertificateWish = {},
): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), "tandem-certificate-"));
  const path = (file: string) => join(folder, file);
  try {
    openssl([
      ...["req", "-newkey", ...KEYS[key], "-nodes", "-subj", `/CN=${name}`],
      ...["-addext", `subjectAltName=DNS:${name},IP:127.0.0.1`, "-keyout", path("key"), "-out", path("request")],
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
