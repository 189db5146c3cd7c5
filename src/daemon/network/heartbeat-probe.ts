import { randomBytes } from "node:crypto";
import type { Config } from "../../config/keys/config.ts";
import { loadKeys } from "../../config/load.ts";
import { configFingerprint } from "../../config/render/fingerprint.ts";
import { whoAmI } from "../../config/who-am-i.ts";
import { NO_NONCE } from "../../failover/machine/session.ts";
import { AddressClient } from "../../kernel/addresses/address-client.ts";
import { LinkClient } from "../../kernel/addresses/link-client.ts";
import { TandemError, UsageError } from "../../lib/errors.ts";
import { VERSION } from "../../lib/version.ts";
import { sameAddress } from "../../model/address.ts";
import type { Link } from "../../model/link.ts";
import { PATHS, type PathName, type RouterId } from "../../model/pair.ts";
import type { Heartbeat, HeartbeatPayload, PacketRefusal } from "../../wire/heartbeat/heartbeat.ts";
import { PathSockets, pathEnds } from "./path-sockets.ts";
import { pairIdOfConfig } from "./router-network.ts";

/** What a visitor hears on a path. */
export type HeardPacket =
  | { readonly kind: "authentic"; readonly path: PathName; readonly heartbeat: Heartbeat }
  | { readonly kind: "refused"; readonly path: PathName; readonly reason: PacketRefusal | "set-aside" };

const SILENT_SIDE = { carrier: true } as const satisfies HeartbeatPayload["sides"]["public"];

/** A router that wants nothing and has nothing: it never echoes, so what it sends is never evidence of life (rule 2). */
function visitorPayload(config: Config): HeartbeatPayload {
  return {
    role: "standby",
    term: 0,
    lastActiveTerm: 0,
    ready: false,
    leaving: false,
    hold: false,
    abstaining: true,
    holding: false,
    failback: config.pair.failback,
    heardAgeMs: {},
    sides: { public: SILENT_SIDE, private: SILENT_SIDE },
    vips: [],
    vipCount: 0,
    configFingerprint: configFingerprint(config),
    software: VERSION,
  };
}

/**
 * Listens on the heartbeat paths of this machine in place of the daemon, for `heartbeat watch` and `ping`. It may send
 * hellos: packets without an echo, which the peer's daemon answers and otherwise ignores.
 */
export class HeartbeatVisitor {
  /** The path's interface; undefined where this machine does not have its address of that path. */
  readonly links: Readonly<Record<PathName, Link | undefined>>;
  readonly #config: Config;
  readonly #router: RouterId;
  readonly #paths: PathSockets;
  readonly #bootId = randomBytes(8).toString("hex");
  readonly #sent: Record<PathName, number> = { public: 0, private: 0 };

  private constructor(config: Config, router: RouterId, onPacket: (packet: HeardPacket) => void) {
    this.#config = config;
    this.#router = router;
    const mine = config.pair[router];
    const problems: string[] = [];
    this.#paths = new PathSockets({
      pairId: pairIdOfConfig(config),
      port: config.pair.port,
      ends: pathEnds(config.pair, router),
      keys: loadKeys(config.pair.keyFile),
      onReady: () => this.#hear(onPacket),
      onProblem: (message) => problems.push(message),
    });
    using links = LinkClient.open();
    using addresses = AddressClient.open();
    const own = addresses.list();
    const linkOf = (path: PathName): Link | undefined => {
      const place = own.find(({ prefix }) => sameAddress(prefix.address, mine[path]));
      return place === undefined ? undefined : links.get(place.interface);
    };
    this.links = { public: linkOf("public"), private: linkOf("private") };
    for (const path of PATHS) {
      const link = this.links[path];
      if (link !== undefined) this.#paths.attach(path, link);
    }
    const [first] = problems;
    if (first !== undefined) {
      this.close();
      const hint = "while a daemon runs here, it has the port: name its --runtime-dir";
      throw new TandemError({ operation: "listen for heartbeats", reason: first, hint });
    }
  }

  /**
   * @param onPacket gets each packet from the peer's addresses, authentic or not.
   * @throws TandemError when this machine is no router of the configuration, the key can't be read, or the port is taken.
   */
  static open(config: Config, onPacket: (packet: HeardPacket) => void): HeartbeatVisitor {
    using addresses = AddressClient.open();
    const local = addresses.list().map(({ prefix }) => prefix.address);
    const router = whoAmI(config, local);
    if (!router.ok) throw new UsageError({ operation: "find out which router this is", reason: router.problem });
    return new HeartbeatVisitor(config, router.value, onPacket);
  }

  #hear(onPacket: (packet: HeardPacket) => void): void {
    for (const input of this.#paths.drain()) {
      if (input.kind === "heartbeat") onPacket({ kind: "authentic", path: input.path, heartbeat: input.heartbeat });
      if (input.kind !== "packet-refused") continue;
      const { path, reason, count = 1 } = input;
      for (let number = 0; number < count; number += 1) onPacket({ kind: "refused", path, reason });
    }
  }

  /** Sends a hello that the peer answers by echoing `nonce`. @returns the nonce, 32 digits. */
  sendHello(path: PathName): string {
    const nonce = randomBytes(16).toString("hex");
    this.#sent[path] += 1;
    this.#paths.send(path, {
      pairId: pairIdOfConfig(this.#config),
      router: this.#router,
      path,
      bootId: this.#bootId,
      nonce,
      echoNonce: NO_NONCE,
      counter: this.#sent[path],
      echoCounters: { public: 0, private: 0 },
      payload: visitorPayload(this.#config),
    });
    return nonce;
  }

  close(): void {
    this.#paths.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
