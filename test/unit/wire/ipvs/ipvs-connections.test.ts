import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DecodeError } from "../../../../src/lib/errors.ts";
import { readConnectionLine } from "../../../../src/wire/ipvs/ipvs-connections.ts";
import { endpoint } from "../../../support/balance-fixtures.ts";

const LINE = "TCP CB007164 B1F4 CB00710A 0050 0A00000B 1F90 ESTABLISHED     899";

describe("readConnectionLine()", () => {
  test.each([
    [
      LINE,
      {
        protocol: "tcp",
        client: endpoint("203.0.113.100:45556"),
        virtual: endpoint("203.0.113.10:80"),
        server: endpoint("10.0.0.11:8080"),
        state: "ESTABLISHED",
        expiresSeconds: 899,
      },
    ],
    [
      "UDP 2001:0db8:0000:0000:0000:0000:0000:0064 B1F4 2001:0db8:0000:0000:0000:0000:0000:0010 0035 0A00000B 0035 UDP             299",
      {
        protocol: "udp",
        client: endpoint("[2001:db8::64]:45556"),
        virtual: endpoint("[2001:db8::10]:53"),
        server: endpoint("10.0.0.11:53"),
        state: "UDP",
        expiresSeconds: 299,
      },
    ],
    [
      "UDP CB007164 0000 CB00710A 13C4 0A00000B 13C4 NONE             59 sip 48c2@client  here",
      {
        protocol: "udp",
        client: endpoint("203.0.113.100:0"),
        virtual: endpoint("203.0.113.10:5060"),
        server: endpoint("10.0.0.11:5060"),
        state: "NONE",
        expiresSeconds: 59,
        engineData: "sip 48c2@client here",
      },
    ],
  ])("reads %s", (line, connection) => {
    expect(readConnectionLine(line)).toEqual(connection);
  });

  test.each([
    ["", "protocol"],
    ["Pro FromIP", "protocol"],
    [LINE.replace("B1F4", "B1F"), "client.port"],
    [LINE.replace("CB007164", "CB00716"), "client.address"],
    [LINE.replace("0A00000B", "10.0.0.11"), "server.address"],
    [LINE.replace("899", "-1"), "expires"],
    ["TCP CB007164 B1F4 CB00710A 0050 0A00000B 1F90", "state"],
    [`${LINE} ${"x".repeat(1024)}`, "line"],
  ])("refuses %j", (line, path) => {
    expect(() => readConnectionLine(line)).toThrow(expect.objectContaining({ name: "DecodeError", path }));
  });

  test("throws nothing but DecodeError for 20,000 hostile lines", () => {
    const piece = fc.oneof(fc.constantFrom(...LINE.split(/\s+/), "::1", "NONE", "\0", "\t"), fc.string());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        try {
          readConnectionLine(pieces.join(" "));
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 20_000 },
    );
  });
});
