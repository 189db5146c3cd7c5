import { expect, test } from "bun:test";
import { DecodeError } from "../../../../src/lib/errors.ts";
import type { MacAddress } from "../../../../src/model/mac-address.ts";
import {
  BROADCAST_MAC,
  decodeEthernet,
  ETHERTYPE_ARP,
  encodeEthernet,
} from "../../../../src/wire/ethernet/ethernet-frame.ts";

const FRAME = {
  destination: BROADCAST_MAC,
  source: "02:00:5e:10:00:01" as MacAddress,
  etherType: ETHERTYPE_ARP,
  payload: new Uint8Array([1, 2, 3]),
};

test("encodeEthernet() puts destination, source and type before the payload", () => {
  expect(Buffer.from(encodeEthernet(FRAME)).toString("hex")).toBe("ffffffffffff02005e1000010806010203");
});

test("decodeEthernet() reads it back", () => {
  expect(decodeEthernet(encodeEthernet(FRAME))).toEqual(FRAME);
});

test("decodeEthernet() refuses a frame shorter than its header", () => {
  expect(() => decodeEthernet(new Uint8Array(13))).toThrow(DecodeError);
});

test("encodeEthernet() refuses a payload that no frame carries", () => {
  expect(() => encodeEthernet({ ...FRAME, payload: new Uint8Array(1501) })).toThrow(RangeError);
});
