/** `10.0.0.11:80` of a row as bytes. */
import { type ByteText, countDigits, putDecimal } from "../../lib/byte-text.ts";
import { formatEndpoint } from "../../model/address.ts";
import { ROW, ROW_ADDRESS, type ServerRows } from "../../model/server-rows.ts";

const DOT = 0x2e;
const COLON = 0x3a;
/** `[ffff:…:ffff]:65535` has 47 bytes. */
export const ENDPOINT_BYTES_MAX = 64;

/** The digits of 0 to 255: three bytes, the first one lowest, then how many there are. */
const OCTETS = Uint32Array.from({ length: 256 }, (_, value) => {
  const text = String(value);
  return (
    (text.charCodeAt(0) |
      ((text.charCodeAt(1) || 0) << 8) |
      ((text.charCodeAt(2) || 0) << 16) |
      (text.length << 24)) >>>
    0
  );
});

function inet6Text(servers: ServerRows, row: number): string {
  return formatEndpoint(servers.observed(row).server.endpoint);
}

/** How many bytes `putEndpoint` writes. */
export function endpointLength(servers: ServerRows, row: number): number {
  const numbers = servers.numbers(row);
  const start = servers.start(row);
  if (numbers[start + ROW.isInet6] !== 0) return inet6Text(servers, row).length;
  const address = numbers[start + ROW_ADDRESS] ?? 0;
  const digits =
    ((OCTETS[address & 0xff] ?? 0) >>> 24) +
    ((OCTETS[(address >>> 8) & 0xff] ?? 0) >>> 24) +
    ((OCTETS[(address >>> 16) & 0xff] ?? 0) >>> 24) +
    ((OCTETS[address >>> 24] ?? 0) >>> 24);
  return digits + 4 + countDigits(numbers[start + ROW.port] ?? 0);
}

/** Writes the endpoint of a row at `at`. @returns where it ends. */
export function putEndpoint(buffer: Uint8Array, at: number, servers: ServerRows, row: number): number {
  const numbers = servers.numbers(row);
  const start = servers.start(row);
  if (numbers[start + ROW.isInet6] !== 0) {
    const text = inet6Text(servers, row);
    for (let index = 0; index < text.length; index += 1) buffer[at + index] = text.charCodeAt(index);
    return at + text.length;
  }
  let end = at;
  // The bytes of the address stand in network order, so the first one is the lowest.
  let address = numbers[start + ROW_ADDRESS] ?? 0;
  for (let part = 0; part < 4; part += 1) {
    const digits = OCTETS[address & 0xff] ?? 0;
    buffer[end] = digits;
    buffer[end + 1] = digits >>> 8;
    buffer[end + 2] = digits >>> 16;
    end += (digits >>> 24) + 1;
    buffer[end - 1] = DOT;
    address >>>= 8;
  }
  buffer[end - 1] = COLON;
  const port = numbers[start + ROW.port] ?? 0;
  end += countDigits(port);
  putDecimal(buffer, end, port);
  return end;
}

/** Writes the endpoint of a row. */
export function writeEndpoint(out: ByteText, servers: ServerRows, row: number): void {
  out.reserve(ENDPOINT_BYTES_MAX);
  out.advance(putEndpoint(out.buffer, out.position, servers, row) - out.position);
}
