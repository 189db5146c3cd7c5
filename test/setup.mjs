// Brings what a command needs onto a fresh Debian machine that has Node.js and npm: `node test/setup.mjs [npm] [lab] [servers]…`.
// Plain Node on purpose: it runs before there is a TypeScript. Says nothing and is fast when nothing is missing.
import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** What each word of the command line stands for: a program that proves a Debian package is there, and the package. */
const DEBIAN = {
  check: [["openssl", "openssl"]],
  lab: [
    ["modprobe", "kmod"],
    ["ip", "iproute2"],
    ["ipvsadm", "ipvsadm"],
    ["sysctl", "procps"],
  ],
  bench: [["keepalived", "keepalived"]],
  checks: [
    ["tcpdump", "tcpdump"],
    ["ldirectord", "ldirectord"],
  ],
  fresh: [
    ["mmdebstrap", "mmdebstrap"],
    ["git", "git"],
  ],
  matrix: [["nft", "nftables"]],
  namespaces: [["ip", "iproute2"]],
};

/** The kernel of the lab where this machine's own has no IPVS, or may not be used for lack of rights. */
const USER_MODE_KERNEL = ["linux.uml", "user-mode-linux"];
/** What Debian builds it for, as Node.js calls them. */
const USER_MODE_PROCESSORS = ["x64", "ia32"];
/** There as soon as ip_vs is in this kernel. */
const OWN_IPVS = "/proc/net/ip_vs";

/** The servers that checks are tried on. They are only unpacked, into a folder of their own: nothing of them is installed or started. */
const SERVERS = [
  "nginx",
  "dnsmasq-base",
  "postfix",
  "dovecot-imapd",
  "dovecot-pop3d",
  "postgresql",
  "mariadb-server-core",
  "redis-server",
  "openssh-server",
  "slapd",
  "freeradius",
];
const SERVERS_FOLDER = join(root, "node_modules/.cache/servers");
/** What comes with them and none of them needs to run as the tests run them; half of the bytes. */
const NOT_NEEDED =
  /^(?:perl|libperl|libllvm|postgresql(?:-common|-client.*)?$|libpq-dev|ssl-cert|adduser|locales|runit-)/;

/** A download that fails once may succeed the next time. */
const RETRIES = ["-o", "Acquire::Retries=3"];

/** Not everybody has the administrator's folders in PATH, and Debian puts most of these programs there. */
const USUAL_PLACES = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
const PLACES = [...(process.env.PATH ?? "").split(":"), ...USUAL_PLACES].filter((place) => place !== "");

function isInstalled(program) {
  return PLACES.some((place) => {
    try {
      accessSync(join(place, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

function stop(text) {
  say(text);
  process.exit(1);
}

function run(program, parameters, environment = {}) {
  const { status, error } = spawnSync(program, parameters, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, PATH: PLACES.join(":"), ...environment },
  });
  return error === undefined && status === 0;
}

/** npm writes node_modules/.package-lock.json last: it is newer than the lock file when all of that is installed. */
function setUpNpmPackages() {
  const installed = join(root, "node_modules/.package-lock.json");
  const wanted = join(root, "package-lock.json");
  if (existsSync(installed) && sameVersions(installed, wanted)) return;
  say("installing the npm packages (npm ci)");
  // Some want a newer Node.js than Debian has. It does not run them: Bun does.
  if (!run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"])) stop("npm ci failed; its messages are above");
}

/** Times say nothing after a checkout; the versions of the packages do. */
function sameVersions(installed, wanted) {
  if (statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return true;
  const has = JSON.parse(readFileSync(installed, "utf8")).packages ?? {};
  const wants = JSON.parse(readFileSync(wanted, "utf8")).packages ?? {};
  return Object.entries(wants).every(
    ([path, entry]) => path === "" || entry.optional === true || has[path]?.version === entry.version,
  );
}

function canHaveUserModeKernel() {
  const [program] = USER_MODE_KERNEL;
  return isInstalled(program) || (isInstalled("apt-get") && USER_MODE_PROCESSORS.includes(process.arch));
}

/** As test/lab/run-in-lab.ts decides: namespaces of this kernel where root finds IPVS in it, else a kernel of the lab's own. */
function usesOwnIpvs() {
  const asked = process.env.TANDEM_LAB;
  if (asked === "uml" || asked === "namespaces") return asked === "namespaces";
  if (process.getuid?.() !== 0) return false;
  // Loaded only where there is no other way: elsewhere nothing of the machine is changed.
  if (!existsSync(OWN_IPVS) && !canHaveUserModeKernel()) output("modprobe", ["ip_vs"], { stdio: "ignore" });
  // Root of a container may not make namespaces.
  const namespaces = ["--net", "--mount", "--pid", "--fork", "true"];
  return existsSync(OWN_IPVS) && output("unshare", namespaces, { stdio: "ignore" }) !== undefined;
}

/** Where the lab's kernel comes from: a package, or what is to be done since none brings it. */
function labKernel() {
  if (usesOwnIpvs()) return { packages: [] };
  if (canHaveUserModeKernel()) return { packages: [USER_MODE_KERNEL] };
  const advice =
    process.getuid?.() === 0
      ? "use a kernel with IPVS (`modprobe ip_vs` finds none in this one)"
      : "run this as root, for the IPVS of this machine's kernel";
  return { packages: [], advice };
}

function setUpDebianPackages(parts) {
  const { packages, advice } = parts.includes("lab") ? labKernel() : { packages: [] };
  const wanted = [...parts.flatMap((part) => DEBIAN[part] ?? []), ...packages];
  const missing = wanted.filter(([program]) => !isInstalled(program)).map(([, name]) => name);
  if (!isInstalled("apt-get")) {
    const toDo = [...(missing.length > 0 ? [`install ${missing.join(", ")}`] : []), ...(advice ? [advice] : [])];
    if (toDo.length > 0) stop(`this is not Debian: ${toDo.join(", and ")}`);
  }
  if (advice) stop(`Debian has no user-mode kernel for ${process.arch}: ${advice}`);
  if (missing.length > 0) installDebianPackages(missing);
}

function installDebianPackages(names) {
  const command = `apt-get install --yes --no-install-recommends ${names.join(" ")}`;
  if (process.getuid?.() !== 0) stop(`missing: ${names.join(", ")}; as root, run: ${command}`);
  say(`installing Debian packages: ${names.join(" ")}`);
  const quiet = { DEBIAN_FRONTEND: "noninteractive" };
  const words = command.split(" ");
  const install = () => run(words[0], ["-qq", ...RETRIES, "-o", "Dpkg::Use-Pty=0", ...words.slice(1)], quiet);
  const update = () =>
    run("apt-get", ["-qq", ...RETRIES, "update"], quiet) || stop("apt-get update failed; its messages are above");
  const hasLists =
    existsSync("/var/lib/apt/lists") && readdirSync("/var/lib/apt/lists").some((f) => f.includes("_Packages"));
  if (!hasLists) update();
  // Lists that are old name packages that are gone: try once more with new ones.
  if (install()) return;
  if (hasLists) update();
  if (!hasLists || !install()) stop(`could not install ${names.join(", ")}; apt's messages are above`);
}

function output(program, parameters, options = {}) {
  const ended = spawnSync(program, parameters, {
    cwd: root,
    stdio: ["ignore", "pipe", 2],
    encoding: "utf8",
    env: { ...process.env, PATH: PLACES.join(":") },
    ...options,
  });
  return ended.error === undefined && ended.status === 0 ? ended.stdout : undefined;
}

/** The packages that the servers need besides what this machine has. */
function missingPackages() {
  const plan = () => output("apt-get", ["install", "--simulate", "--no-install-recommends", ...SERVERS]);
  let text = plan();
  if (text === undefined) {
    if (process.getuid?.() !== 0) stop("as root, run: apt-get update");
    run("apt-get", ["-qq", "update"]);
    text = plan() ?? stop("apt does not know the servers; its messages are above");
  }
  const planned = [...text.matchAll(/^Inst (\S+)/gm)].map((match) => match[1].replace(/:.*/, ""));
  // Those that are installed already are wanted all the same: another machine has none of them.
  return [...new Set([...planned, ...SERVERS])].filter((name) => !NOT_NEEDED.test(name));
}

function setUpServers() {
  const mark = join(SERVERS_FOLDER, "unpacked");
  const wanted = `${SERVERS.join("\n")}\n`;
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return;
  if (!isInstalled("apt-get")) stop("the servers are Debian's, and this is no Debian");
  const names = missingPackages();
  say(`downloading the servers that checks are tried on (${names.length} packages)`);
  rmSync(SERVERS_FOLDER, { recursive: true, force: true });
  const [packages, tree] = [join(SERVERS_FOLDER, "packages"), join(SERVERS_FOLDER, "tree.new")];
  for (const folder of [packages, tree]) mkdirSync(folder, { recursive: true });
  const download = () =>
    output("apt-get", ["-qq", ...RETRIES, "-o", "APT::Sandbox::User=root", "download", ...names], { cwd: packages });
  if (download() === undefined) {
    // Lists that are old name packages that are gone.
    if (process.getuid?.() === 0) run("apt-get", ["-qq", "update"]);
    if (download() === undefined) stop("could not download the servers; apt's messages are above");
  }
  for (const file of readdirSync(packages)) {
    if (!run("dpkg-deb", ["--extract", join(packages, file), tree])) stop(`could not unpack ${file}`);
  }
  // /lib is /usr/lib on Debian; some packages still say /lib.
  for (const folder of ["lib", "bin", "sbin"].filter((name) => existsSync(join(tree, name)))) {
    cpSync(join(tree, folder), join(tree, "usr", folder), { recursive: true, verbatimSymlinks: true });
  }
  for (const folder of ["usr/share/doc", "usr/share/man", "usr/share/locale"]) {
    rmSync(join(tree, folder), { recursive: true, force: true });
  }
  rmSync(packages, { recursive: true });
  renameSync(tree, join(SERVERS_FOLDER, "tree"));
  writeFileSync(mark, wanted);
}

const words = process.argv.slice(2);
const parts = ["npm", "servers", ...Object.keys(DEBIAN)];
const unknown = words.find((word) => !parts.includes(word));
if (unknown !== undefined) stop(`no such part: ${unknown}; known: ${parts.join(" ")}`);
if (words.includes("npm")) setUpNpmPackages();
setUpDebianPackages(words);
if (words.includes("servers")) setUpServers();
