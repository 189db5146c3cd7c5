// Brings what a command needs onto a fresh Debian machine that has Node.js and npm: `node test/setup.mjs [npm] [lab] [ipvsadm]…`.
// Plain Node on purpose: it runs before there is a TypeScript. Says nothing and is fast when nothing is missing.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** What each word of the command line stands for: a program that proves a Debian package is there, and the package. */
const DEBIAN = {
  lab: [
    ["linux.uml", "user-mode-linux"],
    ["modprobe", "kmod"],
    ["ip", "iproute2"],
    ["ipvsadm", "ipvsadm"],
  ],
  bench: [["keepalived", "keepalived"]],
  matrix: [["nft", "nftables"]],
  namespaces: [["ip", "iproute2"]],
};

/** Not everybody has the administrator's folders in PATH, and Debian puts most of these programs there. */
const PLACES = [...(process.env.PATH ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];

function isInstalled(program) {
  return PLACES.some((place) => {
    try {
      accessSync(join(place, program), constants.X_OK);
      return place !== "";
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
    env: { ...process.env, ...environment },
  });
  return error === undefined && status === 0;
}

/** npm writes node_modules/.package-lock.json last: it is newer than the lock file when all of that is installed. */
function setUpNpmPackages() {
  const installed = join(root, "node_modules/.package-lock.json");
  const wanted = join(root, "package-lock.json");
  if (existsSync(installed) && sameVersions(installed, wanted)) return;
  say("installing the npm packages (npm ci)");
  if (!run("npm", ["ci", "--no-audit", "--no-fund"])) stop("npm ci failed; its messages are above");
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

function setUpDebianPackages(pairs) {
  const missing = pairs.filter(([program]) => !isInstalled(program)).map(([, name]) => name);
  if (missing.length === 0) return;
  const command = `apt-get install --yes --no-install-recommends ${missing.join(" ")}`;
  if (!isInstalled("apt-get")) stop(`missing: ${missing.join(", ")}; this is no Debian: install them in your own way`);
  if (process.getuid?.() !== 0) stop(`missing: ${missing.join(", ")}; as root, run: ${command}`);
  say(`installing Debian packages: ${missing.join(" ")}`);
  const quiet = { DEBIAN_FRONTEND: "noninteractive" };
  const words = command.split(" ");
  const install = () => run(words[0], ["-qq", "-o", "Dpkg::Use-Pty=0", ...words.slice(1)], quiet);
  const update = () =>
    run("apt-get", ["-qq", "update"], quiet) || stop("apt-get update failed; its messages are above");
  const hasLists =
    existsSync("/var/lib/apt/lists") && readdirSync("/var/lib/apt/lists").some((f) => f.includes("_Packages"));
  if (!hasLists) update();
  // Lists that are old name packages that are gone: try once more with new ones.
  if (install()) return;
  if (hasLists) update();
  if (!hasLists || !install()) stop(`could not install ${missing.join(", ")}; apt's messages are above`);
}

const words = process.argv.slice(2);
const unknown = words.find((word) => word !== "npm" && DEBIAN[word] === undefined);
if (unknown !== undefined) stop(`no such part: ${unknown}; known: npm ${Object.keys(DEBIAN).join(" ")}`);
if (words.includes("npm")) setUpNpmPackages();
setUpDebianPackages(words.flatMap((word) => DEBIAN[word] ?? []));
