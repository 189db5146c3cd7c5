import { describe, expect, test } from "bun:test";
import { DecodeError } from "../../../../src/lib/errors.ts";
import { HTTP_HEAD_LIMIT_BYTES, HttpResponseReader } from "../../../../src/probe/protocols/http-response.ts";

interface Read {
  readonly status: number | undefined;
  readonly body: string;
  readonly complete: boolean;
}

function read(text: string, pieceBytes: number, withBody = true): Read | string {
  const bytes = Buffer.from(text, "latin1");
  let body = "";
  const reader = new HttpResponseReader(withBody, (piece) => {
    body += Buffer.from(piece).toString("latin1");
  });
  try {
    for (let start = 0; start < bytes.length; start += pieceBytes)
      reader.push(bytes.subarray(start, start + pieceBytes));
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  return { status: reader.head?.status, body, complete: reader.complete };
}

describe.each([1, 3, 100_000])("HttpResponseReader, in pieces of %d bytes", (pieceBytes) => {
  test.each<[string, string, Read | string]>([
    ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", { status: 200, body: "hello", complete: true }],
    [
      "a length not reached",
      "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
      { status: 200, body: "hello", complete: false },
    ],
    [
      "more than its length",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello",
      { status: 200, body: "he", complete: true },
    ],
    ["no length", "HTTP/1.0 404 Not Found\r\n\r\nhello", { status: 404, body: "hello", complete: false }],
    [
      "chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n",
      { status: 200, body: "hello!", complete: true },
    ],
    ["line feeds alone", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", { status: 200, body: "hi", complete: true }],
    [
      "interim responses",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
      { status: 204, body: "", complete: true },
    ],
    [
      "a switch to another protocol, which is final",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00",
      { status: 101, body: "", complete: true },
    ],
    ["a later version", "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nhi", { status: 200, body: "hi", complete: true }],
    ["a version that is none", "HTTP/2.0 200 OK\r\n", "status line: is not one of HTTP/1"],
    [
      "the same length twice",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nhi",
      { status: 200, body: "hi", complete: true },
    ],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
      "content-length: is several numbers",
    ],
    [
      "codings in two fields",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
      { status: 200, body: "hi", complete: true },
    ],
    [
      "a field over two lines",
      "HTTP/1.1 200 OK\r\nX: y\r\n Content-Length: 9\r\nContent-Length: 2\r\n\r\nhi",
      { status: 200, body: "hi", complete: true },
    ],
    [
      "a chunk that is longer than it says",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
      "chunk: is longer than it says",
    ],
    ["no reason phrase", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", { status: 200, body: "", complete: true }],
    ["another protocol", "SSH-2.0-OpenSSH\r\n", "status line: is not one of HTTP/1"],
    ["a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "content-length: is not a number"],
    [
      "a chunk size that is no number",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "chunk size: is not a hexadecimal number",
    ],
    ["a head without end", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}`, "head: is too long"],
    ["one endless line", `HTTP/1.1 200 ${"x".repeat(HTTP_HEAD_LIMIT_BYTES)}`, "head: is too long"],
    [
      "a long body in chunks of a byte",
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(14_000)}`,
      "text of chunk sizes: is too long",
    ],
    [
      "an endless chunk extension",
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;${"x".repeat(2_000)}`,
      "chunk size: is too long",
    ],
  ])("reads %s", (_what, text, expected) => {
    expect(read(text, pieceBytes)).toEqual(expected);
  });

  test("expects no body after a HEAD", () => {
    expect(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", pieceBytes, false)).toEqual({
      status: 200,
      body: "",
      complete: true,
    });
  });
});
