/**
 * Lines of /proc/net/ip_vs_conn (ip_vs_conn.c, ip_vs_conn_seq_show): protocol, client, its port, VIP, its port, server,
 * its port, state, seconds, and perhaps the persistence engine with its data. IPv4 addresses and ports are hexadecimal,
 * IPv6 addresses have eight groups.
 */
import { DecodeError } from "../../lib/errors.ts";
import { addressFromBytes, type Endpoint, parseAddress } from "../../model/address.ts";
import type { IpvsConnection } from "../../model/ipvs-connection.ts";

/** The longest line: three IPv6 addresses, and a call's id of at most 128 bytes (IP_VS_PEDATA_MAXLEN is 255). */
export const CONNECTION_LINE_CHARACTERS_MAX = 1_024;

/** Whether a line is the heading of the file. */
export function isConnectionHeading(line: string): boolean {
  return line.startsWith("Pro ");
}

function endpointOf(addressText: string | undefined, portText: string | undefined, path: string): Endpoint {
  if (portText === undefined || !/^[0-9A-F]{4}$/.test(portText)) {
    throw new DecodeError(`${path}.port`, `${JSON.stringify(portText ?? "")} is not a port of four digits`);
  }
  const port = Number.parseInt(portText, 16);
  if (addressText !== undefined && /^[0-9A-F]{8}$/.test(addressText)) {
    const value = Number.parseInt(addressText, 16);
    const bytes = Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
    return { address: addressFromBytes(bytes), port };
  }
  const address = parseAddress(addressText ?? "");
  if (!address.ok || address.value.family !== "inet6") {
    throw new DecodeError(`${path}.address`, `${JSON.stringify(addressText ?? "")} is not an address`);
  }
  return { address: address.value, port };
}

/** Reads one line, without its end. @throws DecodeError */
export function readConnectionLine(line: string): IpvsConnection {
  if (line.length > CONNECTION_LINE_CHARACTERS_MAX) throw new DecodeError("line", `it has ${line.length} characters`);
  const [protocol = "", ...words] = line.trim().split(/\s+/);
  if (!/^[A-Z][A-Z0-9_]*$/.test(protocol)) {
    throw new DecodeError("protocol", `${JSON.stringify(protocol)} is not a protocol`);
  }
  const [client, clientPort, virtual, virtualPort, server, serverPort, state, seconds, ...engine] = words;
  if (state === undefined) throw new DecodeError("state", "it is missing");
  if (seconds === undefined || !/^\d{1,10}$/.test(seconds)) {
    throw new DecodeError("expires", `${JSON.stringify(seconds ?? "")} is not a number of seconds`);
  }
  return {
    protocol: protocol.toLowerCase(),
    client: endpointOf(client, clientPort, "client"),
    virtual: endpointOf(virtual, virtualPort, "virtual"),
    server: endpointOf(server, serverPort, "server"),
    state,
    expiresSeconds: Number(seconds),
    ...(engine.length === 0 ? {} : { engineData: engine.join(" ") }),
  };
}
