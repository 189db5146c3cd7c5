/** The connection-sync daemon and the timeouts between the model and the attributes of IPVS. */
import { DecodeError } from "../../lib/errors.ts";
import { addressBytes, addressFromBytes, type IpAddress } from "../../model/address.ts";
import type { ConnectionTimeouts, SyncDaemon } from "../../model/sync-daemon.ts";
import { required } from "../bytes/inet-address.ts";
import {
  type CommandAttributes,
  type DaemonAttributes,
  IP_VS_STATE_BACKUP,
  IP_VS_STATE_MASTER,
} from "./ipvs-numbers.ts";

export function syncDaemonAttributes(daemon: SyncDaemon): DaemonAttributes {
  const group = daemon.group === undefined ? undefined : addressBytes(daemon.group);
  return {
    state: daemon.state === "master" ? IP_VS_STATE_MASTER : IP_VS_STATE_BACKUP,
    interface: daemon.interface,
    syncId: daemon.syncId,
    maxLengthBytes: daemon.maxLengthBytes,
    ...(daemon.group?.family === "inet6" ? { group6: group } : { group }),
    port: daemon.port,
    ttl: daemon.ttl,
  };
}

/** @throws DecodeError that names the attribute which is missing or makes no sense. */
export function toSyncDaemon(attributes: DaemonAttributes): SyncDaemon {
  const state = required(attributes.state, "state");
  if (state !== IP_VS_STATE_MASTER && state !== IP_VS_STATE_BACKUP) {
    throw new DecodeError("state", `${state} is neither master nor backup`);
  }
  const group = toGroup(attributes);
  return {
    state: state === IP_VS_STATE_MASTER ? "master" : "backup",
    interface: required(attributes.interface, "interface"),
    syncId: required(attributes.syncId, "syncId"),
    ...(attributes.maxLengthBytes === undefined ? {} : { maxLengthBytes: attributes.maxLengthBytes }),
    ...(group === undefined ? {} : { group }),
    ...(attributes.port === undefined ? {} : { port: attributes.port }),
    ...(attributes.ttl === undefined ? {} : { ttl: attributes.ttl }),
  };
}

function toGroup(attributes: DaemonAttributes): IpAddress | undefined {
  const { group, group6 } = attributes;
  if (group !== undefined) {
    if (group.length !== 4) throw new DecodeError("group", `needs 4 bytes, got ${group.length}`);
    return addressFromBytes(group);
  }
  if (group6 === undefined) return undefined;
  if (group6.length !== 16) throw new DecodeError("group6", `needs 16 bytes, got ${group6.length}`);
  return addressFromBytes(group6);
}

export function connectionTimeoutAttributes(timeouts: ConnectionTimeouts): CommandAttributes {
  return {
    tcpTimeoutSeconds: timeouts.tcpSeconds,
    tcpFinTimeoutSeconds: timeouts.tcpFinSeconds,
    udpTimeoutSeconds: timeouts.udpSeconds,
  };
}

/** A kernel without TCP or UDP balancing sends no timeout for it: 0 here. */
export function toConnectionTimeouts(attributes: CommandAttributes): ConnectionTimeouts {
  return {
    tcpSeconds: attributes.tcpTimeoutSeconds ?? 0,
    tcpFinSeconds: attributes.tcpFinTimeoutSeconds ?? 0,
    udpSeconds: attributes.udpTimeoutSeconds ?? 0,
  };
}
