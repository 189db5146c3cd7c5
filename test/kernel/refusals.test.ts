/** Each refusal of the kernel that can be provoked, as the sentence and the exit code that an administrator gets. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { IpvsClient } from "../../src/kernel/ipvs/ipvs-client.ts";
import { address } from "../../src/model/address.ts";
import type { RealServer } from "../../src/model/real-server.ts";
import type { ServiceKey, VirtualService } from "../../src/model/virtual-service.ts";
import { requireLab, run } from "../support/lab.ts";

const PROGRAM = resolve(import.meta.dir, "../../dist/tandem");
const WEB = "tcp://203.0.113.10:80";
const WEB6 = "tcp://[2001:db8::10]:80";
const OTHER_FAMILY = "2001:db8::11";

interface Answer {
  readonly stderr: string;
  readonly exitCode: number;
}

function tandem(words: readonly string[], input = ""): Answer {
  const { stderr, exitCode } = Bun.spawnSync([PROGRAM, ...words], {
    env: { PATH: "/usr/sbin:/usr/bin" },
    stdin: Buffer.from(input),
  });
  return { stderr: stderr.toString(), exitCode };
}

beforeAll(() => {
  requireLab();
  run("ip", "link", "add", "refused0", "type", "veth", "peer", "name", "refused1");
  run("ip", "link", "set", "refused0", "up");
  run("ip", "address", "add", "192.0.2.1/24", "dev", "refused0");
});

beforeEach(() => {
  run("ipvsadm", "-C");
  for (const state of ["master", "backup"]) Bun.spawnSync(["ipvsadm", "--stop-daemon", state], { stderr: "ignore" });
  run("ipvsadm", "-A", "-t", "203.0.113.10:80");
  run("ipvsadm", "-a", "-t", "203.0.113.10:80", "-r", "10.0.0.11:80", "-m");
  run("ipvsadm", "-A", "-t", "[2001:db8::10]:80");
});

afterAll(() => {
  run("ip", "link", "del", "refused0");
  run("ipvsadm", "-C");
});

/** What is typed, what the kernel's refusal becomes, the exit code. */
const COMMANDS: readonly (readonly [words: string, sentence: string, exitCode: number])[] = [
  [
    `service add ${WEB}`,
    `cannot add virtual service ${WEB}: it exists already (EEXIST)\nhint: use \`tandem service edit\``,
    1,
  ],
  [
    `real add ${WEB} 10.0.0.11`,
    `cannot add real server 10.0.0.11:80 of ${WEB}: the service has it already (EEXIST)\nhint: use \`tandem real edit\``,
    1,
  ],
  [
    `real add ${WEB} ${OTHER_FAMILY}`,
    `cannot add real server [${OTHER_FAMILY}]:80 of ${WEB}: the service and the real server are of different address families, which works with tunnels only (EINVAL)\nhint: use --forward tunnel`,
    1,
  ],
  [
    `real add ${WEB} 224.0.0.9`,
    `cannot add real server 224.0.0.9:80 of ${WEB}: the address is a broadcast, multicast or reserved one (EINVAL)\nhint: \`ip route get 224.0.0.9\` shows what it is to this machine`,
    1,
  ],
  [
    `real add ${WEB} 192.0.2.255`,
    `cannot add real server 192.0.2.255:80 of ${WEB}: the address is a broadcast, multicast or reserved one (EINVAL)\nhint: \`ip route get 192.0.2.255\` shows what it is to this machine`,
    1,
  ],
  [
    `real add ${WEB6} fe80::1`,
    `cannot add real server [fe80::1]:80 of ${WEB6}: the address is a multicast or link-local one (EINVAL)\nhint: \`ip route get fe80::1\` shows what it is to this machine`,
    1,
  ],
  [
    "service timeouts --tcp 21474837s",
    "cannot set the connection timeouts: a timeout is longer than the kernel can count (EINVAL)\nhint: 2147483s (24 days) fit every kernel, 21474836s (248 days) those with 100 ticks a second",
    1,
  ],
  [
    "service sync-start master --interface absent0",
    "cannot start the sync daemon master on absent0: there is no interface absent0 (ENODEV)\nhint: `ip link` lists those that there are",
    1,
  ],
  [
    "service sync-start master --interface refused1",
    "cannot start the sync daemon master on refused1: refused1 is down, or has no way to the group (ENETUNREACH)\nhint: `ip link set refused1 up`",
    1,
  ],
  [
    "service edit fwmark:9",
    "cannot find virtual service fwmark:9: the kernel has no such service\nhint: tandem service list shows those that it has",
    1,
  ],
  [
    `real edit ${WEB} 10.0.0.12 --weight 2`,
    `cannot find real server 10.0.0.12:80: ${WEB} has no such server\nhint: tandem real list ${WEB} shows those that it has`,
    1,
  ],
];

describe("what the kernel refuses", () => {
  test.each(COMMANDS)("%s", (words, sentence, exitCode) => {
    expect(tandem(words.split(" "))).toEqual({ stderr: `tandem: ${sentence}\n`, exitCode });
  });

  test.each([
    [
      "a scheduler",
      "-A -f 3 -s absent\n",
      "the kernel has no scheduler absent (ENOENT)\nhint: run `modprobe ip_vs_absent`; where that finds no module, this kernel was built without it: take another scheduler\n",
    ],
    [
      "a persistence engine",
      "-A -f 3 -s rr -p 60 --pe absent\n",
      "the kernel has no scheduler rr or no persistence engine absent (ENOENT)\nhint: run `modprobe ip_vs_rr` and `modprobe ip_vs_pe_absent`; what finds no module, this kernel was built without\n",
    ],
  ])("%s that the kernel lacks: exit 4", (_what, rules, sentence) => {
    expect(tandem(["service", "restore", "--keep-others"], rules)).toEqual({
      stderr: `tandem: cannot add virtual service fwmark:3: ${sentence}`,
      exitCode: 4,
    });
  });

  test("servers of the other family and sync daemons exclude each other", () => {
    run("ipvsadm", "--start-daemon", "master", "--mcast-interface", "refused0");
    const words = ["real", "add", WEB, OTHER_FAMILY, "--forward", "tunnel"];
    expect(tandem(words)).toEqual({
      stderr: `tandem: cannot add real server [${OTHER_FAMILY}]:80 of ${WEB}: the service and the real server are of different address families, which the sync daemon cannot tell the other router of (EINVAL)\nhint: \`tandem service sync\` shows which runs, \`tandem service sync-stop\` ends it\n`,
      exitCode: 1,
    });
    expect(tandem(["service", "sync-start", "master", "--interface", "refused0"])).toEqual({
      stderr:
        "tandem: cannot start the sync daemon master: one runs already, on refused0 with id 0\nhint: tandem service sync-stop master\n",
      exitCode: 1,
    });
    expect(tandem(["service", "sync-stop", "master"]).exitCode).toBe(0);
    expect(tandem(words).exitCode).toBe(0);
    expect(tandem(["service", "sync-start", "master", "--interface", "refused0"])).toEqual({
      stderr:
        "tandem: cannot start the sync daemon master on refused0: a real server is of another address family than its service, and the daemons cannot tell of those (EINVAL)\nhint: `tandem real list` shows it\n",
      exitCode: 1,
    });
  });

  test("a user without rights: exit 4", () => {
    const words = ["setpriv", "--reuid", "65534", "--clear-groups", PROGRAM, "service", "list"];
    const { stderr, exitCode } = Bun.spawnSync(words, { env: { PATH: "/usr/sbin:/usr/bin" } });
    expect({ stderr: stderr.toString(), exitCode }).toEqual({
      stderr: "tandem: cannot use IPVS: not permitted (EPERM)\nhint: run it as root (it needs CAP_NET_ADMIN)\n",
      exitCode: 4,
    });
  });
});

/** What the command line does not let through, straight to the kernel. */
describe("IpvsClient.apply()", () => {
  const key: ServiceKey = { kind: "address", protocol: "tcp", address: address("203.0.113.10"), port: 80 };
  const plain: RealServer = {
    endpoint: { address: address("10.0.0.20"), port: 80 },
    forward: "nat",
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
  };
  const gue = { type: "gue", port: 0, checksum: "none" } as const;

  test.each<[string, RealServer]>([
    ["the lower threshold 9 is above the upper one 5 (ERANGE)", { ...plain, upperThreshold: 5, lowerThreshold: 9 }],
    ["a gue tunnel needs a port (EINVAL)", { ...plain, forward: "tunnel", tunnel: gue }],
  ])("%s", (reason, server) => {
    using client = IpvsClient.open();
    const [error] = client.apply([{ kind: "add-server", key, server }]);
    expect(error?.reason).toBe(reason);
  });

  test("names what is not there", () => {
    using client = IpvsClient.open();
    const absent: ServiceKey = { kind: "fwmark", mark: 77, family: "inet" };
    const service: VirtualService = { key: absent, scheduler: "rr", schedulerFlags: [], onePacket: false };
    const errors = client.apply([
      { kind: "edit-service", service },
      { kind: "delete-service", key: absent },
      { kind: "zero", key: absent },
      { kind: "add-server", key: absent, server: plain },
      { kind: "edit-server", key, server: plain },
      { kind: "delete-server", key, endpoint: plain.endpoint },
    ]);
    expect(errors.map((error) => error?.reason)).toEqual([
      "there is no such virtual service (ESRCH)",
      "there is no such virtual service (ESRCH)",
      "there is no such virtual service (ESRCH)",
      "there is no such virtual service (ESRCH)",
      "the service has no such real server (ENOENT)",
      "the service has no such real server (ENOENT)",
    ]);
  });
});
