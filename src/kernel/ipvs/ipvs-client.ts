/** The kernel's IPVS table through its generic-netlink family. */
import { type NetlinkError, SupportError } from "../../lib/errors.ts";
import type { Family } from "../../model/address.ts";
import type { IpvsChange, ObservedServer, ObservedService } from "../../model/ipvs-table.ts";
import { observedTable, ServerRows, type TableRows } from "../../model/server-rows.ts";
import type { ConnectionTimeouts, SyncDaemon, SyncDaemonState } from "../../model/sync-daemon.ts";
import { formatServiceKey, type ServiceKey, serviceFamily, type VirtualService } from "../../model/virtual-service.ts";
import type { Writer } from "../../wire/bytes/bytes.ts";
import {
  connectionTimeoutAttributes,
  syncDaemonAttributes,
  toConnectionTimeouts,
  toSyncDaemon,
} from "../../wire/ipvs/ipvs-daemon.ts";
import {
  type CommandAttributes,
  commandAttributes,
  IP_VS_STATE_BACKUP,
  IP_VS_STATE_MASTER,
  IPVS_CMD,
  IPVS_GENL_NAME,
  IPVS_GENL_VERSION,
  infoAttributes,
} from "../../wire/ipvs/ipvs-numbers.ts";
import { ServiceName } from "../../wire/ipvs/ipvs-request.ts";
import { toObservedServer, toTrafficStats } from "../../wire/ipvs/ipvs-server.ts";
import { ServerRowDecoder } from "../../wire/ipvs/ipvs-server-rows.ts";
import { serviceKeyAttributes, toVirtualService } from "../../wire/ipvs/ipvs-service.ts";
import { ServiceDecoder } from "../../wire/ipvs/ipvs-service-decoder.ts";
import { GENERIC_HEADER_BYTES, readGenericHeader, writeGenericHeader } from "../../wire/netlink/genetlink.ts";
import { beginMessage, endMessage, type NetlinkMessage, NLM_F_REQUEST } from "../../wire/netlink/netlink-message.ts";
import { findGenericFamily } from "../netlink/generic-family.ts";
import {
  NetlinkConnection,
  type NetlinkReply,
  type NetlinkRequest,
  type Refusal,
  understood,
} from "../netlink/netlink-connection.ts";
import { netlinkError, ROOT_HINT } from "../netlink/netlink-failure.ts";
import { changeCommand, IpvsChangeEncoder } from "./ipvs-change-encoder.ts";
import { ipvsFailure, syncDaemonFailure, timeoutsFailure } from "./ipvs-failure.ts";
import { additions, countAdditions, TableLoader } from "./ipvs-loader.ts";

/** asm-generic/errno-base.h */
const EPERM = 1;
const ENOENT = 2;
const ESRCH = 3;

export interface IpvsInfo {
  /** `1.2.1` */
  readonly version: string;
  /** Buckets of the kernel's connection table. */
  readonly connectionTableSize: number;
}

export class IpvsClient {
  readonly #connection: NetlinkConnection;
  readonly #familyId: number;
  readonly #info: IpvsInfo;

  private constructor(connection: NetlinkConnection, familyId: number) {
    this.#connection = connection;
    this.#familyId = familyId;
    this.#info = this.#readInfo();
  }

  /**
   * Finds the IPVS family, which loads the kernel module where that is possible, and asks whether we may use it.
   * @throws SupportError (exit code 4) with a hint when the kernel has no IPVS or does not permit it.
   */
  static open(): IpvsClient {
    const connection = NetlinkConnection.open("generic");
    try {
      const familyId = findGenericFamily(connection, IPVS_GENL_NAME);
      if (familyId === undefined) {
        throw new SupportError({
          operation: "use IPVS",
          reason: "this kernel has not loaded it",
          hint: "run `modprobe ip_vs`",
        });
      }
      return new IpvsClient(connection, familyId);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** The version of IPVS and the size of its connection table. */
  info(): IpvsInfo {
    return this.#info;
  }

  /** All services without their servers (`servers` is empty). @throws NetlinkError, TandemError */
  services(): ObservedService[] {
    const reply = this.#dump(IPVS_CMD.getService, {});
    if (reply.refusal !== undefined) throw netlinkError(reply.refusal, { operation: "list the virtual services" });
    return understood(() => reply.messages.map((message) => toObservedService(message, [])));
  }

  /**
   * All services with their servers, both in the kernel's order.
   * @param traffic whether the servers' counters are wanted. `skipped` leaves them all 0 and takes half the time.
   * @throws NetlinkError, TandemError
   */
  table(traffic: "counted" | "skipped" = "counted"): ObservedService[] {
    if (traffic === "skipped") return observedTable(this.tableRows());
    return this.services().map((observed) => ({ ...observed, servers: this.#servers(observed.service.key) }));
  }

  /**
   * All services with their servers, both in the kernel's order, without their counters: the servers as rows of numbers.
   * @throws NetlinkError, TandemError
   */
  tableRows(): TableRows<VirtualService> {
    const services = this.#plainServices();
    const servers = new ServerRows();
    const ends: number[] = [];
    const read = this.#serverReader(servers);
    for (const { key } of services) {
      read(key);
      ends.push(servers.count);
    }
    return { services, servers, ends };
  }

  /** One service with its servers, or undefined when there is none. @throws NetlinkError, TandemError */
  service(key: ServiceKey): ObservedService | undefined {
    const { messages, refusal } = this.#request(IPVS_CMD.getService, { service: serviceKeyAttributes(key) });
    if (refusal !== undefined) {
      if (refusal.errno === ESRCH) return undefined;
      throw netlinkError(refusal, { operation: "look for the virtual service", subject: formatServiceKey(key) });
    }
    const message = messages[0];
    return message === undefined ? undefined : understood(() => toObservedService(message, this.#servers(key)));
  }

  /**
   * Makes the changes in their order, many in one datagram. A refused one does not hold up those after it.
   * @returns for each change its error, or undefined when it was made.
   * @throws RangeError for a number that the kernel has no room for, SyscallError and TandemError when the kernel does
   *   not answer; changes may be made then.
   */
  apply(changes: readonly IpvsChange[]): (NetlinkError | undefined)[] {
    const encoder = new IpvsChangeEncoder();
    const refusals = this.#connection.batch(changes.length, (writer, index, sequence) => {
      const change = changes[index];
      if (change === undefined) return;
      const start = beginMessage(writer, this.#familyId, NLM_F_REQUEST, sequence);
      writeGenericHeader(writer, changeCommand(change), IPVS_GENL_VERSION);
      encoder.encode(writer, change);
      endMessage(writer, start);
    });
    return refusals.map((refusal, index) => {
      const change = changes[index];
      return refusal === undefined || change === undefined ? undefined : ipvsFailure(refusal, change);
    });
  }

  /**
   * Adds a whole table: each service, then its servers, as `apply` of `additions` does.
   * @returns the errors by the numbers of the changes; empty when all were made.
   * @throws as `apply` does.
   */
  load(table: TableRows<VirtualService>): ReadonlyMap<number, NetlinkError> {
    const loader = new TableLoader(this.#familyId, table);
    const refusals = this.#connection.batch(countAdditions(table), (writer, _index, sequence) =>
      loader.write(writer, sequence),
    );
    const errors = new Map<number, NetlinkError>();
    if (refusals.every((refusal) => refusal === undefined)) return errors;
    for (const [index, change] of additions(table).entries()) {
      const refusal = refusals[index];
      if (refusal !== undefined) errors.set(index, ipvsFailure(refusal, change));
    }
    return errors;
  }

  /** Removes every service at once. @throws NetlinkError, TandemError */
  flush(): void {
    const { refusal } = this.#request(IPVS_CMD.flush, {});
    if (refusal !== undefined) throw netlinkError(refusal, { operation: "remove all virtual services" });
  }

  /** The sync daemons that run: none, one, or a master and a backup. @throws NetlinkError, TandemError */
  syncDaemons(): SyncDaemon[] {
    const reply = this.#dump(IPVS_CMD.getDaemon, {});
    if (reply.refusal !== undefined) throw netlinkError(reply.refusal, { operation: "list the sync daemons" });
    return understood(() =>
      reply.messages.flatMap((message) => {
        const { daemon } = readCommand(message);
        return daemon === undefined ? [] : [toSyncDaemon(daemon)];
      }),
    );
  }

  /** Starts a sync daemon. @throws NetlinkError (EEXIST when it runs already), TandemError */
  startSyncDaemon(daemon: SyncDaemon): void {
    const { refusal } = this.#request(IPVS_CMD.newDaemon, { daemon: syncDaemonAttributes(daemon) });
    if (refusal !== undefined) throw syncDaemonFailure(refusal, daemon);
  }

  /**
   * Stops a sync daemon. @returns whether it ran. @throws NetlinkError, TandemError
   *
   * The request is sent twice in one datagram: a daemon that was started a moment ago ends with EINTR, which the kernel
   * does not answer at all (netlink_rcv_skb), and then only the answer to the second one comes: there is none to stop.
   */
  stopSyncDaemon(state: SyncDaemonState): boolean {
    const number = state === "master" ? IP_VS_STATE_MASTER : IP_VS_STATE_BACKUP;
    const [refusal] = this.#connection.batch(2, (writer, _index, sequence) => {
      const start = beginMessage(writer, this.#familyId, NLM_F_REQUEST, sequence);
      writeCommand(writer, IPVS_CMD.deleteDaemon, { daemon: { state: number } });
      endMessage(writer, start);
    });
    if (refusal === undefined) return true;
    if (refusal.errno === ESRCH || refusal.errno === ENOENT) return false;
    throw netlinkError(refusal, { operation: "stop the sync daemon", subject: state });
  }

  /** @throws NetlinkError, TandemError */
  connectionTimeouts(): ConnectionTimeouts {
    const reply = this.#request(IPVS_CMD.getConfig, {});
    if (reply.refusal !== undefined) throw netlinkError(reply.refusal, { operation: "read the connection timeouts" });
    return understood(() => toConnectionTimeouts(firstCommand(reply)));
  }

  /** Sets those that are not 0. @throws NetlinkError, TandemError */
  setConnectionTimeouts(timeouts: ConnectionTimeouts): void {
    const { refusal } = this.#request(IPVS_CMD.setConfig, connectionTimeoutAttributes(timeouts));
    if (refusal !== undefined) throw timeoutsFailure(refusal);
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #readInfo(): IpvsInfo {
    const reply = this.#request(IPVS_CMD.getInfo, {});
    if (reply.refusal?.errno === EPERM) {
      throw new SupportError({ operation: "use IPVS", reason: "not permitted (EPERM)", hint: ROOT_HINT });
    }
    if (reply.refusal !== undefined) throw netlinkError(reply.refusal, { operation: "use IPVS" });
    return understood(() => toInfo(reply.messages[0]));
  }

  #plainServices(): VirtualService[] {
    const services: VirtualService[] = [];
    const decoder = new ServiceDecoder();
    const refusal = this.#dumpEach(
      IPVS_CMD.getService,
      {},
      () => services.splice(0),
      (view, start, end) => services.push(decoder.decode(view, start, end)),
    );
    if (refusal !== undefined) throw netlinkError(refusal, { operation: "list the virtual services" });
    return services;
  }

  /** What adds the servers of a service to rows, made once for all services. */
  #serverReader(servers: ServerRows): (key: ServiceKey) => void {
    const decoder = new ServerRowDecoder(servers);
    const name = new ServiceName();
    let family: Family = "inet";
    let before = 0;
    const request: NetlinkRequest = {
      type: this.#familyId,
      write: (writer) => {
        writeGenericHeader(writer, IPVS_CMD.getDestination, IPVS_GENL_VERSION);
        name.write(writer);
      },
    };
    const begin = () => servers.truncate(before);
    const visit = (view: DataView, start: number, end: number) =>
      decoder.add(view, start + GENERIC_HEADER_BYTES, end, family);
    return (key) => {
      name.set(key);
      family = serviceFamily(key);
      before = servers.count;
      const refusal = this.#connection.dumpEach(request, begin, visit);
      if (refusal === undefined) return;
      throw netlinkError(refusal, { operation: "list the real servers of", subject: formatServiceKey(key) });
    };
  }

  #servers(key: ServiceKey): ObservedServer[] {
    const reply = this.#dump(IPVS_CMD.getDestination, { service: serviceKeyAttributes(key) });
    if (reply.refusal !== undefined) {
      throw netlinkError(reply.refusal, { operation: "list the real servers of", subject: formatServiceKey(key) });
    }
    const family = serviceFamily(key);
    return understood(() =>
      reply.messages.map((message) => toObservedServer(readCommand(message).destination ?? {}, family)),
    );
  }

  #request(command: number, values: CommandAttributes): NetlinkReply {
    return this.#connection.request({ type: this.#familyId, write: (writer) => writeCommand(writer, command, values) });
  }

  #dumpEach(
    command: number,
    values: CommandAttributes,
    begin: () => void,
    visit: (view: DataView, start: number, end: number) => void,
  ): Refusal | undefined {
    const request = { type: this.#familyId, write: (writer: Writer) => writeCommand(writer, command, values) };
    return this.#connection.dumpEach(request, begin, visit);
  }

  #dump(command: number, values: CommandAttributes): NetlinkReply {
    return this.#connection.dump({ type: this.#familyId, write: (writer) => writeCommand(writer, command, values) });
  }
}

function writeCommand(writer: Writer, command: number, values: CommandAttributes): void {
  writeGenericHeader(writer, command, IPVS_GENL_VERSION);
  commandAttributes.encode(writer, values);
}

function readCommand(message: NetlinkMessage): CommandAttributes {
  return commandAttributes.decode(readGenericHeader(message.payload).attributes);
}

function firstCommand(reply: NetlinkReply): CommandAttributes {
  const message = reply.messages[0];
  return message === undefined ? {} : readCommand(message);
}

function toInfo(message: NetlinkMessage | undefined): IpvsInfo {
  const values = message === undefined ? {} : infoAttributes.decode(readGenericHeader(message.payload).attributes);
  const version = values.version ?? 0;
  // NVERSION in linux/ip_vs.h
  return {
    version: `${(version >> 16) & 0xff}.${(version >> 8) & 0xff}.${version & 0xff}`,
    connectionTableSize: values.connectionTableSize ?? 0,
  };
}

function toObservedService(message: NetlinkMessage, servers: readonly ObservedServer[]): ObservedService {
  const attributes = readCommand(message).service ?? {};
  return { service: toVirtualService(attributes), servers, stats: toTrafficStats(attributes) };
}
