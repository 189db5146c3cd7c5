import { describe, expect, test } from "bun:test";
import { grpcDialogue } from "../../../../src/probe/protocols/grpc.ts";
import type { Step } from "../../../../src/probe/transport/dialogue.ts";

const [DATA, HEADERS, RESET, SETTINGS, GO_AWAY] = [0, 1, 3, 4, 7];
const [END_STREAM, PADDED] = [1, 8];

function frame(type: number, flags: number, stream: number, ...payload: readonly number[]): Uint8Array {
  return Uint8Array.of(0, 0, payload.length, type, flags, 0, 0, 0, stream, ...payload);
}

function said(step: Step): string {
  if (step.kind === "continue" || step.kind === "send") return "waits";
  return step.kind === "success" ? step.detail : `${step.failure}: ${step.detail}`;
}

const BEGIN = [frame(SETTINGS, 0, 0), frame(HEADERS, 4, 1, 0x88)];
const REFUSES = "wrong-answer: the server refuses the request: it has no health service, or does not know this one";

describe("grpcDialogue() judges", () => {
  test.each<[string, readonly Uint8Array[], string]>([
    ["a message in one frame", [frame(DATA, 0, 1, 0, 0, 0, 0, 2, 8, 1)], "SERVING"],
    ["its prefix and the rest in two", [frame(DATA, 0, 1, 0, 0, 0, 0, 2), frame(DATA, 0, 1, 8, 1)], "SERVING"],
    ["a frame for each byte", [0, 0, 0, 0, 2, 8, 1].map((byte) => frame(DATA, 0, 1, byte)), "SERVING"],
    [
      "an empty frame before it",
      [frame(DATA, 0, 1), frame(DATA, 0, 1, 0, 0, 0, 0, 2, 8, 2)],
      "wrong-answer: the server is NOT_SERVING",
    ],
    ["a padded frame", [frame(DATA, PADDED, 1, 3, 0, 0, 0, 0, 2, 8, 1, 0, 0, 0)], "SERVING"],
    [
      "a frame of padding beyond its end",
      [frame(DATA, PADDED | END_STREAM, 1, 200, 0)],
      'wrong-answer: the answer is no health status: ""',
    ],
    ["a status that is left out", [frame(DATA, 0, 1, 0, 0, 0, 0, 0)], "wrong-answer: the server is UNKNOWN"],
    [
      "a compressed message",
      [frame(DATA, 0, 1, 1, 0, 0, 0, 2, 8, 1)],
      'wrong-answer: the answer is no health status: "\\x01\\x00\\x00\\x00\\x02\\x08\\x01"',
    ],
    [
      "a message that is shorter than it says",
      [frame(DATA, END_STREAM, 1, 0, 0, 0, 0, 9, 8, 1)],
      'wrong-answer: the answer is no health status: "\\x00\\x00\\x00\\x00\\x09\\x08\\x01"',
    ],
    [
      "a message that goes on beyond its length",
      [frame(DATA, 0, 1, 0, 0, 0, 0, 1, 8, 1)],
      'wrong-answer: the answer is no health status: "\\x00\\x00\\x00\\x00\\x01\\x08\\x01"',
    ],
    ["a message of another stream", [frame(DATA, 0, 3, 0, 0, 0, 0, 2, 8, 1)], "waits"],
    ["an end without a message", [frame(HEADERS, 4 | END_STREAM, 1, 0x88)], REFUSES],
    ["a reset", [frame(RESET, 0, 1, 0, 0, 0, 7)], "wrong-answer: the server resets the request"],
    [
      "a server that goes, and answers before",
      [frame(GO_AWAY, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0), frame(DATA, 0, 1, 0, 0, 0, 0, 2, 8, 1)],
      "SERVING",
    ],
    [
      "one that goes and has not seen the request",
      [frame(GO_AWAY, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
      "wrong-answer: the server ends the connection",
    ],
    [
      "one that goes for an error",
      [frame(GO_AWAY, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2)],
      "wrong-answer: the server ends the connection",
    ],
  ])("%s", (_what, frames, detail) => {
    const dialogue = grpcDialogue("", "web.test", false);
    const steps = [...BEGIN, ...frames].map((each) => said(dialogue.receive(each)));
    expect(steps.at(-1)).toBe(detail);
    expect(new Set(steps.slice(0, -1))).toEqual(new Set(["waits"]));
  });
});
