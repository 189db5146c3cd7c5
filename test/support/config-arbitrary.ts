import fc from "fast-check";
import type { Config, ConfiguredServer, ConfiguredService, ConfiguredVip } from "../../src/config/keys/config.ts";
import { address, type Endpoint, type Family, type IpAddress } from "../../src/model/address.ts";
import { FILE_STATES, GATE_EFFECTS, GATE_TIMES, type Gate, type GateSubject } from "../../src/model/gate.ts";
import {
  type Check,
  type CheckMethod,
  type ConnectMethod,
  DNS_RECORDS,
  GREETING_KINDS,
  type ScriptStep,
  STARTTLS_KINDS,
  type TlsMethod,
} from "../../src/model/health-check.ts";
import type { IpvsSettings } from "../../src/model/ipvs-setting.ts";
import type { PairSettings } from "../../src/model/pair.ts";
import { FORWARDINGS, type Forwarding, type RealServer, type Tunnel } from "../../src/model/real-server.ts";
import { SCHEDULERS } from "../../src/model/scheduler.ts";
import {
  type Persistence,
  SCHEDULER_FLAGS,
  type ServiceKey,
  type VirtualService,
} from "../../src/model/virtual-service.ts";

/** Valid configurations of every kind, for properties. They keep the rules that parseConfig checks. */

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const words = fc.array(fc.string({ unit: "grapheme", maxLength: 8 }).filter(withoutNul), { maxLength: 3 });
const text = fc.string({ unit: "binary", maxLength: 40 }).filter(withoutNul);
const wholeSeconds = (max: number) => fc.integer({ min: 1, max }).map((seconds) => seconds * 1000);

function withoutNul(candidate: string): boolean {
  return !candidate.includes("\0");
}

/** `value`, or the key left out. */
function sometimes<K extends string, T>(key: K, value: fc.Arbitrary<T>): fc.Arbitrary<{ readonly [P in K]?: T }> {
  return fc
    .option(value, { nil: undefined })
    .map((chosen) => (chosen === undefined ? {} : ({ [key]: chosen } as { [P in K]: T })));
}

const program = words.map((rest) => ["/bin/program", ...rest]);

const pair: fc.Arbitrary<PairSettings> = fc
  .record({
    keyFile: text.map((rest) => `/etc/${rest}`),
    intervalMs: fc.integer({ min: 10, max: 5000 }),
    factor: fc.integer({ min: 2, max: 20 }),
    failback: fc.constantFrom("automatic" as const, "manual" as const),
    failbackAfterMs: fc.integer({ min: 1000, max: 3_600_000 }),
    leaseMs: wholeSeconds(3600),
    port: fc.integer({ min: 1, max: 65_535 }),
    names: fc.uniqueArray(name, { minLength: 2, maxLength: 2 }),
    families: fc.tuple(fc.boolean(), fc.boolean()),
    neighbours: fc.array(
      fc.integer({ min: 1, max: 200 }).map((host) => address(`198.51.100.${host}`)),
      { maxLength: 3 },
    ),
    stop: fc.constantFrom("release" as const, "keep" as const),
    views: fc.constantFrom("warn" as const, "act" as const),
  })
  .map(({ intervalMs, factor, names, families: [publicIsV4, privateIsV4], ...rest }) => {
    const own = (host: number) => ({
      public: address(publicIsV4 ? `203.0.113.${host}` : `2001:db8::${host}`),
      private: address(privateIsV4 ? `10.0.0.${host}` : `fd00::${host}`),
    });
    return {
      ...rest,
      intervalMs,
      deadAfterMs: Math.max(20, intervalMs * factor),
      primary: { name: names[0] ?? "a", ...own(2) },
      backup: { name: names[1] ?? "b", ...own(3) },
    };
  });

const vips: fc.Arbitrary<readonly ConfiguredVip[]> = fc
  .uniqueArray(fc.integer({ min: 10, max: 200 }), { maxLength: 4 })
  .chain((hosts) => fc.tuple(...hosts.map(vipOf)));

function vipOf(host: number): fc.Arbitrary<ConfiguredVip> {
  const interfaceName = fc.constantFrom("eth0", "bond0.17", "ä");
  return fc.tuple(fc.boolean(), interfaceName, fc.boolean(), fc.integer({ min: 1, max: 99 }), fc.boolean()).map(
    ([isV4, on, hasLabel, number, isOptional]): ConfiguredVip => ({
      prefix: { address: address(isV4 ? `203.0.113.${host}` : `2001:db8::${host}`), prefixLength: isV4 ? 24 : 64 },
      interface: on,
      ...(isV4 && hasLabel ? { label: `${on}:${number}` } : {}),
      ...(isOptional ? { optional: true as const } : {}),
    }),
  );
}

const timing = fc.integer({ min: 100, max: 86_400_000 }).chain((intervalMs) =>
  fc.record({
    intervalMs: fc.constant(intervalMs),
    timeoutMs: fc.integer({ min: 10, max: intervalMs }),
    rise: fc.integer({ min: 1, max: 100 }),
    fall: fc.integer({ min: 1, max: 100 }),
  }),
);

const statusRange = fc
  .tuple(fc.integer({ min: 100, max: 599 }), fc.integer({ min: 100, max: 599 }))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

/** Each of these parts, or not. */
function someOf<T extends object>(parts: { readonly [K in keyof T]-?: fc.Arbitrary<Exclude<T[K], undefined>> }) {
  return fc.record(parts, { requiredKeys: [] }) as unknown as fc.Arbitrary<T>;
}

const route = someOf<Omit<ConnectMethod, "port">>({
  address: fc.constantFrom(address("127.0.0.1"), address("2001:db8::7")),
  source: fc.constant(address("10.0.0.2")),
  interface: fc.constantFrom("eth1", "bond0.18"),
  mark: fc.integer({ min: 1, max: 0xffff_ffff }),
});

const tls = someOf<Pick<TlsMethod, "serverName" | "authoritiesFile" | "warnDays">>({
  serverName: fc.constant("web.test"),
  authoritiesFile: fc.constant("/etc/ca.pem"),
  warnDays: fc.integer({ min: 1, max: 3650 }),
}).map((given): { readonly tls?: TlsMethod } => (Object.keys(given).length === 0 ? {} : { tls: given }));

const secured = fc
  .tuple(route, tls, fc.boolean())
  .map(([way, files, verifyCertificate]) => ({ ...way, ...files, verifyCertificate }));
const talk = fc.oneof(
  route,
  secured.map((how) => ({ ...how, transport: "tls" as const })),
);
const dnsTalk = fc.oneof(
  talk,
  route.map((how) => ({ ...how, transport: "tcp" as const })),
);

const stepText = text.filter((value) => value !== "");
const scriptStep: fc.Arbitrary<ScriptStep> = fc.oneof(
  fc.record({ kind: fc.constantFrom("send" as const, "expect" as const), value: stepText }),
  fc.record({ kind: fc.constantFrom("send-bytes" as const, "expect-bytes" as const), value: fc.constant("00 ff") }),
  fc.record({
    kind: fc.constant("expect-regex" as const),
    value: fc.constant("^250 "),
    limitBytes: fc.integer({ min: 1, max: 65_536 }),
  }),
  fc.constant({ kind: "close" as const, value: "" }),
);

function protocolOf(port: fc.Arbitrary<{ readonly port?: number }>): fc.Arbitrary<CheckMethod> {
  const greeting = fc.constantFrom(...GREETING_KINDS);
  return fc.oneof(
    fc.tuple(greeting, talk, port).map(([kind, how, own]): CheckMethod => ({ kind, ...how, ...own })),
    fc
      .tuple(stepText, talk, port)
      .map(([service, how, own]): CheckMethod => ({ kind: "grpc", service, ...how, ...own })),
    fc.tuple(text, route, port).map(([send, how, own]): CheckMethod => ({ kind: "udp", send, ...how, ...own })),
    route.map((how): CheckMethod => ({ kind: "ping", ...how })),
    fc
      .tuple(fc.constantFrom(...STARTTLS_KINDS), secured, port)
      .map(([kind, how, own]): CheckMethod => ({ kind, transport: "starttls", ...how, ...own })),
    fc
      .tuple(fc.constantFrom(...DNS_RECORDS), dnsTalk, port)
      .map(([record, how, own]): CheckMethod => ({ kind: "dns", query: "web.test", record, ...how, ...own })),
    fc.tuple(fc.uniqueArray(fc.constantFrom("192.0.2.1", "a b"), { minLength: 1 }), route, port).map(
      ([expectAnswers, how, own]): CheckMethod => ({
        ...{ kind: "dns", query: "web.test", record: "TXT", expectAnswers },
        ...how,
        ...own,
      }),
    ),
    fc
      .tuple(someOf<{ userName?: string }>({ userName: fc.constant("probe") }), route, port)
      .map(([user, how, own]): CheckMethod => ({ kind: "radius", secretFile: "/etc/s", ...user, ...how, ...own })),
    fc.tuple(secured, port).map(
      ([how, own]): CheckMethod => ({
        ...{ kind: "send-expect", send: "", expect: "", script: [{ kind: "start-tls", value: "" }] },
        ...how,
        ...own,
      }),
    ),
    fc
      .tuple(fc.array(scriptStep, { minLength: 1, maxLength: 5 }), talk, port)
      .map(
        ([script, how, own]): CheckMethod => ({ kind: "send-expect", send: "", expect: "", script, ...how, ...own }),
      ),
  );
}

function methodOf(port: fc.Arbitrary<{ readonly port?: number }>): fc.Arbitrary<CheckMethod> {
  const http = fc
    .tuple(
      fc.record({
        kind: fc.constantFrom("http" as const, "https" as const),
        path: fc.stringMatching(/^\/[!-~]{0,20}$/),
        expectStatus: fc.array(statusRange, { minLength: 1, maxLength: 3 }),
        verify: fc.boolean(),
        body: fc.option(text, { nil: undefined }),
        isHead: fc.boolean(),
      }),
      sometimes("host", fc.constantFrom("www.example.com", "[2001:db8::1]:80")),
      port,
    )
    .map(
      ([{ verify, body, isHead, ...rest }, host, ownPort]): CheckMethod => ({
        ...rest,
        ...host,
        ...ownPort,
        method: isHead ? "HEAD" : "GET",
        ...(body === undefined || isHead ? {} : { expectBody: body }),
        verifyCertificate: rest.kind === "http" || verify,
      }),
    );
  const external = fc
    .record({ command: program, user: fc.constantFrom("nobody", "_check-1") })
    .map((rest): CheckMethod => ({ kind: "external", ...rest }));
  const plain = fc
    .tuple(fc.option(fc.record({ send: text, expect: text }), { nil: undefined }), port)
    .map(
      ([texts, ownPort]): CheckMethod =>
        texts === undefined ? { kind: "tcp", ...ownPort } : { kind: "send-expect", ...texts, ...ownPort },
    );
  return fc.oneof(plain, http, external, protocolOf(port));
}

const anyPort = sometimes("port", fc.integer({ min: 1, max: 65_535 }));
const somePort = fc.integer({ min: 1, max: 65_535 }).map((port) => ({ port }));

const furtherTiming = fc.record(
  {
    downIntervalMs: fc.integer({ min: 100, max: 86_400_000 }),
    flap: fc.record({
      limit: fc.integer({ min: 1, max: 100 }),
      windowMs: fc.integer({ min: 1_000, max: 86_400_000 }),
      holdMs: fc.integer({ min: 1_000, max: 86_400_000 }),
    }),
  },
  { requiredKeys: [] },
);

function checkOf(needsPort: boolean): fc.Arbitrary<Check> {
  return fc
    .tuple(timing, furtherTiming, methodOf(needsPort ? somePort : anyPort))
    .map(([times, more, method]) => ({ ...times, ...more, method }));
}

/** A gate's target is where it goes: none has an address and a port of its own. */
function gateCheck(method: CheckMethod, port: number): GateSubject {
  if (method.kind === "external") return { kind: "check", method };
  const { address: _address, ...rest } = method;
  const target = { address: address("127.0.0.1"), port: method.kind === "ping" ? 0 : port };
  return { kind: "check", target, method: rest };
}

const gateSubject: fc.Arbitrary<GateSubject> = fc.oneof(
  fc.tuple(methodOf(fc.constant({})), fc.integer({ min: 1, max: 65_535 })).map(([how, port]) => gateCheck(how, port)),
  fc.constantFrom("haproxy", "Web Content", "ü").map((process): GateSubject => ({ kind: "process", name: process })),
  fc.constantFrom("eth2", "bond0.17").map((link): GateSubject => ({ kind: "interface", name: link })),
  fc.constantFrom(...FILE_STATES).map((state): GateSubject => ({ kind: "file", path: "/run/a b", state })),
);

const gates: fc.Arbitrary<readonly Gate[]> = fc.uniqueArray(name, { maxLength: 3 }).chain((names) =>
  fc.tuple(
    ...names.map((gateName) =>
      fc
        .record({
          effect: fc.constantFrom(...GATE_EFFECTS),
          when: fc.constantFrom(...GATE_TIMES),
          subject: gateSubject,
          times: timing,
          more: furtherTiming,
        })
        .map(({ times, more, ...rest }): Gate => ({ name: gateName, ...rest, ...times, ...more })),
    ),
  ),
);

const tunnel: fc.Arbitrary<Tunnel> = fc.oneof(
  fc.record({
    type: fc.constant("gre" as const),
    port: fc.constant(0),
    checksum: fc.constantFrom("none" as const, "full" as const),
  }),
  fc.record({
    type: fc.constant("gue" as const),
    port: fc.integer({ min: 1, max: 65_535 }),
    checksum: fc.constantFrom("none" as const, "full" as const, "remote" as const),
  }),
);

/** What the servers of a service have to fit. */
interface Frame {
  readonly index: number;
  readonly family: Family;
  readonly keys: readonly ServiceKey[];
}

function addressOf(family: Family, index: number, host: number): IpAddress {
  return address(family === "inet" ? `10.1.${index}.${host}` : `fd00:1::${index + 1}:${host}`);
}

/** The port that a server without one of its own gets; 0 where that is ambiguous. */
function commonPort(keys: readonly ServiceKey[]): number {
  const ports = new Set(keys.map((key) => (key.kind === "address" ? key.port : 0)));
  return ports.size === 1 ? ([...ports][0] ?? 0) : 0;
}

function endpointOf(frame: Frame, forward: Forwarding, family: Family, host: number): fc.Arbitrary<Endpoint> {
  const port = commonPort(frame.keys);
  const own = fc.integer({ min: 1, max: 65_535 });
  const ports = forward === "nat" ? (port === 0 ? fc.oneof(fc.constant(0), own) : own) : fc.constant(port);
  return ports.map((chosen) => ({ address: addressOf(family, frame.index, host), port: chosen }));
}

function serverOf(frame: Frame, host: number): fc.Arbitrary<RealServer> {
  return fc.tuple(fc.constantFrom(...FORWARDINGS), fc.boolean()).chain(([forward, mixed]) => {
    const other: Family = frame.family === "inet" ? "inet6" : "inet";
    return fc
      .tuple(
        endpointOf(frame, forward, forward === "tunnel" && mixed ? other : frame.family, host),
        fc.integer({ min: 0, max: 2_147_483_647 }),
        fc.oneof(
          fc.constant({ upperThreshold: 0, lowerThreshold: 0 }),
          fc
            .integer({ min: 1, max: 2_147_483_647 })
            .chain((upperThreshold) =>
              fc
                .integer({ min: 0, max: upperThreshold - 1 })
                .map((lowerThreshold) => ({ upperThreshold, lowerThreshold })),
            ),
        ),
        forward === "tunnel" ? sometimes("tunnel", tunnel) : fc.constant({}),
      )
      .map(([endpoint, weight, thresholds, wrapped]) => ({ endpoint, forward, weight, ...thresholds, ...wrapped }));
  });
}

function checksOf(isPortless: boolean): fc.Arbitrary<Omit<ConfiguredServer, "server">> {
  const check = checkOf(isPortless);
  return fc.oneof(
    fc.constant({}),
    check.map((only) => ({ check: only })),
    fc.tuple(check, check).map(([first, second]) => ({ check: first, furtherChecks: [second] })),
  );
}

function configuredOf(frame: Frame, host: number): fc.Arbitrary<ConfiguredServer> {
  return serverOf(frame, host).chain((server) => {
    const portless = frame.keys.some((key) => key.kind === "fwmark" || key.port === 0);
    return checksOf(server.endpoint.port === 0 && portless).map((checks) => ({ server, ...checks }));
  });
}

/** What servers that are added later take from a service that has none. */
const template = fc
  .tuple(fc.constantFrom(...FORWARDINGS), checksOf(false))
  .map(([forward, checks]) => ({ forward, ...checks }));

function keyOf(index: number, position: number, family: Family): fc.Arbitrary<ServiceKey> {
  const host = addressOf(family, 200, index + 1);
  return fc.oneof(
    fc
      .constantFrom("tcp" as const, "udp" as const, "sctp" as const)
      .map((protocol): ServiceKey => ({ kind: "address", protocol, address: host, port: 1000 + position })),
    fc.constant<ServiceKey>({ kind: "fwmark", mark: index * 10 + position + 1, family }),
  );
}

function persistenceOf(family: Family): fc.Arbitrary<Persistence> {
  const bits = family === "inet" ? 32 : 128;
  return fc
    .tuple(
      fc.integer({ min: 1, max: 2_678_400 }),
      fc.integer({ min: family === "inet" ? 0 : 1, max: bits }),
      fc.boolean(),
    )
    .map(([timeoutSeconds, prefixLength, sip]) => ({
      timeoutSeconds,
      prefixLength,
      ...(sip ? { engine: "sip" } : {}),
    }));
}

function listenOf(keys: readonly ServiceKey[], family: Family): fc.Arbitrary<readonly VirtualService[]> {
  const udpOnly = keys.every((key) => key.kind === "fwmark" || key.protocol === "udp");
  return fc
    .tuple(
      fc.record({
        scheduler: fc.constantFrom(...SCHEDULERS),
        schedulerFlags: fc.subarray([...SCHEDULER_FLAGS]),
        onePacket: udpOnly ? fc.boolean() : fc.constant(false),
      }),
      sometimes("persistence", persistenceOf(family)),
    )
    .map(([common, persistence]) => keys.map((key) => ({ key, ...common, ...persistence })));
}

function serviceOf(index: number, serviceName: string): fc.Arbitrary<ConfiguredService> {
  return fc
    .constantFrom<Family>("inet", "inet6")
    .chain((family) =>
      fc.tuple(
        fc.constant(family),
        fc.integer({ min: 1, max: 3 }).chain((count) => fc.tuple(...keysOf(index, count, family))),
      ),
    )
    .chain(([family, keys]) => {
      const frame: Frame = { index, family, keys };
      return fc
        .tuple(
          listenOf(keys, family),
          fc.integer({ min: 0, max: 4 }).chain((count) => fc.tuple(...serversOf(frame, count))),
          fc.record({ onFailure: fc.constantFrom("remove" as const, "quiesce" as const) }),
          sometimes(
            "sorry",
            serverOf(frame, 99).map((sorry) => ({ ...sorry, weight: 1, upperThreshold: 0, lowerThreshold: 0 })),
          ),
          sometimes("slowStartMs", fc.integer({ min: 1, max: 3_600_000 })),
          sometimes("panicPercent", fc.integer({ min: 1, max: 100 })),
          sometimes(
            "quorum",
            fc.record({
              by: fc.constantFrom("servers" as const, "weight" as const),
              needed: fc.integer({ min: 2, max: 100 }),
              hysteresis: fc.integer({ min: 0, max: 1 }),
            }),
          ),
          template,
        )
        .map(([listen, servers, fixed, sorry, slow, panic, quorum, like]) => {
          const whole = { name: serviceName, listen, servers, ...fixed, ...sorry, ...slow, ...panic, ...quorum };
          return reachable(servers.length === 0 ? { ...whole, template: like } : whole);
        });
    });
}

/** The same with a quorum that all servers together reach, or with none. */
function reachable({ quorum, ...service }: ConfiguredService): ConfiguredService {
  if (quorum === undefined) return service;
  const { servers } = service;
  const all = quorum.by === "servers" ? servers.length : servers.reduce((sum, { server }) => sum + server.weight, 0);
  const needed = Math.min(quorum.needed, all);
  return needed < 2 ? service : { ...service, quorum: { ...quorum, needed } };
}

function keysOf(index: number, count: number, family: Family): fc.Arbitrary<ServiceKey>[] {
  return Array.from({ length: count }, (_, position) => keyOf(index, position, family));
}

function serversOf(frame: Frame, count: number): fc.Arbitrary<ConfiguredServer>[] {
  return Array.from({ length: count }, (_, host) => configuredOf(frame, host + 1));
}

function mixesFamilies({ listen, servers, sorry }: ConfiguredService): boolean {
  const endpoints = [...servers.map(({ server }) => server.endpoint), ...(sorry === undefined ? [] : [sorry.endpoint])];
  const families = listen.map(({ key }) => (key.kind === "fwmark" ? key.family : key.address.family));
  return endpoints.some((endpoint) => families.some((family) => family !== endpoint.address.family));
}

const seconds = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 21_474_836 }));
const timeouts = fc.record({ tcpSeconds: seconds, tcpFinSeconds: seconds, udpSeconds: seconds });

const defence = fc.integer({ min: 0, max: 3 });
const count = fc.integer({ min: 0, max: 2_147_483_647 });
const ipvs: fc.Arbitrary<IpvsSettings> = fc.record(
  {
    expire_nodest_conn: fc.boolean(),
    expire_quiescent_template: fc.boolean(),
    conn_reuse_mode: fc.integer({ min: 0, max: 3 }),
    sloppy_tcp: fc.boolean(),
    sloppy_sctp: fc.boolean(),
    schedule_icmp: fc.boolean(),
    nat_icmp_send: fc.boolean(),
    pmtu_disc: fc.boolean(),
    conntrack: fc.boolean(),
    snat_reroute: fc.boolean(),
    ignore_tunneled: fc.boolean(),
    cache_bypass: fc.boolean(),
    drop_entry: defence,
    drop_packet: defence,
    secure_tcp: defence,
    amemthresh: count,
    am_droprate: count,
    run_estimation: fc.boolean(),
    est_nice: fc.integer({ min: -20, max: 19 }),
  },
  { requiredKeys: ["expire_nodest_conn", "expire_quiescent_template"] },
);

/** Any valid configuration. */
export const anyConfig: fc.Arbitrary<Config> = fc
  .record({
    pair,
    vips,
    gates,
    services: fc
      .uniqueArray(name, { maxLength: 3 })
      .chain((names) => fc.tuple(...names.map((serviceName, index) => serviceOf(index, serviceName)))),
    sync: fc
      .tuple(
        fc.record({
          enabled: fc.boolean(),
          id: fc.integer({ min: 0, max: 255 }),
          group: fc.constantFrom("224.0.0.81", "ff02::81"),
          port: fc.integer({ min: 1, max: 65_535 }),
          ttl: fc.integer({ min: 1, max: 255 }),
        }),
        fc.oneof(
          fc.constant({ mode: "prompt" as const }),
          sometimes("maxLengthBytes", fc.integer({ min: 1_024, max: 65_487 })).map((length) => ({
            mode: "batched" as const,
            ...length,
          })),
        ),
        sometimes("interface", fc.constantFrom("eth1", "bond0.18")),
      )
      .map(([settings, manner, on]) => ({ ...settings, ...manner, ...on })),
    ipvs,
    hooks: fc
      .tuple(
        fc.record({
          active: fc.oneof(fc.constant([]), program),
          standby: fc.oneof(fc.constant([]), program),
          timeoutMs: fc.integer({ min: 100, max: 600_000 }),
        }),
        sometimes("verdict", program),
        sometimes("quorum", program),
        sometimes(
          "takeover",
          fc.record({ program, onFailure: fc.constantFrom("abort" as const, "continue" as const) }),
        ),
      )
      .map(([settings, verdict, quorum, takeover]) => ({ ...settings, ...verdict, ...quorum, ...takeover })),
    log: fc.record({
      format: fc.constantFrom("text" as const, "json" as const),
      level: fc.constantFrom("debug" as const, "info" as const, "warn" as const, "error" as const),
    }),
  })
  .chain((config) => sometimes("timeouts", timeouts).map((kept) => ({ ...config, ...kept })))
  .map(({ sync, ...rest }) => ({
    ...rest,
    sync: { ...sync, enabled: sync.enabled && !rest.services.some(mixesFamilies) },
  }));
