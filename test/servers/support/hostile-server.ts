/**
 * A program of its own, so that its work is not the checker's: servers that do their worst, each on a port of loopback.
 * Prints the ports as JSON and goes on until it is killed: `bun hostile-server.ts CERTIFICATE KEY`.
 */
import { readFileSync } from "node:fs";
import { createServer as createPlain, type Socket } from "node:net";
import { createServer as createSecure } from "node:tls";

const MEBIBYTE = 1024 * 1024;

/** What comes first, and what then comes again and again. */
const FLOODS: Readonly<Record<string, readonly [string, string]>> = {
  letters: ["", "x".repeat(MEBIBYTE)],
  zeros: ["", "\0".repeat(MEBIBYTE)],
  "lines that almost match": ["", "220-ready ready 1x\r\n* NO\r\n250-\r\n".repeat(20_000)],
  "headers without end": ["HTTP/1.1 200 OK\r\n", "X-More: and more\r\n".repeat(50_000)],
  "a line of gigabytes": ["HTTP/1.1 200 OK\r\nX-Long: ", "y".repeat(MEBIBYTE)],
  "interim answers without end": ["", "HTTP/1.1 100 Continue\r\n\r\n".repeat(40_000)],
  "a body without end": ["HTTP/1.1 200 OK\r\n\r\n", "never what is wanted\n".repeat(50_000)],
  "chunks without end": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n".repeat(170_000)],
  "TLS records of garbage": ["", `\x16\x03\x03\x40\x00${"Z".repeat(16_384)}`.repeat(60)],
  "packets of nothing": ["", "\0\0\0\0".repeat(260_000)],
};

function pour(socket: Socket, [first, again]: readonly [string, string]): void {
  const bytes = Buffer.from(again, "latin1");
  const more = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on("error", () => socket.destroy());
  socket.on("drain", more);
  socket.on("data", () => undefined);
  socket.write(Buffer.from(first, "latin1"));
  more();
}

/** One byte now and then, for ever. */
function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write("2"), 50);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => clearInterval(timer));
}

async function listen(server: ReturnType<typeof createPlain>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the server has no port");
  return bound.port;
}

const [certificate = "", key = ""] = process.argv.slice(2);
const ports: Record<string, number> = {};
for (const [name, flood] of Object.entries(FLOODS)) {
  ports[name] = await listen(createPlain((socket) => pour(socket, flood)));
}
const secure = createSecure({ cert: readFileSync(certificate), key: readFileSync(key) }, (socket) =>
  pour(socket, FLOODS["headers without end"] ?? ["", ""]),
);
secure.on("tlsClientError", () => undefined);
ports["headers without end, within TLS"] = await listen(secure);
ports["a slow drip"] = await listen(createPlain(drip));
process.stdout.write(`${JSON.stringify(ports)}\n`);
