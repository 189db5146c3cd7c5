import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { requireLab, run } from "../support/lab.ts";

/** The verbs that work on the kernel by themselves, beside the tools that administrators know. */

const PROGRAM = resolve(import.meta.dir, "../../dist/tandem");
const WEB = "tcp://203.0.113.10:80";
/** /tmp is the lab's own. */
const FOLDER = mkdtempSync("/tmp/tandem-command-line-");

beforeAll(requireLab);
beforeEach(() => {
  run("ipvsadm", "-C");
});

function tandem(...words: readonly string[]): { stdout: string; stderr: string; exitCode: number } {
  const { stdout, stderr, exitCode } = Bun.spawnSync([PROGRAM, ...words], { env: { PATH: "/usr/sbin:/usr/bin" } });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}

/** What a command that must succeed prints. */
function printed(...words: readonly string[]): string {
  const { stdout, stderr, exitCode } = tandem(...words);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return stdout;
}

/** ipvsadm's own listing, its lines in a fixed order: the kernel's follows from hashes. */
function rules(): string[] {
  return run("ipvsadm", "-Sn")
    .split("\n")
    .filter((line) => line !== "")
    .toSorted();
}

function fillTable(): void {
  run("ipvsadm", "-A", "-t", "203.0.113.10:80", "-s", "sh", "-b", "sh-port", "-p", "300", "-M", "255.255.255.0");
  run("ipvsadm", "-a", "-t", "203.0.113.10:80", "-r", "10.0.0.11:80", "-m", "-w", "5");
  run("ipvsadm", "-a", "-t", "203.0.113.10:80", "-r", "10.0.0.12:80", "-g");
  run("ipvsadm", "-A", "-u", "[2001:db8::10]:53", "-s", "rr", "-o");
  run("ipvsadm", "-A", "-f", "7", "-s", "wlc");
}

describe("service and real", () => {
  test("add, edit and delete what ipvsadm then shows", () => {
    expect(printed("service", "add", WEB, "--scheduler", "rr")).toBe(`added virtual service ${WEB} (rr)\n`);
    printed("real", "add", WEB, "10.0.0.11", "--weight", "3");
    printed("real", "add", WEB, "10.0.0.12:8080", "--upper-threshold", "9", "--lower-threshold", "5");
    expect(rules()).toEqual([
      "-A -t 203.0.113.10:80 -s rr",
      "-a -t 203.0.113.10:80 -r 10.0.0.11:80 -m -w 3",
      "-a -t 203.0.113.10:80 -r 10.0.0.12:8080 -m -w 1",
    ]);
    printed("service", "edit", WEB, "--scheduler", "wlc", "--persistence", "60s");
    printed("real", "edit", WEB, "10.0.0.11", "--weight", "4");
    printed("real", "del", WEB, "10.0.0.12:8080");
    expect(rules()).toEqual(["-A -t 203.0.113.10:80 -s wlc -p 60", "-a -t 203.0.113.10:80 -r 10.0.0.11:80 -m -w 4"]);
    printed("service", "del", WEB);
    expect(rules()).toEqual([]);
  });

  test("--dry-run changes nothing", () => {
    fillTable();
    const before = rules();
    expect(printed("service", "del", WEB, "--dry-run")).toBe(`would remove virtual service ${WEB}\n`);
    expect(printed("real", "drain", "all", "10.0.0.11:80", "--dry-run")).toStartWith("would drain real server");
    expect(printed("service", "zero", "--dry-run")).toBe("would zero the counters of all services\n");
    expect(rules()).toEqual(before);
  });

  test("--or-edit and --if-exists make a command that can be said twice", () => {
    for (const expected of ["added", `virtual service ${WEB}: it is so already`]) {
      expect(printed("service", "add", WEB, "--or-edit")).toStartWith(expected);
    }
    printed("service", "del", WEB, "--if-exists");
    expect(printed("service", "del", WEB, "--if-exists")).toBe(`virtual service ${WEB}: it is not there\n`);
  });

  test("del takes several services, one of them named twice", () => {
    fillTable();
    expect(printed("service", "del", WEB, "fwmark:7", WEB)).toBe(
      `removed virtual service ${WEB}\nremoved virtual service fwmark:7\n`,
    );
    expect(rules()).toEqual(["-A -u [2001:db8::10]:53 -s rr -o"]);
  });

  test("refuse what is there already and what is not there: exit 1", () => {
    printed("service", "add", WEB);
    expect(tandem("service", "add", WEB)).toEqual({
      stdout: "",
      stderr: `tandem: cannot add virtual service ${WEB}: it exists already (EEXIST)\nhint: use \`tandem service edit\`\n`,
      exitCode: 1,
    });
    expect(tandem("real", "del", WEB, "10.0.0.9").exitCode).toBe(1);
    expect(tandem("service", "edit", "fwmark:9").exitCode).toBe(1);
  });

  test("drain gives weight 0, undrain gives it back", () => {
    fillTable();
    printed("real", "drain", "all", "10.0.0.11:80");
    expect(rules()).toContain("-a -t 203.0.113.10:80 -r 10.0.0.11:80 -m -w 0");
    printed("real", "undrain", WEB, "10.0.0.11", "--weight", "5");
    expect(rules()).toContain("-a -t 203.0.113.10:80 -r 10.0.0.11:80 -m -w 5");
  });

  test("drain --wait --delete removes the real server once nothing is open", () => {
    fillTable();
    expect(tandem("real", "drain", WEB, "10.0.0.11:80", "--wait", "--delete")).toEqual({
      stdout: `drained real server 10.0.0.11:80 of ${WEB} (nat, weight 0)\nremoved real server 10.0.0.11:80 of ${WEB}\n`,
      stderr: expect.stringMatching(/^no open connections after [\d.]+m?s\n$/),
      exitCode: 0,
    });
    expect(rules()).not.toContainEqual(expect.stringContaining("10.0.0.11"));
  });

  test("list shows each service and real server that ipvsadm made", () => {
    fillTable();
    const { services } = JSON.parse(printed("service", "list", "--json"));
    const listed = services.map((entry: { service: string; servers: readonly { server: string }[] }) => [
      entry.service,
      entry.servers.map(({ server }) => server).toSorted(),
    ]);
    expect(listed.toSorted()).toEqual([
      ["fwmark:7", []],
      [WEB, ["10.0.0.11:80", "10.0.0.12:80"]],
      ["udp://[2001:db8::10]:53", []],
    ]);
  });
});

describe("service save and restore", () => {
  test.each(["toml", "ipvsadm"])("bring a whole table back: %s", (format) => {
    fillTable();
    const before = rules();
    const file = join(FOLDER, `table.${format}`);
    expect(tandem("service", "save", file, "--format", format).exitCode).toBe(0);
    run("ipvsadm", "-C");
    printed("service", "restore", file);
    expect(rules()).toEqual(before);
    expect(tandem("service", "restore", file).stderr).toBe("nothing to change\n");
  });

  /** What IPVS has once for all services, as ipvsadm shows it. */
  const settings = () => [run("ipvsadm", "-L", "--timeout"), run("ipvsadm", "-Ln", "--daemon")];

  function resetSettings(): void {
    run("ipvsadm", "--set", "900", "120", "300");
    for (const state of ["master", "backup"]) Bun.spawnSync(["ipvsadm", "--stop-daemon", state], { stderr: "ignore" });
  }

  test("bring timeouts, sync daemons and thresholds back as well, or nothing at all", () => {
    run("ip", "link", "add", "save0", "type", "veth", "peer", "name", "save1");
    try {
      for (const name of ["save0", "save1"]) run("ip", "link", "set", name, "up");
      run("ip", "address", "add", "192.0.2.1/24", "dev", "save0");
      fillTable();
      run("ipvsadm", "-a", "-f", "7", "-r", "10.0.0.13", "-m", "-x", "9", "-y", "4");
      run("ipvsadm", "--set", "800", "100", "200");
      const master = ["--syncid", "5", "--mcast-group", "224.0.0.99", "--mcast-port", "9000", "--mcast-ttl", "3"];
      run("ipvsadm", "--start-daemon", "master", "--mcast-interface", "save0", ...master, "--sync-maxlen", "1300");
      run("ipvsadm", "--start-daemon", "backup", "--mcast-interface", "save1", "--mcast-group", "ff02::99");
      const before = [...settings(), ...rules(), run("ipvsadm", "-Ln", "--thresholds")];
      const file = join(FOLDER, "whole.toml");
      expect(tandem("service", "save", file).exitCode).toBe(0);
      resetSettings();
      run("ipvsadm", "-C");
      expect(printed("service", "restore", file)).toEndWith(
        "changed timeouts of connections (tcp 800s, tcp-fin 100s, udp 200s)\nstarted sync daemon master on save0\nstarted sync daemon backup on save1\n",
      );
      expect([...settings(), ...rules(), run("ipvsadm", "-Ln", "--thresholds")]).toEqual(before);
      expect(tandem("service", "restore", file, "--dry-run").stderr).toBe("nothing would change\n");
      // The kernel refuses the last change of all: the table and the timeouts go back to what they were.
      resetSettings();
      run("ipvsadm", "-C");
      const empty = settings();
      writeFileSync(file, readFileSync(file, "utf8").replace("save1", "absent0"));
      expect(tandem("service", "restore", file)).toEqual({
        stdout: "",
        stderr:
          "nothing is changed: 8 changes undone\ntandem: cannot start the sync daemon backup on absent0: there is no interface absent0 (ENODEV)\nhint: `ip link` lists those that there are\n",
        exitCode: 1,
      });
      expect([...settings(), ...rules()]).toEqual(empty);
    } finally {
      resetSettings();
      run("ip", "link", "del", "save0");
    }
  });

  test("restore refuses a file that says nothing, when that would remove everything", () => {
    fillTable();
    const before = rules();
    expect(tandem("service", "restore", "/dev/null")).toEqual({
      stdout: "",
      stderr:
        "tandem: cannot restore /dev/null: it says nothing, and would remove 3 virtual services\nhint: tandem service flush removes all\n",
      exitCode: 2,
    });
    expect(rules()).toEqual(before);
    run("ipvsadm", "-C");
    expect(tandem("service", "restore", "/dev/null").exitCode).toBe(0);
  });

  test("make the fewest changes, and leave others when told so", () => {
    fillTable();
    const file = join(FOLDER, "table.rules");
    tandem("service", "save", file, "--format", "ipvsadm");
    run("ipvsadm", "-e", "-t", "203.0.113.10:80", "-r", "10.0.0.11:80", "-m", "-w", "1");
    run("ipvsadm", "-A", "-f", "9");
    const edit = `real server 10.0.0.11:80 of ${WEB} (nat, weight 5)\n`;
    expect(printed("service", "restore", file, "--keep-others", "--dry-run")).toBe(`would edit ${edit}`);
    expect(printed("service", "restore", file)).toBe(`changed ${edit}removed virtual service fwmark:9\n`);
  });
});

describe("names of hosts and ports", () => {
  /** Its own file of hosts, in place of the machine's: the lab has no name server. */
  const HOSTS = join(FOLDER, "hosts");
  beforeAll(() => {
    writeFileSync(
      HOSTS,
      "203.0.113.10 www.example.com\n10.0.0.11 web1\n10.0.0.12 web2\n10.0.0.13 web2\n2001:db8::10 www6 www.example.com\n",
    );
    run("mount", "--bind", HOSTS, "/etc/hosts");
  });
  afterAll(() => {
    run("umount", "/etc/hosts");
  });

  test("are looked up when that is asked for", () => {
    printed("service", "add", "tcp://www.example.com:http", "--resolve");
    printed("real", "add", "tcp://www.example.com:http", "web1:8080", "--resolve");
    printed("service", "add", "udp://www6:domain", "--resolve");
    printed("service", "add", "tcp://[www.example.com]:443", "--resolve");
    expect(rules()).toEqual([
      "-A -t 203.0.113.10:80 -s wlc",
      "-A -t [2001:db8::10]:443 -s wlc",
      "-A -u [2001:db8::10]:53 -s wlc",
      "-a -t 203.0.113.10:80 -r 10.0.0.11:8080 -m -w 1",
    ]);
  });

  test("are read from what ipvsadm -S writes, and from a list of changes", () => {
    const file = join(FOLDER, "names.rules");
    writeFileSync(file, "-A -t www.example.com:http -s rr\n-a -t www.example.com:http -r web1:http -g -w 1\n");
    printed("service", "restore", file, "--resolve");
    const expected = ["-A -t 203.0.113.10:80 -s rr", "-a -t 203.0.113.10:80 -r 10.0.0.11:80 -g -w 1"];
    expect(rules()).toEqual(expected);
    expect(tandem("service", "restore", file)).toMatchObject({
      stdout: "",
      stderr: expect.stringContaining("names are looked up with --resolve only"),
      exitCode: 2,
    });
    writeFileSync(file, "real edit tcp://www.example.com:http web1 --weight 7\n");
    printed("service", "apply", file, "--resolve");
    expect(rules()).toContain("-a -t 203.0.113.10:80 -r 10.0.0.11:80 -g -w 7");
  });

  test.each([
    [
      ["service", "add", "tcp://www.example.com:80"],
      'service add: SERVICE: "www.example.com" is not an IPv4 or IPv6 address; --resolve looks names up\nhint: tandem service add --help shows how',
      2,
    ],
    [
      ["service", "add", "tcp://203.0.113.10:http"],
      'service add: SERVICE: "http" is not a port from 0 to 65535; --resolve looks names up\nhint: tandem service add --help shows how',
      2,
    ],
    [
      ["service", "add", "tcp://absent.example.com:80", "--resolve"],
      "cannot look up the host absent.example.com: no name server answers\nhint: `getent ahosts absent.example.com` asks the same question",
      1,
    ],
    [
      ["real", "add", WEB, "web2", "--resolve"],
      "cannot look up the host web2: it has 2 addresses: 10.0.0.12, 10.0.0.13\nhint: write the one that is meant",
      1,
    ],
    [
      ["real", "add", WEB, "[web1]", "--resolve"],
      "cannot look up the host web1 as an IPv6 address: it has no such address\nhint: write the address itself",
      1,
    ],
    [
      ["real", "add", WEB, "web1:absent-port", "--resolve"],
      'real add: SERVER: "absent-port" is not a port\nhint: tandem real add --help shows how',
      2,
    ],
  ])("%p says what is wrong", (words, sentence, exitCode) => {
    expect(tandem(...words)).toEqual({ stdout: "", stderr: `tandem: ${sentence}\n`, exitCode });
  });
});

describe("changes that are one", () => {
  /** A list whose last change the kernel refuses: a multicast address is no real server. */
  const LIST = `service edit ${WEB} --scheduler rr --no-persistence --no-scheduler-flags
real del ${WEB} 10.0.0.12:80
service del fwmark:7
service add fwmark:8
real add fwmark:8 224.0.0.9:80
`;

  test("service apply leaves the table as it was when the kernel refuses one change", () => {
    fillTable();
    const before = rules();
    const file = join(FOLDER, "list");
    writeFileSync(file, LIST);
    const { stdout, stderr, exitCode } = tandem("service", "apply", file);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toStartWith("nothing is changed: 4 changes undone\ntandem: cannot add real server 224.0.0.9:80");
    expect(rules()).toEqual(before);
    writeFileSync(file, LIST.replace("224.0.0.9", "10.0.0.9"));
    expect(printed("service", "apply", file)).toStartWith(`changed virtual service ${WEB} (rr)\n`);
    expect(rules()).toEqual([
      "-A -f 8 -s wlc",
      "-A -t 203.0.113.10:80 -s rr",
      "-A -u [2001:db8::10]:53 -s rr -o",
      "-a -f 8 -r 10.0.0.9:80 -m -w 1",
      "-a -t 203.0.113.10:80 -r 10.0.0.11:80 -m -w 5",
    ]);
  });

  test("service restore leaves the table as it was when the kernel refuses one change", () => {
    fillTable();
    const before = rules();
    const file = join(FOLDER, "refused.rules");
    writeFileSync(file, "-A -t 203.0.113.99:80\n-a -t 203.0.113.99:80 -r 224.0.0.9:80 -m\n");
    expect(tandem("service", "restore", file).exitCode).toBe(1);
    expect(rules()).toEqual(before);
  });

  test("service flush removes everything", () => {
    fillTable();
    expect(printed("service", "flush").split("\n").length).toBe(4);
    expect(rules()).toEqual([]);
  });
});

describe("vip", () => {
  test.each([
    ["0.0.0.0/0", "0.0.0.0 stands for no address"],
    ["224.0.0.5/24", "224.0.0.5 is a multicast address"],
    ["255.255.255.255/32", "255.255.255.255 is reserved"],
    ["127.0.0.5/8", "127.0.0.5 is a loopback address, which no other machine can reach"],
    ["192.0.2.0/24", '"192.0.2.0/24" is the network address of its own network'],
    ["192.0.2.255/24", '"192.0.2.255/24" is the broadcast address of its own network'],
    ["ff02::5/64", "ff02::5 is a multicast address"],
    ["fe80::1%eth0/64", '"fe80::1%eth0" is not an IPv4 or IPv6 address; a zone such as %eth0 has no place here'],
  ])("add refuses %s", (text, problem) => {
    expect(tandem("vip", "add", text, "--interface", "lo")).toEqual({
      stdout: "",
      stderr: `tandem: vip add: ADDR/LEN: ${problem}\nhint: tandem vip add --help shows how\n`,
      exitCode: 2,
    });
  });

  test("IPv6 addresses are there at once, link-local ones as well; a label is not changed by a renewal", () => {
    run("ip", "link", "add", "six0", "type", "veth", "peer", "name", "six1");
    try {
      for (const name of ["six0", "six1"]) run("ip", "link", "set", name, "up");
      run("ip", "address", "add", "198.51.100.1/24", "dev", "six0");
      for (const text of ["2001:db8:77::10/64", "fe80::10/64"]) printed("vip", "add", text, "--interface", "six0");
      const shown = run("ip", "-o", "-6", "address", "show", "dev", "six0");
      for (const text of ["2001:db8:77::10/64", "fe80::10/128"]) {
        const line = shown.split("\n").find((each) => each.includes(` ${text} `)) ?? "";
        expect({ text, nodad: line.includes(" nodad"), tentative: line.includes("tentative") }).toEqual({
          text,
          nodad: true,
          tentative: false,
        });
      }
      printed("vip", "add", "198.51.100.10/24", "--interface", "six0", "--label", "six0:1");
      printed("vip", "add", "198.51.100.10/24", "--interface", "six0", "--label", "six0:1");
      expect(tandem("vip", "add", "198.51.100.10/24", "--interface", "six0", "--label", "six0:2")).toEqual({
        stdout: "",
        stderr:
          "tandem: cannot label address 198.51.100.10 as six0:2: six0 has it already, labelled six0:1\nhint: tandem vip del 198.51.100.10, and add it again\n",
        exitCode: 1,
      });
      for (const [verify, problem] of [
        ["2001:db8:77::1", "2001:db8:77::1 and 198.51.100.10 are of different address families"],
        ["198.51.100.1", "198.51.100.1 is an address of this machine itself"],
      ] as const) {
        expect(tandem("vip", "announce", "198.51.100.10", "--verify", verify)).toEqual({
          stdout: "",
          stderr: `tandem: vip announce: --verify: ${problem}\nhint: tandem vip announce --help shows how\n`,
          exitCode: 2,
        });
      }
    } finally {
      run("ip", "link", "del", "six0");
    }
  });

  test("add, list and del a leased address with a label", () => {
    run("ip", "link", "add", "cli0", "type", "veth", "peer", "name", "cli1");
    try {
      for (const name of ["cli0", "cli1"]) run("ip", "link", "set", name, "up");
      run("ip", "address", "add", "198.51.100.1/24", "dev", "cli0");
      const words = ["198.51.100.10/24", "--interface", "cli0", "--label", "cli0:1", "--lease", "60s"];
      expect(printed("vip", "add", ...words)).toBe(
        "added address 198.51.100.10/32 on cli0, label cli0:1 (for 60s)\nannounced 198.51.100.10 on cli0 (2 frames)\n",
      );
      expect(run("ip", "-o", "address", "show", "cli0")).toMatch(
        /inet 198\.51\.100\.10\/32 .*cli0:1.* valid_lft (60|5\d|4\d)sec/,
      );
      expect(printed("vip", "list", "--interface", "cli0")).toMatch(
        /198\.51\.100\.10\/32 +cli0 +cli0:1 +tandem +\d+s\n/,
      );
      expect(tandem("vip", "add", "198.51.100.1/24", "--interface", "cli0").exitCode).toBe(1);
      printed("vip", "del", "198.51.100.10");
      expect(run("ip", "-o", "address", "show", "cli0")).not.toContain("198.51.100.10");
      expect(tandem("vip", "del", "198.51.100.10").exitCode).toBe(1);
      expect(tandem("vip", "del", "198.51.100.1")).toEqual({
        stdout: "",
        stderr:
          "tandem: cannot remove address 198.51.100.1: it is an address of the system on cli0, not one that tandem has set\nhint: --force removes it all the same; those who reach this machine by it lose it\n",
        exitCode: 1,
      });
      expect(printed("vip", "del", "198.51.100.1", "--force")).toBe("removed address 198.51.100.1/24 on cli0\n");
    } finally {
      run("ip", "link", "del", "cli0");
    }
  });
});
