/** `real drain` and `undrain` with connections that are open, and beside a daemon. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { requireLab, run } from "../support/lab.ts";

const PROGRAM = resolve(import.meta.dir, "../../dist/tandem");
const VIP = "198.51.100.95";
const SERVER = "198.51.100.96";
const WEB = `tcp://${VIP}:80`;

const LAST = `warning: ${WEB}: no other real server of it has work: new clients are refused, or go to its sorry server\n`;

const ENVIRONMENT = { env: { PATH: "/usr/sbin:/usr/bin" } };

function tandem(...words: readonly string[]): { stdout: string; stderr: string; exitCode: number } {
  const { stdout, stderr, exitCode } = Bun.spawnSync([PROGRAM, ...words], ENVIRONMENT);
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}

beforeAll(() => {
  requireLab();
  for (const text of [VIP, SERVER]) run("ip", "address", "add", `${text}/32`, "dev", "lo");
});
afterAll(() => {
  run("ipvsadm", "-C");
  for (const text of [VIP, SERVER]) run("ip", "address", "del", `${text}/32`, "dev", "lo");
});

/** Asks the kernel again and again, by programs that take their time to start. @throws after a thousand turns. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) {
    if (isSo()) return;
    // The event loop of this test has its sockets to serve.
    await new Promise((done) => setImmediate(done));
  }
  throw new Error("what the test waits for does not happen");
}

/** A real server behind the VIP, and one client that is connected to it. */
async function connected(persistence: readonly string[] = []) {
  const listener = Bun.listen({ hostname: SERVER, port: 0, socket: { data() {} } });
  const name = `${SERVER}:${listener.port}`;
  run("ipvsadm", "-A", "-t", `${VIP}:80`, "-s", "rr", ...persistence);
  run("ipvsadm", "-a", "-t", `${VIP}:80`, "-r", name, "-m");
  const opened = Promise.withResolvers<void>();
  const client = await Bun.connect({
    hostname: VIP,
    port: 80,
    socket: { open: () => opened.resolve(), data() {}, connectError: (_socket, error) => opened.reject(error) },
  });
  await opened.promise;
  return {
    name,
    client,
    [Symbol.dispose]() {
      client.terminate();
      listener.stop(true);
    },
  };
}

describe("real drain --wait", () => {
  beforeEach(() => {
    run("ipvsadm", "-C");
  });

  test("gives up after --timeout with exit 3 while a connection is open, and the server stays drained", async () => {
    using open = await connected(["-p", "300"]);
    expect(tandem("real", "drain", WEB, open.name, "--wait", "--timeout", "200ms", "--delete")).toEqual({
      stdout: "",
      stderr: expect.stringMatching(
        new RegExp(
          `^${LAST}1 open connection and 1 persistent client, waiting for \\d+ms at most\ntandem: cannot drain real server ${open.name} of ${WEB}: 1 open connection and 1 persistent client were still there after [\\d.]+m?s\nhint: it stays drained; `,
        ),
      ),
      exitCode: 3,
    });
    expect(run("ipvsadm", "-Sn")).toEndWith(`-r ${open.name} -m -w 0\n`);
  });

  test("ends when the last connection does, and --delete removes the server", async () => {
    using open = await connected();
    await using draining = Bun.spawn([PROGRAM, "real", "drain", WEB, open.name, "--wait", "--delete"], {
      ...ENVIRONMENT,
      stdout: "pipe",
      stderr: "pipe",
    });
    // Its first line says that it waits; then the kernel is told to forget the connection.
    const decoder = new TextDecoder();
    let told = "";
    let isForgotten = false;
    for await (const bytes of draining.stderr) {
      told += decoder.decode(bytes);
      // Once, in however many pieces the line comes.
      if (!isForgotten && told.startsWith(`${LAST}1 open connection, waiting for `)) {
        isForgotten = true;
        run("sysctl", "-qw", "net.ipv4.vs.expire_nodest_conn=1");
        run("ipvsadm", "-d", "-t", `${VIP}:80`, "-r", open.name);
        open.client.write("the kernel drops it, since its server is gone");
      }
    }
    expect({ told, exitCode: await draining.exited }).toEqual({
      told: expect.stringMatching(
        new RegExp(`^${LAST}1 open connection, waiting for .* at most\nno open connections after [\\d.]+m?s\n$`),
      ),
      exitCode: 0,
    });
    run("sysctl", "-qw", "net.ipv4.vs.expire_nodest_conn=0");
  });

  test("of a service ends with 3 while a connection is open, and with 0 when none is; its new clients are refused", async () => {
    const open = await connected();
    run("ipvsadm", "-a", "-t", `${VIP}:80`, "-r", `${SERVER}:9`, "-m", "-w", "3");
    expect(tandem("service", "drain", WEB, "--wait", "--timeout", "200ms")).toEqual({
      stdout: "",
      stderr: expect.stringMatching(
        new RegExp(
          `^1 open connection, waiting for \\d+ms at most\ntandem: cannot drain every real server of ${WEB}: 1 open connection were still there after [\\d.]+m?s\nhint: it stays drained; `,
        ),
      ),
      exitCode: 3,
    });
    expect(run("ipvsadm", "-Sn").match(/ -w 0\n/g)).toHaveLength(2);
    run("sysctl", "-qw", "net.ipv4.vs.expire_nodest_conn=1");
    run("ipvsadm", "-d", "-t", `${VIP}:80`, "-r", open.name);
    open.client.write("the kernel drops it, since its server is gone");
    open[Symbol.dispose]();
    expect(tandem("service", "drain", WEB, "--wait", "--timeout", "60s")).toMatchObject({ exitCode: 0 });
    run("sysctl", "-qw", "net.ipv4.vs.expire_nodest_conn=0");
    expect(tandem("service", "undrain", WEB, "--weight", "2")).toEqual({
      stdout: `undrained real server ${SERVER}:9 of ${WEB} (nat, weight 2)\n`,
      stderr: "",
      exitCode: 0,
    });
    expect(tandem("real", "drain", WEB, `${SERVER}:9`, "--dry-run").stderr).toBe(LAST);
    expect(tandem("service", "drain", "tcp://192.0.2.1:1")).toMatchObject({ stdout: "", exitCode: 1 });
  });

  test("--timeout without --wait is a mistake", () => {
    expect(tandem("real", "drain", WEB, "10.0.0.11", "--timeout", "5s")).toEqual({
      stdout: "",
      stderr: "tandem: real drain: --timeout needs --wait\nhint: tandem real drain --help shows how\n",
      exitCode: 2,
    });
  });

  test("says which server or service is not there", () => {
    run("ipvsadm", "-A", "-t", `${VIP}:80`);
    expect(tandem("real", "drain", WEB, "10.0.0.99")).toEqual({
      stdout: "",
      stderr: `tandem: cannot find real server 10.0.0.99:0: ${WEB} has no such server\nhint: tandem real list shows those that there are\n`,
      exitCode: 1,
    });
    expect(tandem("real", "undrain", "all", "10.0.0.99:80").exitCode).toBe(1);
  });
});

describe("with a daemon", () => {
  const FOLDER = mkdtempSync("/tmp/tandem-drain-");
  const place = ["--runtime-dir", join(FOLDER, "run")];
  const LOG = join(FOLDER, "log");
  const CONFIGURED = "tcp://203.0.113.10:80";
  const WARNING = `${CONFIGURED}: no other real server of it has work: new clients are refused, or go to its sorry server`;
  let daemon: Bun.Subprocess | undefined;

  beforeAll(async () => {
    run("ip", "link", "add", "drain0", "type", "veth", "peer", "name", "drain1");
    for (const name of ["drain0", "drain1"]) run("ip", "link", "set", name, "up");
    for (const own of ["203.0.113.2/24", "10.0.0.2/24"]) run("ip", "address", "add", own, "dev", "drain0");
    run(PROGRAM, "heartbeat", "keygen", join(FOLDER, "pair.key"));
    const router = (which: string, last: number) =>
      `[pair.${which}]\nname = "${which}"\npublic = "203.0.113.${last}"\nprivate = "10.0.0.${last}"\n`;
    const config = join(FOLDER, "tandem.toml");
    writeFileSync(
      config,
      `[pair]\nkey_file = "${FOLDER}/pair.key"\n${router("primary", 2)}${router("backup", 3)}` +
        `[[vip]]\naddress = "203.0.113.10/24"\ninterface = "drain0"\n` +
        `[[service]]\nname = "web"\nlisten = "tcp://203.0.113.10:80"\ncheck = false\n` +
        `[[service.real]]\naddress = "10.0.0.11:80"\nweight = 3\n[timeouts]\ntcp = "800s"\n`,
    );
    const words = ["run", "--config", config, ...place, "--state-dir", join(FOLDER, "state")];
    run("ipvsadm", "-C");
    daemon = Bun.spawn([PROGRAM, ...words], { stdio: ["ignore", "ignore", Bun.file(LOG)] });
    await until(() => run("ipvsadm", "-Sn").includes("10.0.0.11:80") && existsSync(join(FOLDER, "run/control.sock")));
  });
  afterAll(async () => {
    daemon?.kill();
    await daemon?.exited;
    run("ip", "link", "del", "drain0");
  });

  test("--dry-run says what the daemon would do, and refuses what its configuration does not have", () => {
    expect(tandem("real", "drain", "all", "10.0.0.11", "--dry-run", ...place)).toEqual({
      stdout: "would drain real server 10.0.0.11:80 of tcp://203.0.113.10:80 (by the daemon)\n",
      stderr: `warning: ${WARNING}\n`,
      exitCode: 0,
    });
    expect(tandem("real", "drain", "tcp://203.0.113.10:80", "10.0.0.99:80", "--dry-run", ...place)).toEqual({
      stdout: "",
      stderr:
        "tandem: cannot find real server 10.0.0.99:80: tcp://203.0.113.10:80 has no such server\nhint: tandem check list shows those of the daemon's configuration\n",
      exitCode: 1,
    });
    expect(tandem("real", "drain", "all", "10.0.0.11", "--delete", ...place)).toMatchObject({
      stdout: "",
      exitCode: 2,
    });
  });

  test("the configured timeouts are the kernel's, what it does not name stays", async () => {
    await until(() => run("ipvsadm", "-L", "--timeout").includes("800 120 300"));
  });

  test("drain --wait returns when the kernel has weight 0, undrain gives the configured weight back", async () => {
    const drained = tandem("real", "drain", "all", "10.0.0.11:80", "--wait", ...place);
    expect({ stdout: drained.stdout, exitCode: drained.exitCode }).toEqual({
      stdout: "drained real server 10.0.0.11:80 of every service (by the daemon)\n",
      exitCode: 0,
    });
    const rules = () => run("ipvsadm", "-Sn");
    expect(rules()).toContain("-r 10.0.0.11:80 -m -w 0");
    expect(tandem("real", "undrain", "all", "10.0.0.11:80", ...place).exitCode).toBe(0);
    await until(() => rules().includes("-r 10.0.0.11:80 -m -w 3"));
  });

  const rules = () => run("ipvsadm", "-Sn");
  const orders = () => readFileSync(LOG, "utf8").match(/an operator's order: .*/g) ?? [];

  test("a name of a service will do, the last server is drained with a warning, and the log says who ordered it", async () => {
    const before = orders().length;
    const { stdout, exitCode } = tandem("real", "drain", "web", "10.0.0.11", "--json", ...place);
    const subject = `real server 10.0.0.11:80 of ${CONFIGURED}`;
    expect({ told: JSON.parse(stdout), exitCode }).toEqual({
      told: {
        version: 1,
        dryRun: false,
        changes: [{ do: "drain", subject, detail: "by the daemon", outcome: "done", reason: null }],
        warnings: [WARNING],
      },
      exitCode: 0,
    });
    await until(() => rules().includes("-r 10.0.0.11:80 -m -w 0"));
    // Drained already, it is no loss.
    expect(tandem("real", "drain", "web", "10.0.0.11", ...place).stderr).toBe("");
    expect(tandem("real", "drain", "wbe", "10.0.0.11", ...place)).toMatchObject({
      stderr: expect.stringContaining('no [[service]] is named "wbe"; did you mean web?'),
      exitCode: 2,
    });
    await until(() => orders().length === before + 2);
    expect(orders().at(-1)).toMatch(
      new RegExp(`^an operator's order: drain ${subject} user=root uid=0 (login=\\S+ )?pid=\\d+ program=tandem$`),
    );
    expect(tandem("real", "undrain", "web", "10.0.0.11", ...place).exitCode).toBe(0);
    await until(() => rules().includes("-r 10.0.0.11:80 -m -w 3"));
  });

  test("a service is drained as a whole, and given back", async () => {
    expect(tandem("service", "drain", "web", "--wait", ...place)).toEqual({
      stdout: `drained every real server of ${CONFIGURED} (by the daemon)\n`,
      stderr: expect.stringMatching(
        /^(0 open connections, its weight is not 0.*\n)?no open connections after [\d.]+m?s\n$/,
      ),
      exitCode: 0,
    });
    expect(rules()).toContain("-r 10.0.0.11:80 -m -w 0");
    const { services, alarms, warnings } = JSON.parse(tandem("status", "--json", ...place).stdout);
    expect(services[0].servers[0]).toMatchObject({ state: "drained", weight: 0 });
    expect(alarms.map(({ kind }: { kind: string }) => kind)).not.toContain("unserved-service");
    expect(warnings).toContain("web: its real servers that are up are all drained: new clients are refused");
    expect(tandem("service", "undrain", "web", ...place).exitCode).toBe(0);
    await until(() => rules().includes("-r 10.0.0.11:80 -m -w 3"));
  });

  // It "has no real server", it was said.
  test("a service that was made by hand is drained in the kernel", () => {
    run("ipvsadm", "-A", "-t", `${VIP}:81`);
    run("ipvsadm", "-a", "-t", `${VIP}:81`, "-r", "10.0.0.50:80", "-m", "-w", "2");
    const byHand = `tcp://${VIP}:81`;
    expect(tandem("real", "drain", byHand, "10.0.0.50:80", ...place)).toEqual({
      stdout: `drained real server 10.0.0.50:80 of ${byHand} (nat, weight 0)\n`,
      stderr: `warning: ${byHand}: no other real server of it has work: new clients are refused, or go to its sorry server\nset in the kernel only: the daemon's configuration does not have that service\n`,
      exitCode: 0,
    });
    expect(rules()).toContain("-r 10.0.0.50:80 -m -w 0");
    expect(tandem("real", "undrain", byHand, "10.0.0.50:80", "--weight", "2", ...place).exitCode).toBe(0);
    expect(rules()).toContain("-r 10.0.0.50:80 -m -w 2");
    run("ipvsadm", "-D", "-t", `${VIP}:81`);
  });
});
