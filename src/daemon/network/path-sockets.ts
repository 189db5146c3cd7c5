/** The sockets of the heartbeats, one for each path. */
import type { PairKeys } from "../../config/key-file.ts";
import type { Input } from "../../failover/machine/failover-input.ts";
import { HeartbeatSocket } from "../../kernel/neighbours/heartbeat-socket.ts";
import type { IpAddress } from "../../model/address.ts";
import type { Link } from "../../model/link.ts";
import { otherRouter, PATHS, type PairSettings, type PathName, type RouterId } from "../../model/pair.ts";
import type { Heartbeat } from "../../wire/heartbeat/heartbeat.ts";
import { sealHeartbeat } from "../../wire/heartbeat/heartbeat-packet.ts";
import { HeartbeatInbox } from "./heartbeat-inbox.ts";

/** The two ends of one path. */
export interface PathEnds {
  readonly local: IpAddress;
  readonly peer: IpAddress;
}

/** The ends of both paths, as this router of the pair sees them. */
export function pathEnds(pair: PairSettings, router: RouterId): Readonly<Record<PathName, PathEnds>> {
  const [mine, theirs] = [pair[router], pair[otherRouter(router)]];
  return {
    public: { local: mine.public, peer: theirs.public },
    private: { local: mine.private, peer: theirs.private },
  };
}

export interface PathSocketsOptions {
  readonly pairId: string;
  readonly port: number;
  readonly ends: Readonly<Record<PathName, PathEnds>>;
  readonly keys: PairKeys;
  /** An authentic packet waits for `drain`. */
  readonly onReady: () => void;
  readonly onProblem: (message: string) => void;
}

/** The sockets of both paths: heartbeats in and out, signed and checked. */
export class PathSockets {
  readonly #options: PathSocketsOptions;
  readonly #inbox: HeartbeatInbox;
  #keys: PairKeys;
  readonly #sockets = new Map<PathName, { readonly socket: HeartbeatSocket; readonly interfaceIndex: number }>();

  constructor(options: PathSocketsOptions) {
    this.#options = options;
    this.#keys = options.keys;
    this.#inbox = new HeartbeatInbox(options.pairId, options.keys);
  }

  /** New keys, as a reload during a rotation brings. */
  setKeys(keys: PairKeys): void {
    this.#keys = keys;
    this.#inbox.setKeys(keys);
  }

  /** Opens the path's socket on this link, or again when the link is another one than before. */
  attach(path: PathName, link: Link): void {
    if (this.#sockets.get(path)?.interfaceIndex === link.index) return;
    this.detach(path);
    try {
      const socket = HeartbeatSocket.open({
        interface: link.name,
        interfaceIndex: link.index,
        ...this.#options.ends[path],
        port: this.#options.port,
        onDatagram: (bytes) => {
          if (this.#inbox.take(path, bytes)) this.#options.onReady();
        },
      });
      this.#sockets.set(path, { socket, interfaceIndex: link.index });
    } catch (error) {
      this.#options.onProblem(`${path} path: ${error instanceof Error ? error.message : error}`);
    }
  }

  detach(path: PathName): void {
    this.#sockets.get(path)?.socket.close();
    this.#sockets.delete(path);
  }

  /** Signs and sends; what a network refuses is counted by the socket and seen as silence by the peer. */
  send(path: PathName, heartbeat: Heartbeat): void {
    this.#sockets.get(path)?.socket.send(sealHeartbeat(heartbeat, this.#keys.signing));
  }

  /** Every heartbeat that came or waits in the kernel, as inputs. */
  drain(): Input[] {
    for (const path of PATHS) {
      for (const bytes of this.#sockets.get(path)?.socket.drain() ?? []) this.#inbox.take(path, bytes);
    }
    return this.#inbox.empty();
  }

  close(): void {
    for (const path of PATHS) this.detach(path);
  }
}
