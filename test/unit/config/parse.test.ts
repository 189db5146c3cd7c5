import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../../src/config/parse.ts";
import { exampleConfig } from "../../../src/config/render/example.ts";
import { renderConfig } from "../../../src/config/render/render.ts";
import { address } from "../../../src/model/address.ts";
import type { Check } from "../../../src/model/health-check.ts";
import { BASE, type Edit, edited } from "./base.ts";

const LISTEN = 'listen = "tcp://203.0.113.10:80"';
const CHECK = '[service.check]\nkind = "tcp"';
const FIRST = '[[service.real]]\naddress = "10.0.0.11:80"';

/** The configuration of the base file with these changes, which must be valid. */
function configOf(edits: readonly Edit[]) {
  const result = parseConfig(edited(edits).text);
  if (!result.ok) throw new Error(result.issues.map((issue) => issue.message).join("\n"));
  return result.config;
}

function serviceOf(edits: readonly Edit[]) {
  return configOf(edits).services[0];
}

const TCP: Check = { intervalMs: 2000, timeoutMs: 1000, rise: 2, fall: 3, method: { kind: "tcp" } };
const server = (text: string, port = 80) => ({
  endpoint: { address: address(text), port },
  forward: "nat" as const,
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
});

test("parseConfig() gives the whole configuration, with every default", () => {
  const check: Check = {
    intervalMs: 2000,
    timeoutMs: 1000,
    rise: 2,
    fall: 3,
    method: { kind: "send-expect", send: "GET / HTTP/1.0\r\n\r\n", expect: "HTTP/1." },
  };
  expect(parseConfig(exampleConfig)).toEqual({
    ok: true,
    warnings: [],
    config: {
      pair: {
        keyFile: "/etc/tandem/pair.key",
        intervalMs: 200,
        deadAfterMs: 1000,
        failback: "automatic",
        failbackAfterMs: 30_000,
        leaseMs: 3000,
        port: 5390,
        primary: { name: "lvs1", public: address("203.0.113.2"), private: address("10.0.0.2") },
        backup: { name: "lvs2", public: address("203.0.113.3"), private: address("10.0.0.3") },
        neighbours: [],
        stop: "release",
        views: "warn",
      },
      vips: [
        { prefix: { address: address("203.0.113.10"), prefixLength: 24 }, interface: "eth0" },
        { prefix: { address: address("10.0.0.1"), prefixLength: 24 }, interface: "eth1" },
      ],
      services: [
        {
          name: "web",
          listen: [
            {
              key: { kind: "address", protocol: "tcp", address: address("203.0.113.10"), port: 80 },
              scheduler: "wlc",
              schedulerFlags: [],
              onePacket: false,
            },
          ],
          servers: [
            { server: server("10.0.0.11"), check },
            { server: server("10.0.0.12"), check },
          ],
          onFailure: "remove",
        },
      ],
      gates: [],
      sync: { enabled: true, id: 1, group: "224.0.0.81", port: 8848, ttl: 1, mode: "prompt" },
      ipvs: { expire_nodest_conn: true, expire_quiescent_template: true },
      hooks: { active: [], standby: [], timeoutMs: 10_000 },
      log: { format: "text", level: "info" },
    },
  });
});

test("parseConfig() takes the example with every optional line put into force", () => {
  const inForce = exampleConfig.replace(/^#(?=\S)|^#(?= {2}\S)/gm, "");
  expect(inForce.split("\n").filter((line) => line.startsWith("#") && !line.startsWith("# "))).toEqual([]);
  expect(parseConfig(inForce)).toMatchObject({
    ok: true,
    warnings: [],
    config: { services: [{ slowStartMs: 30_000, sorry: server("10.0.0.99") }], hooks: { timeoutMs: 10_000 } },
  });
});

test("parseConfig() takes a pair that only moves VIPs, without synchronisation", () => {
  const config = configOf([[BASE.slice(BASE.indexOf("[[service]]")), ""]]);
  expect({ services: config.services, enabled: config.sync.enabled }).toEqual({ services: [], enabled: false });
});

test("parseConfig() takes a file that was cut before its VIPs for what it may be, unless it says that there are none", () => {
  const cut = BASE.slice(0, BASE.indexOf("[[vip]]"));
  const services = BASE.slice(BASE.indexOf("[[service]]"));
  const issue = {
    line: 1,
    column: 1,
    path: "",
    message: "there is no [[vip]]; a file that ends too early looks the same",
    hint: "if the pair is to move no address, say so above the first table: vip = []",
  };
  expect(parseConfig(cut)).toEqual({ ok: false, issues: [issue] });
  expect(parseConfig(cut + services)).toEqual({ ok: false, issues: [issue] });
  const without = parseConfig(`vip = []\n${cut}`);
  expect(without).toMatchObject({ ok: true, config: { vips: [] }, warnings: [] });
  if (without.ok) expect(parseConfig(renderConfig(without.config))).toEqual(without);
});

describe("parseConfig() reads services", () => {
  test("one virtual service for each address, all with the same settings", () => {
    const service = serviceOf([
      [
        LISTEN,
        'listen = ["udp://203.0.113.10:53", "fwmark:7"]\nscheduler = "sh"\nscheduler_flags = ["sh-port", "flag-1", "sh-port"]\none_packet = true\npersistence = "90s"',
      ],
    ]);
    const common = { scheduler: "sh", schedulerFlags: ["flag-1", "flag-2"], onePacket: true };
    expect(service?.listen).toEqual([
      {
        key: { kind: "address", protocol: "udp", address: address("203.0.113.10"), port: 53 },
        ...common,
        schedulerFlags: ["flag-1", "flag-2"],
        persistence: { timeoutSeconds: 90, prefixLength: 32 },
      },
      {
        key: { kind: "fwmark", mark: 7, family: "inet" },
        ...common,
        schedulerFlags: ["flag-1", "flag-2"],
        persistence: { timeoutSeconds: 90, prefixLength: 32 },
      },
    ]);
  });

  test("persistence with the whole length of each family, or with a prefix", () => {
    const both = 'listen = ["tcp://203.0.113.10:80", "fwmark:7/inet6"]\nforward = "tunnel"';
    const lengths = (persistence: string) =>
      serviceOf([[LISTEN, `${both}\npersistence = ${persistence}`]])?.listen.map((listen) => listen.persistence);
    expect(lengths('"5m"')).toEqual([
      { timeoutSeconds: 300, prefixLength: 32 },
      { timeoutSeconds: 300, prefixLength: 128 },
    ]);
    expect(lengths('{ prefix = 24, engine = "sip" }')).toEqual([
      { timeoutSeconds: 300, prefixLength: 24, engine: "sip" },
      { timeoutSeconds: 300, prefixLength: 24, engine: "sip" },
    ]);
  });

  test("the service's port for a server without one, unless the service has several", () => {
    const bare: Edit = ['"10.0.0.11:80"', '"10.0.0.11"'];
    expect(serviceOf([bare])?.servers[0]?.server).toEqual(server("10.0.0.11", 80));
    const several: Edit = [LISTEN, 'listen = ["tcp://203.0.113.10:80", "tcp://203.0.113.10:443"]'];
    expect(serviceOf([bare, several])?.servers[0]?.server).toEqual(server("10.0.0.11", 0));
  });

  test("forwarding and tunnel of the service, which a server may override", () => {
    const service = serviceOf([
      [LISTEN, `${LISTEN}\nforward = "tunnel"\ntunnel = { type = "gue", port = 6080, checksum = "remote" }`],
      [FIRST, `${FIRST}\nforward = "direct"`],
      ['address = "10.0.0.12:80"', 'address = "10.0.0.12:80"\ntunnel = "ipip"'],
    ]);
    expect(service?.servers.map(({ server: { forward, tunnel } }) => ({ forward, tunnel }))).toEqual([
      { forward: "direct", tunnel: undefined },
      { forward: "tunnel", tunnel: undefined },
    ]);
    const inherited = serviceOf([
      [LISTEN, `${LISTEN}\nforward = "tunnel"\ntunnel = { type = "gue", port = 6080, checksum = "remote" }`],
    ]);
    expect(inherited?.servers[0]?.server.tunnel).toEqual({ type: "gue", port: 6080, checksum: "remote" });
  });

  test("a sorry server, as a text or as a table", () => {
    expect(serviceOf([[LISTEN, `${LISTEN}\nsorry = "10.0.0.99"`]])?.sorry).toEqual(server("10.0.0.99"));
    const table = `${LISTEN}\nsorry = { address = "10.0.0.99:80", forward = "tunnel", tunnel = "gre" }`;
    expect(serviceOf([[LISTEN, table]])?.sorry).toEqual({
      ...server("10.0.0.99"),
      forward: "tunnel",
      tunnel: { type: "gre", port: 0, checksum: "none" },
    });
  });
});

describe("parseConfig() reads checks", () => {
  const checksOf = (edits: readonly Edit[]) => serviceOf(edits)?.servers.map(({ check }) => check);

  test("a connection by default where everything listened on is TCP", () => {
    expect(checksOf([[`${CHECK}\n`, ""]])).toEqual([TCP, TCP]);
    const withUdp: Edit = [LISTEN, 'listen = ["tcp://203.0.113.10:80", "udp://203.0.113.10:80"]'];
    expect(checksOf([[`${CHECK}\n`, ""], withUdp])).toEqual([undefined, undefined]);
  });

  test("none with check = false, of the service or of a server", () => {
    expect(checksOf([[CHECK, "check = false"]])).toEqual([undefined, undefined]);
    expect(checksOf([[FIRST, `${FIRST}\ncheck = false`]])).toEqual([undefined, TCP]);
    expect(
      checksOf([
        [CHECK, "check = false"],
        [FIRST, `${FIRST}\n[service.real.check]`],
      ]),
    ).toEqual([TCP, undefined]);
  });

  test("a timeout no longer than the interval, by default", () => {
    expect(checksOf([[CHECK, `${CHECK}\ninterval = "500ms"`]])?.[0]).toEqual({
      ...TCP,
      intervalMs: 500,
      timeoutMs: 500,
    });
  });

  test("a server's own keys over the service's, and only the timing when the kind is another", () => {
    const http = '[service.check]\nkind = "http"\npath = "/healthz"\nrise = 5\nport = 8080';
    const method = {
      kind: "http",
      port: 8080,
      method: "GET",
      path: "/healthz",
      expectStatus: [[200, 399]],
      verifyCertificate: true,
    } as const;
    expect(
      checksOf([
        [CHECK, http],
        [FIRST, `${FIRST}\ncheck = { host = "www.example.com" }`],
      ]),
    ).toEqual([
      { ...TCP, rise: 5, method: { ...method, host: "www.example.com" } },
      { ...TCP, rise: 5, method },
    ]);
    expect(
      checksOf([
        [CHECK, http],
        [FIRST, `${FIRST}\ncheck = { kind = "tcp" }`],
      ])?.[0],
    ).toEqual({ ...TCP, rise: 5 });
  });

  test("every key of each kind", () => {
    const method = (table: string) => checksOf([[CHECK, `[service.check]\n${table}`]])?.[0]?.method;
    expect(method('kind = "send-expect"\nsend = "a\\tb"\nexpect = \'c"d\'\nport = 25')).toEqual({
      kind: "send-expect",
      port: 25,
      send: "a\tb",
      expect: 'c"d',
    });
    expect(
      method(
        'kind = "https"\nmethod = "HEAD"\npath = "/a?b=c"\nhost = "h"\nexpect_status = [204, "300-399"]\nverify = false',
      ),
    ).toEqual({
      kind: "https",
      method: "HEAD",
      path: "/a?b=c",
      host: "h",
      expectStatus: [
        [204, 204],
        [300, 399],
      ],
      verifyCertificate: false,
    });
    expect(method('kind = "external"\ncommand = ["/bin/check", "{address}"]\nuser = "check"')).toEqual({
      kind: "external",
      command: ["/bin/check", "{address}"],
      user: "check",
    });
  });
});
