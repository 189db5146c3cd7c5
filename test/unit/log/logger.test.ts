import { expect, test } from "bun:test";
import { Logger, stderrLog } from "../../../src/log/logger.ts";

const AT = new Date("2026-01-02T03:04:05.678Z");

function recorder() {
  const lines: string[] = [];
  return { lines, write: (line: string) => void lines.push(line) };
}

test("Logger writes a line that a person can read and a program can split", () => {
  const sink = recorder();
  const logger = new Logger(sink, { format: "text", level: "info", now: () => AT });
  logger.debug("vip", "not shown");
  logger.info("failover", "takes over", { term: 3, why: "peer silent", nothing: undefined });
  expect(sink.lines).toEqual(['2026-01-02T03:04:05.678Z info  failover: takes over term=3 why="peer silent"']);
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
  expect(sink.lines).toEqual(["2026-01-02T03:04:05.678Z info  check: got a b [2J"]);
});

test.each(["text", "json"] as const)("Logger shortens what a line of %s cannot hold", (format) => {
  const sink = recorder();
  new Logger(sink, { format, level: "info", now: () => AT }).error("config", `${"x".repeat(300_000)}end`);
  const [line = ""] = sink.lines;
  expect(line.length).toBeLessThan(17_000);
  expect(line).toContain("xxx … (283619 characters more)");
});

test("stderrLog() says in the log's own format how many lines were lost, as soon as it can", () => {
  const written: string[] = [];
  let failure: Error | null = Object.assign(new Error("no"), { code: "ENOSPC" });
  const { logger, health } = stderrLog(
    "json",
    "info",
    () => 7,
    (bytes, done) => {
      if (failure === null) written.push(new TextDecoder().decode(bytes));
      done(failure, failure === null ? bytes.length : 0);
    },
  );
  logger.info("vip", "first");
  logger.info("vip", "second");
  expect(health()).toEqual({ lostLines: 2, failure: "no space is left (ENOSPC)", lostAtMs: 7 });
  failure = null;
  logger.info("vip", "third");
  const lines = written.join("").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: "warn", part: "log", message: "2 lines were lost: no space is left (ENOSPC)" },
    { part: "vip", message: "third" },
  ]);
  expect(health()).toEqual({ lostLines: 2, lostAtMs: 7 });
});
