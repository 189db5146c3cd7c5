import { expect, test } from "bun:test";
import { LOG_WAITING_BYTES_MAX, Logger } from "../../../src/log/logger.ts";

const AT = new Date("2026-01-02T03:04:05.678Z");

function recorder(waitingBytes = 0) {
  const lines: string[] = [];
  return { waitingBytes, lines, write: (text: string) => void lines.push(text) };
}

test("Logger writes a line that a person can read and a program can split", () => {
  const sink = recorder();
  const logger = new Logger(sink, { format: "text", level: "info", now: () => AT });
  logger.debug("vip", "not shown");
  logger.info("failover", "takes over", { term: 3, why: "peer silent", nothing: undefined });
  expect(sink.lines).toEqual(['2026-01-02T03:04:05.678Z info  failover: takes over term=3 why="peer silent"\n']);
});

test("Logger writes JSON and takes a new format while it runs", () => {
  const sink = recorder();
  const logger = new Logger(sink, { format: "text", level: "error", now: () => AT });
  logger.configure("json", "debug");
  logger.warn("vip", "lost", { vip: "203.0.113.10" });
  expect(sink.lines.map((line) => JSON.parse(line))).toEqual([
    { time: "2026-01-02T03:04:05.678Z", level: "warn", part: "vip", message: "lost", vip: "203.0.113.10" },
  ]);
});

test("Logger lets no control character of a foreign message forge a line", () => {
  const sink = recorder();
  new Logger(sink, { format: "text", level: "info", now: () => AT }).info("check", "got a\nb\u001b[2J");
  expect(sink.lines).toEqual(["2026-01-02T03:04:05.678Z info  check: got a b [2J\n"]);
});

test("Logger drops lines for a stuck reader and says how many", () => {
  const sink = recorder(LOG_WAITING_BYTES_MAX + 1);
  const logger = new Logger(sink, { format: "text", level: "info", now: () => AT });
  logger.info("a", "1");
  logger.info("a", "2");
  expect(sink.lines).toEqual([]);
  sink.waitingBytes = 0;
  logger.info("a", "3");
  expect(sink.lines).toEqual([
    "2026-01-02T03:04:05.678Z warn  log: 2 lines were dropped because nobody read them\n",
    "2026-01-02T03:04:05.678Z info  a: 3\n",
  ]);
});
