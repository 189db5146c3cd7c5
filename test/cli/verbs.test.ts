import { describe, expect, test } from "bun:test";
import { lstatSync, statSync, symlinkSync } from "node:fs";
import { temporaryFolder } from "./folder.ts";
import { tandem } from "./program.ts";

describe("heartbeat keygen", () => {
  test("prints a new key each time", async () => {
    const [first, second] = await Promise.all([tandem("heartbeat", "keygen"), tandem("heartbeat", "keygen")]);
    expect(first.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(second.stdout).not.toBe(first.stdout);
  });

  test("writes a file that only its owner can read, and never over another", async () => {
    using folder = temporaryFolder();
    const file = folder.file("pair.key");
    const made = { stdout: `wrote a key to ${file}, mode 0600\n`, stderr: "", exitCode: 0 };
    expect(await tandem("heartbeat", "keygen", file)).toEqual(made);
    const key = await Bun.file(file).text();
    expect(key).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const refused = await tandem("heartbeat", "keygen", file);
    expect(refused.stderr).toStartWith(`tandem: cannot write key ${file}: the file exists already (EEXIST)\n`);
    expect(refused.exitCode).toBe(1);
    expect(await Bun.file(file).text()).toBe(key);

    expect(await tandem("heartbeat", "keygen", file, "--force")).toEqual(made);
    expect(await Bun.file(file).text()).not.toBe(key);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("replaces a regular file only, also with --force: the file that a link names, and no pipe or device", async () => {
    using folder = temporaryFolder();
    const pipe = folder.file("pipe");
    Bun.spawnSync(["mkfifo", pipe]);
    for (const more of [[], ["--force"], ["--force", "--dry-run"]]) {
      const refused = await tandem("heartbeat", "keygen", pipe, ...more);
      expect(refused.stderr).toStartWith(`tandem: cannot write key ${pipe}: it is there and not a regular file\n`);
      expect(refused.exitCode).toBe(1);
    }
    expect(statSync(pipe).isFIFO()).toBe(true);
    // A link to a device: were the link replaced, it would be by a file, and no harm is done to the device itself.
    const link = folder.file("null");
    symlinkSync("/dev/null", link);
    expect((await tandem("heartbeat", "keygen", link, "--force")).exitCode).toBe(1);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    symlinkSync(folder.file("real.key"), folder.file("link.key"));
    await Bun.write(folder.file("real.key"), "old");
    expect((await tandem("heartbeat", "keygen", folder.file("link.key"), "--force")).exitCode).toBe(0);
    expect(lstatSync(folder.file("link.key")).isSymbolicLink()).toBe(true);
    expect(await Bun.file(folder.file("real.key")).text()).toMatch(/^[0-9a-f]{64}\n$/);
  });

  test("--dry-run writes nothing", async () => {
    using folder = temporaryFolder();
    const file = folder.file("pair.key");
    const planned = { stdout: `would write a key to ${file}\n`, stderr: "", exitCode: 0 };
    expect(await tandem("heartbeat", "keygen", file, "--dry-run")).toEqual(planned);
    expect(await Bun.file(file).exists()).toBe(false);
  });

  test("refuses what it cannot write, the plan of it as well, with the command that helps", async () => {
    using folder = temporaryFolder();
    const file = folder.file("missing/pair.key");
    const refused = {
      stdout: "",
      stderr: `tandem: cannot write key ${file}: its directory does not exist (ENOENT)\nhint: mkdir -p ${folder.file("missing")}\n`,
      exitCode: 1,
    };
    expect(await tandem("heartbeat", "keygen", file)).toEqual(refused);
    expect(await tandem("heartbeat", "keygen", file, "--dry-run")).toEqual(refused);
  });
});

describe("check run", () => {
  test("says what a probe of a target found", async () => {
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("fine") });
    const target = `127.0.0.1:${server.port}`;
    const { stdout, stderr, exitCode } = await tandem("check", "run", `http://${target}/`, "--json");
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(JSON.parse(stdout)).toEqual({
      version: 1,
      ok: true,
      results: [
        {
          service: null,
          target,
          kind: "http",
          result: "success",
          elapsedMs: expect.any(Number),
          reason: expect.any(String),
          failure: null,
        },
      ],
    });
  });

  test("a target that refuses: exit 3", async () => {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
    const target = `127.0.0.1:${server.port}`;
    await server.stop(true);
    const { stdout, exitCode } = await tandem("check", "run", `tcp://${target}`);
    expect(stdout).toMatch(
      /^TARGET +CHECK +TIME +OUTCOME +REASON\n127\.0\.0\.1:\d+ +tcp +[\d.]+ ms +refused +refused .*\n$/,
    );
    expect(exitCode).toBe(3);
  });

  test("an address alone is told from a service, and where a check goes instead is shown", async () => {
    const { stderr, exitCode } = await tandem("check", "run", "127.0.0.1:80");
    expect(stderr).toContain('"127.0.0.1:80" is neither a target nor a service; write tcp://127.0.0.1:80');
    expect(exitCode).toBe(2);
    const elsewhere = await tandem("check", "run", "tcp://127.0.0.1:1", "--set", "port=2");
    expect(elsewhere.stdout).toContain("tcp at 127.0.0.1:2");
    expect(elsewhere.exitCode).toBe(3);
  });

  test("flags that say how a target is checked are refused without one", async () => {
    for (const words of [
      ["--command", "/bin/true"],
      ["web", "--expect-status", "200"],
      ["--set", "port=2"],
    ]) {
      const { stderr, exitCode } = await tandem("check", "run", ...words);
      const flag = words.find((word) => word.startsWith("--"));
      expect(stderr).toContain(`${flag} needs a TARGET such as tcp://10.0.0.11:80, and no --config`);
      expect(exitCode).toBe(2);
    }
  });

  test("a ping's target has no port, in JSON either", async () => {
    const { stdout } = await tandem("check", "run", "ping://127.0.0.1", "--timeout", "10s", "--json");
    expect(JSON.parse(stdout).results[0].target).toBe("127.0.0.1");
  });

  test("rounds make one table", async () => {
    const { stdout } = await tandem("check", "run", "tcp://127.0.0.1:1", "--repeat", "3", "--interval", "1ms");
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => /^(?:AT |\d\d:\d\d:\d\d )/.test(line))).toEqual([true, true, true, true]);
    expect(lines.filter((line) => line.startsWith("AT ")).length).toBe(1);
  });

  test("the checks of a configuration, of one service or of one server", async () => {
    using folder = temporaryFolder();
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("fine") });
    const file = folder.file("tandem.toml");
    await Bun.write(
      file,
      `[pair]
key_file = "/etc/tandem/pair.key"
primary  = { name = "lvs1", public = "203.0.113.2", private = "10.0.0.2" }
backup   = { name = "lvs2", public = "203.0.113.3", private = "10.0.0.3" }
[[vip]]
address   = "203.0.113.10/24"
interface = "eth0"
[[service]]
name   = "web"
listen = "tcp://203.0.113.10:80"
check  = { kind = "http", path = "/" }
real   = [{ address = "127.0.0.1:${server.port}" }]
[[service]]
name   = "other"
listen = "tcp://203.0.113.10:81"
check  = { kind = "tcp" }
real   = [{ address = "127.0.0.1:${server.port}" }]
`,
    );
    const services = async (...words: readonly string[]) => {
      const { stdout } = await tandem("check", "run", "--config", file, "--json", ...words);
      return JSON.parse(stdout).results.map((result: { service: string }) => result.service);
    };
    expect(await services()).toEqual(["web", "other"]);
    expect(await services("other")).toEqual(["other"]);
    expect(await services("tcp://203.0.113.10:80", "127.0.0.1")).toEqual(["web"]);
  });
});

describe("vip list", () => {
  test("shows the addresses of an interface", async () => {
    const { stdout, exitCode } = await tandem("vip", "list", "--interface", "lo", "--json");
    const { version, addresses } = JSON.parse(stdout);
    expect({ version, exitCode }).toEqual({ version: 1, exitCode: 0 });
    expect(addresses).toContainEqual({
      address: "127.0.0.1",
      prefixLength: 8,
      family: "inet",
      interface: "lo",
      label: null,
      owner: "system",
      leaseSeconds: null,
      scope: "host",
      tentative: false,
      duplicate: false,
    });
  });
});

describe("doctor", () => {
  // It found nothing wrong, and `tandem run` then refused to start.
  test("finds a key file that the daemon would refuse", async () => {
    using folder = temporaryFolder();
    const [config, key] = [folder.file("tandem.toml"), folder.file("pair.key")];
    const example = await tandem("config", "example");
    // Interfaces that no machine has: nobody is to be asked for VIPs.
    const text = example.stdout.replaceAll(/"eth(\d)"/g, '"absent$1"').replace("/etc/tandem/pair.key", key);
    await Bun.write(config, text);
    const findings = async () => {
      const { stdout } = await tandem("doctor", "--config", config, "--json");
      return JSON.parse(stdout).findings.filter(({ name }: { name: string }) => name === "key-file");
    };
    expect(await findings()).toEqual([
      {
        name: "key-file",
        severity: "error",
        message: `the key file ${key} is of no use: there is no such file (ENOENT)`,
        mend: `copy it from the other router, or make the first one: tandem heartbeat keygen ${key}`,
      },
    ]);
    await tandem("heartbeat", "keygen", key);
    expect(await findings()).toEqual([]);
  });

  test("says that this machine is neither router of the pair", async () => {
    using folder = temporaryFolder();
    const config = folder.file("tandem.toml");
    const example = await tandem("config", "example");
    // Documentation addresses (RFC 5737), which no machine has.
    await Bun.write(config, example.stdout);
    const { exitCode, stdout } = await tandem("doctor", "--config", config, "--json");
    const found = JSON.parse(stdout).findings.find(({ name }: { name: string }) => name === "neither-router");
    expect([exitCode, found?.severity]).toEqual([3, "error"]);
    expect(found?.message).toStartWith("this machine has no address of lvs1 (");
  });
});
