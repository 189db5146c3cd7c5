/** How each of Debian's servers is run: in the foreground, on ports of loopback, with a certificate of ours. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CheckMethod } from "../../../src/model/health-check.ts";
import { runCheck } from "../../../src/probe/run-check.ts";
import { run } from "../../support/lab.ts";
import type { CertificateFiles } from "./certificates.ts";
import { onPort, type ServerPlan } from "./server-process.ts";

const READY_MS = 1_000;
/** nobody's, on Debian. */
const NOBODY = 65_534;

async function answers(port: number, method: CheckMethod = { kind: "tcp" }): Promise<boolean> {
  return (await runCheck(method, onPort(port), READY_MS)).result === "success";
}

export const NGINX = { plain: 8080, secure: 8443, expired: 8444, otherName: 8445, wantsCertificate: 8446 };

/** Who is let in at /guest. */
export const GUEST = "127.0.0.9";

export function nginx(valid: CertificateFiles, expired: CertificateFiles, other: CertificateFiles): ServerPlan {
  const secure = (port: number, { certificate, key }: CertificateFiles, more = "") =>
    `server { listen 127.0.0.1:${port} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key}; ${more}
       location / { return 200 "ready\\n"; } }`;
  return {
    name: "nginx",
    command: (files) => {
      const settings = files.write(
        "nginx.conf",
        `daemon off; master_process off; pid ${files.path("pid")}; error_log stderr; user nobody nogroup;
         events {}
         http { access_log off; client_body_temp_path ${files.folder}; proxy_temp_path ${files.folder};
           fastcgi_temp_path ${files.folder}; uwsgi_temp_path ${files.folder}; scgi_temp_path ${files.folder};
           server { listen 127.0.0.1:${NGINX.plain};
             location / { return 200 "ready\\n"; }
             location /guest { if ($remote_addr != ${GUEST}) { return 403; } return 200 "ready\\n"; }
             location /missing { return 404; }
             location /moved { return 301 https://web.test/; } }
           ${secure(NGINX.secure, valid)}
           ${secure(NGINX.expired, expired)}
           ${secure(NGINX.otherName, other)}
           ${secure(NGINX.wantsCertificate, valid, `ssl_verify_client on; ssl_client_certificate ${valid.certificate};`)} }`,
      );
      return ["nginx", "-e", "stderr", "-p", files.folder, "-c", settings];
    },
    isReady: () => answers(NGINX.wantsCertificate),
  };
}

export const DNSMASQ_PORT = 5353;
/** More texts than an answer by UDP has room for. */
export const MANY_TEXTS = 40;

export function dnsmasq(): ServerPlan {
  const texts = Array.from(
    { length: MANY_TEXTS },
    (_none, index) => `--txt-record=many.test,${`${index}`.padEnd(60, "x")}`,
  );
  return {
    name: "dnsmasq",
    command: (files) => [
      ...["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"],
      ...[
        `--port=${DNSMASQ_PORT}`,
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        `--pid-file=${files.path("pid")}`,
      ],
      ...["--address=/web.test/192.0.2.10", "--address=/web.test/2001:db8::10", "--mx-host=web.test,mail.web.test,10"],
      ...["--host-record=target.test,192.0.2.20", "--cname=alias.test,target.test"],
      ...texts,
    ],
    isReady: () => answers(DNSMASQ_PORT),
  };
}

export const MAIL = { smtp: 2525, smtps: 2465, imap: 2143, imaps: 2993, pop3: 2110, pop3s: 2995 };

/** What Postfix's own installation makes below its queue's folder. */
const POSTFIX_FOLDERS = ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop"];
const POSTFIX_SOCKETS = ["pid", "private", "public", "saved", "trace"];

export function postfix({ certificate, key }: CertificateFiles): ServerPlan {
  return {
    name: "postfix",
    command: (files) => {
      const queue = files.makeFolder("queue");
      for (const name of [...POSTFIX_FOLDERS, ...POSTFIX_SOCKETS])
        run("install", "-d", "-o", "postfix", join(queue, name));
      run("chown", "root", join(queue, "pid"));
      run("install", "-d", "-o", "postfix", files.path("data"));
      files.write(
        "main.cf",
        `compatibility_level = 3.6
myhostname = web.test
queue_directory = ${queue}
data_directory = ${files.path("data")}
maillog_file_prefixes = ${files.folder}
maillog_file = ${files.path("maillog")}
inet_interfaces = 127.0.0.1
local_recipient_maps =
alias_maps =
smtpd_tls_cert_file = ${certificate}
smtpd_tls_key_file = ${key}
smtpd_tls_security_level = may
`,
        0o644,
      );
      files.write(
        "master.cf",
        `${MAIL.smtp} inet n - n - - smtpd
${MAIL.smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
rewrite unix - - n - - trivial-rewrite
cleanup unix n - n - 0 cleanup
postlog unix-dgram n - n - 1 postlogd
`,
        0o644,
      );
      return ["/usr/lib/postfix/sbin/master", "-d", "-c", files.folder];
    },
    isReady: () => answers(MAIL.smtp, { kind: "smtp" }),
  };
}

/** Settings that have other names in dovecot 2.4 than before. */
function dovecotSettings({ certificate, key }: CertificateFiles, mail: string, home: string): string {
  if (run("dovecot", "--version").startsWith("2.3.")) {
    return `ssl_cert = <${certificate}
ssl_key = <${key}
mail_location = maildir:${mail}
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=${NOBODY} gid=${NOBODY} home=${home}
}`;
  }
  // The version that the settings are written for has to come first.
  return `dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
ssl_server_cert_file = ${certificate}
ssl_server_key_file = ${key}
mail_driver = maildir
mail_path = ${mail}
passdb static {
  password = secret
}
userdb static {
  fields {
    uid = ${NOBODY}
    gid = ${NOBODY}
    home = ${home}
  }
}`;
}

export function dovecot(certificate: CertificateFiles): ServerPlan {
  const listeners = (name: string, port: number, securePort: number) =>
    `service ${name}-login {
  chroot =
  inet_listener ${name} { \n port = ${port} \n }
  inet_listener ${name}s { \n port = ${securePort} \n ssl = yes \n }
}`;
  return {
    name: "dovecot",
    command: (files) => {
      const settings = files.write(
        "dovecot.conf",
        `${dovecotSettings(certificate, files.path("mail"), files.folder)}
protocols = imap pop3
listen = 127.0.0.1
base_dir = ${files.path("run")}
log_path = /dev/stderr
ssl = yes
${listeners("imap", MAIL.imap, MAIL.imaps)}
${listeners("pop3", MAIL.pop3, MAIL.pop3s)}
`,
      );
      return ["dovecot", "-F", "-c", settings];
    },
    isReady: async () => (await answers(MAIL.pop3, { kind: "pop3" })) && (await answers(MAIL.imap, { kind: "imap" })),
  };
}

export const DATABASES = { postgresql: 5432, mysql: 3306, redis: 6379, rediss: 6380 };

function postgresqlFolder(): string {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql") : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) throw new Error("there is no PostgreSQL");
  return join("/usr/lib/postgresql", newest, "bin");
}

export function postgresql({ certificate, key }: CertificateFiles): ServerPlan {
  // It refuses to run as root.
  const asNobody = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  return {
    name: "postgresql",
    command: (files) => {
      const programs = postgresqlFolder();
      const data = files.makeFolder("data", NOBODY);
      run(
        ...asNobody,
        join(programs, "initdb"),
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
        `--pwfile=${files.write("password", "secret\n", 0o644)}`,
      );
      for (const [name, from] of [
        ["server.crt", certificate],
        ["server.key", key],
      ] as const) {
        run("install", "-o", "nobody", "-m", "600", from, join(data, name));
      }
      const settings = [
        "ssl=on",
        "listen_addresses=127.0.0.1",
        `unix_socket_directories=${data}`,
        "fsync=off",
        "jit=off",
      ];
      return [...asNobody, join(programs, "postgres"), "-D", data, ...settings.flatMap((setting) => ["-c", setting])];
    },
    isReady: () => answers(DATABASES.postgresql, { kind: "postgresql" }),
  };
}

/** Newer versions have given first the files, then their folder the newer name. */
function systemTables(name: string): string {
  const products = ["mariadb", "mysql"];
  const paths = products.flatMap((folder) => products.map((file) => `/usr/share/${folder}/${file}_${name}.sql`));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`MariaDB has no ${name}`);
  return found;
}

/** What mariadb-install-db does, which wants a program of another package. */
function bootstrapMariadb(data: string): void {
  const tables = ["system_tables", "system_tables_data"].map((name) => readFileSync(systemTables(name), "utf8"));
  const statements = ["create database mysql;", "use mysql;", "set @auth_root_socket=NULL;", ...tables].join("\n");
  const command = ["mariadbd", "--no-defaults", "--bootstrap", `--datadir=${data}`, "--user=root"];
  const made = Bun.spawnSync(command, { stdin: Buffer.from(statements), stdout: "ignore", stderr: "pipe" });
  if (!made.success) throw new Error(made.stderr.toString());
}

export function mariadb({ certificate, key }: CertificateFiles): ServerPlan {
  return {
    name: "mariadb",
    command: (files) => {
      const data = files.makeFolder("data");
      bootstrapMariadb(data);
      return [
        ...[
          "mariadbd",
          "--no-defaults",
          `--datadir=${data}`,
          "--user=root",
          "--bind-address=127.0.0.1",
          "--skip-name-resolve",
        ],
        ...[`--port=${DATABASES.mysql}`, `--socket=${files.path("socket")}`, `--pid-file=${files.path("pid")}`],
        ...[`--ssl-cert=${certificate}`, `--ssl-key=${key}`],
      ];
    },
    isReady: () => answers(DATABASES.mysql, { kind: "mysql" }),
  };
}

export function redis({ certificate, key }: CertificateFiles): ServerPlan {
  return {
    name: "redis",
    command: (files) => [
      ...["redis-server", "--bind", "127.0.0.1", "--port", `${DATABASES.redis}`, "--save", "", "--dir", files.folder],
      ...["--tls-port", `${DATABASES.rediss}`, "--tls-cert-file", certificate, "--tls-key-file", key],
      ...["--tls-auth-clients", "no", "--tls-ca-cert-file", certificate, "--requirepass", "secret"],
    ],
    isReady: () => answers(DATABASES.rediss),
  };
}

export const DIRECTORY = { ldap: 3389, ldaps: 3636, radius: 1812 };
export const RADIUS_SECRET = "testing123";

export function slapd({ certificate, key }: CertificateFiles): ServerPlan {
  return {
    name: "slapd",
    command: (files) => {
      const settings = files.write("slapd.conf", `TLSCertificateFile ${certificate}\nTLSCertificateKeyFile ${key}\n`);
      const urls = `ldap://127.0.0.1:${DIRECTORY.ldap}/ ldaps://127.0.0.1:${DIRECTORY.ldaps}/`;
      return ["slapd", "-d", "0", "-f", settings, "-h", urls];
    },
    isReady: () => answers(DIRECTORY.ldaps),
  };
}

export function freeradius(secretPath: string): ServerPlan {
  return {
    name: "freeradius",
    command: (files) => {
      files.write(
        "radiusd.conf",
        `prefix = /usr
logdir = ${files.folder}
run_dir = ${files.folder}
libdir = /usr/lib/freeradius
max_request_time = 5
security { status_server = yes }
client probe { ipaddr = 127.0.0.1 \n secret = ${RADIUS_SECRET} \n require_message_authenticator = yes }
modules {
  always reject {
    rcode = reject
  }
}
server default {
  listen { type = auth \n ipaddr = 127.0.0.1 \n port = ${DIRECTORY.radius} }
  authorize {
    reject
  }
}
`,
      );
      return ["freeradius", "-f", "-l", "stdout", "-d", files.folder, "-n", "radiusd"];
    },
    isReady: () => answers(DIRECTORY.radius, { kind: "radius", secretFile: secretPath }),
  };
}

export const SSH_PORT = 2222;

export function sshd(): ServerPlan {
  return {
    name: "sshd",
    command: (files) => {
      run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", files.path("host-key"));
      run("mkdir", "-p", "/run/sshd");
      const options = [
        `Port=${SSH_PORT}`,
        "ListenAddress=127.0.0.1",
        `HostKey=${files.path("host-key")}`,
        "UsePAM=no",
        "PidFile=none",
      ];
      return ["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", ...options.flatMap((option) => ["-o", option])];
    },
    isReady: () => answers(SSH_PORT),
  };
}
