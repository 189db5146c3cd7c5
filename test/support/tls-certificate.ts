import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
}

/** The days from now on which a certificate begins and ends to be valid. */
const VALIDITY = { valid: [0, 2], expired: [-2, -1] } as const;
const DAY_MS = 86_400_000;

function openssl(words: readonly string[]): void {
  const made = Bun.spawnSync(["openssl", ...words]);
  if (!made.success) throw new Error(made.stderr.toString());
}

/**
 * The command ca takes both dates as they are, whatever the version: x509 takes days from now only, and since 3.4 none
 * that lie in the past.
 */
const AUTHORITY = `[ca]
default_ca = test
[test]
database = FOLDER/issued
new_certs_dir = FOLDER
rand_serial = yes
default_md = sha256
copy_extensions = copy
policy = any
[any]
commonName = supplied
`;

/** As ASN.1 has it: 20260131235959Z. */
function day(days: number): string {
  return `${new Date(Date.now() + days * DAY_MS).toISOString().replaceAll(/\D/g, "").slice(0, 14)}Z`;
}

const KEYS = { ec: ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], rsa: ["rsa:2048"] };

interface CertificateWish {
  readonly name?: string;
  readonly key?: keyof typeof KEYS;
  /** As openssl has it: `DNS:web.test`; "" is a certificate without one. */
  readonly altNames?: string;
}

/** A self-signed certificate for `name` and 127.0.0.1, made by openssl. */
export function makeCertificate(
  state: keyof typeof VALIDITY,
  { name = "web.test", key = "ec", altNames = `DNS:${name},IP:127.0.0.1` }: CertificateWish = {},
): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), "tandem-certificate-"));
  const path = (file: string) => join(folder, file);
  try {
    openssl([
      ...["req", "-newkey", ...KEYS[key], "-nodes", "-subj", `/CN=${name}`],
      ...(altNames === "" ? [] : ["-addext", `subjectAltName=${altNames}`]),
      ...["-keyout", path("key"), "-out", path("request")],
    ]);
    const [begin, end] = VALIDITY[state];
    writeFileSync(path("settings"), AUTHORITY.replaceAll("FOLDER", folder));
    writeFileSync(path("issued"), "");
    openssl([
      ...["ca", "-config", path("settings"), "-batch", "-notext", "-selfsign", "-keyfile", path("key")],
      ...["-startdate", day(begin), "-enddate", day(end), "-in", path("request"), "-out", path("certificate")],
    ]);
    return { key: readFileSync(path("key"), "utf8"), cert: readFileSync(path("certificate"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
