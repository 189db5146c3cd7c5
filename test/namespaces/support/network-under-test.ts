/**
 * A router's eyes and ears in the lab's own namespace, with the other machines of its networks in a second one: what
 * the kernel does to an interface there, and what of it the failover machine is told.
 */
import type { Config } from "../../../src/config/keys/config.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { KernelThread } from "../../../src/daemon/kernel-thread/kernel-thread.ts";
import type {
  KernelAnswer,
  KernelOutcome,
  KernelWork,
} from "../../../src/daemon/kernel-thread/kernel-thread-protocol.ts";
import { RouterNetwork } from "../../../src/daemon/network/router-network.ts";
import type { Input } from "../../../src/failover/machine/failover-input.ts";
import type { Surroundings } from "../../../src/failover/machine/surroundings.ts";
import { LinkClient } from "../../../src/kernel/addresses/link-client.ts";
import { type OwnerAnswer, OwnerProbe } from "../../../src/kernel/neighbours/owner-probe.ts";
import { address } from "../../../src/model/address.ts";
import type { MacAddress } from "../../../src/model/mac-address.ts";
import { monotonicMs } from "../../../src/sys/libc/clock.ts";
import { inNamespace, run } from "../../lab/network-namespace.ts";

type InputOf<K extends Input["kind"]> = Extract<Input, { kind: K }>;

const KEY = new Uint8Array(32).fill(7);
export const KEYS = { signing: KEY, accepted: [KEY] };
const LOOK_EVERY_MS = 5;
const LIMIT_MS = 60_000;

/** The cables: interfaces of the same name at both ends. */
const CABLES = ["pub0", "pri0", "third0"] as const;
export type Cable = (typeof CABLES)[number];

const OWN = { pub0: "203.0.113.2/24", pri0: "10.0.0.2/24" } as const;
const OTHERS = { pub0: "203.0.113.3/24", pri0: "10.0.0.3/24", third0: "198.51.100.1/24" } as const;

export const PUBLIC_VIP = `[[vip]]\naddress = "203.0.113.10/24"\ninterface = "pub0"\n`;
export const PRIVATE_VIP = `[[vip]]\naddress = "10.0.0.1/24"\ninterface = "pri0"\n`;
export const THIRD_VIP = `[[vip]]\naddress = "198.51.100.10/24"\ninterface = "third0"\n`;

const PAIR = `[pair]
key_file = "/etc/tandem/pair.key"
[pair.primary]
name = "lvs1"
public = "203.0.113.2"
private = "10.0.0.2"
[pair.backup]
name = "lvs2"
public = "203.0.113.3"
private = "10.0.0.3"
`;

/** The configuration with these VIPs and whatever else. */
export function configOf(...texts: readonly string[]): Config {
  const result = parseConfig([PAIR, ...texts].join("\n"));
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.config;
}

let made = 0;

export class NetworkUnderTest implements Disposable {
  readonly network: RouterNetwork;
  readonly inputs: Input[] = [];
  readonly problems: string[] = [];
  readonly thread: KernelThread;
  /** Where the other machines are. */
  readonly others: string;

  /** Interfaces, addresses and the other machines; the router's eyes are not open yet. */
  constructor(config: Config, cables: readonly Cable[] = ["pub0", "pri0"]) {
    made += 1;
    this.others = `tdnet${process.pid}x${made}`;
    run(["ip", "netns", "add", this.others]);
    for (const name of cables) this.lay(name);
    this.thread = new KernelThread((reason) => this.problems.push(reason));
    this.network = new RouterNetwork({
      config,
      router: "primary",
      keys: KEYS,
      now: monotonicMs,
      onInput: (...inputs) => this.inputs.push(...inputs),
      onReady: () => {},
      onSides: () => {},
      onRenamed: () => {},
      onProblem: (message) => this.problems.push(message),
      survey: (done) => this.thread.request({ kind: "survey" }, ({ survey }) => done(survey, "no survey")),
      readRoutes: (done) =>
        this.thread.request({ kind: "routes" }, ({ routes, elapsedMs }) => done(routes, "no routes", elapsedMs)),
    });
  }

  /** Opens the eyes; what is known from the start is the first of the inputs. */
  open(): void {
    this.network.open();
    this.network.lookForTwins();
    this.inputs.push(...this.network.known());
    this.network.start();
  }

  /** Lays a cable, with the addresses of both ends. */
  lay(name: Cable): void {
    const own = name === "third0" ? [] : [`address add ${OWN[name]} dev ${name}`];
    this.ip(`link add ${name} type veth peer name ${name} netns ${this.others}`);
    this.ip(`link set ${name} addrgenmode none`, `link set ${name} up`, ...own);
    this.other(`link set ${name} addrgenmode none`, `link set ${name} up`, `address add ${OTHERS[name]} dev ${name}`);
  }

  /** Lines for `ip -batch` on the router. */
  ip(...lines: readonly string[]): void {
    run(["ip", "-batch", "-"], lines.join("\n"));
  }

  /** The same on the other machines. */
  other(...lines: readonly string[]): void {
    run(["ip", "-n", this.others, "-batch", "-"], lines.join("\n"));
  }

  onOthers<T>(action: () => T): T {
    return inNamespace(this.others, action);
  }

  setOnOthers(name: string, value: number): void {
    this.onOthers(() => run(["sysctl", "-qw", `${name}=${value}`]));
  }

  macOnOthers(cable: Cable): MacAddress {
    const [link] = JSON.parse(this.onOthers(() => run(["ip", "-json", "link", "show", "dev", cable])));
    return link.address;
  }

  /** Hears what the router hears of these addresses, and more; or what the other machines hear. */
  witness(name: string, addresses: readonly string[], onAnswer: (answer: OwnerAnswer) => void = () => {}): OwnerProbe {
    using links = LinkClient.open();
    const link = links.get(name);
    if (link === undefined) throw new RangeError(name);
    return OwnerProbe.open({ watched: [{ link, addresses: addresses.map(address) }], onAnswer });
  }

  shownOnOthers(cable: Cable): string {
    return this.onOthers(() => run(["ip", "address", "show", "dev", cable]));
  }

  all<K extends Input["kind"]>(kind: K): InputOf<K>[] {
    return this.inputs.filter((input): input is InputOf<K> => input.kind === kind);
  }

  last<K extends Input["kind"]>(kind: K): InputOf<K> | undefined {
    return this.all(kind).at(-1);
  }

  get surroundings(): Surroundings | undefined {
    return this.last("surroundings")?.surroundings;
  }

  /** What is told last of an interface, as a line. */
  interfaceNow(name: string): string {
    const report = this.surroundings?.interfaces.find((one) => one.name === name);
    if (report === undefined) return "not reported";
    const link = report.link === undefined ? "absent" : `up=${report.link.up} carrier=${report.link.carrier}`;
    return `${link} sides=${report.sides.join("+")} own=${report.ownAddress}`;
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    const deadlineMs = monotonicMs() + LIMIT_MS;
    while (!holds()) {
      if (monotonicMs() > deadlineMs)
        throw new Error(`not so: ${what}\n${JSON.stringify(this.inputs.slice(-20), null, 1)}`);
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  /** Has the kernel thread do something. */
  answer(work: KernelWork): Promise<KernelAnswer> {
    return new Promise((resolve) => this.thread.request(work, resolve));
  }

  async outcomes(work: KernelWork): Promise<readonly KernelOutcome[]> {
    return (await this.answer(work)).outcomes;
  }

  [Symbol.dispose](): void {
    this.network.close();
    this.thread.close();
    // The ends of the cables that are in it go with it, and so do the others.
    run(["ip", "netns", "delete", this.others]);
    for (const name of CABLES) Bun.spawnSync(["ip", "link", "delete", name], { stderr: "ignore" });
  }
}
