/** Lines for people, or JSON objects for machines. Where they go, and that nobody waits for it: log-stream.ts. */
import { type LogHealth, LogStream, type WriteSome, writeToStderr } from "./log-stream.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = "text" | "json";

/** Details of a line; values are printed as `key=value`. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface LogRecord {
  readonly level: LogLevel;
  /** The part that speaks: `failover`, `balancer`, `vip`. */
  readonly part: string;
  readonly message: string;
  readonly fields?: LogFields;
}

/** Where lines go. */
export interface LogSink {
  /** Takes a line, which has no end yet. Neither throws nor waits. */
  write(line: string): void;
}

/**
 * A message may quote a file with hundreds of mistakes. journald splits lines of more than 48 KiB (journald.conf(5),
 * LineMax), and a character has up to three bytes in UTF-8 for each of its 16 bits.
 */
const MESSAGE_LENGTH_MAX = 16 * 1024;

function shortened(message: string): string {
  const excess = message.length - MESSAGE_LENGTH_MAX;
  return excess <= 0 ? message : `${message.slice(0, MESSAGE_LENGTH_MAX)} … (${excess} characters more)`;
}

/** A value with spaces or quotes is quoted, so that a line can be split again. */
function formatField(value: string | number | boolean): string {
  const text = String(value);
  return /^[\w.:/,+%-]+$/.test(text) ? text : JSON.stringify(text);
}

/** One line without its end: `2026-11-22T19:04:12.123Z info  failover: takes over term=3`. */
export function formatLogRecord(record: LogRecord, format: LogFormat, at: Date): string {
  const time = at.toISOString();
  const said = shortened(record.message);
  if (format === "json") {
    return JSON.stringify({
      time,
      level: record.level,
      part: record.part,
      message: said,
      ...record.fields,
    });
  }
  const fields = Object.entries(record.fields ?? {})
    .filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined)
    .map(([key, value]) => ` ${key}=${formatField(value)}`)
    .join("");
  // A message may quote what a peer or a program said: no control characters reach the terminal or forge a line.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  const message = said.replace(/[\u0000-\u001f\u007f]/g, " ");
  return `${time} ${record.level.padEnd(5)} ${record.part}: ${message}${fields}`;
}

export class Logger {
  readonly #sink: LogSink;
  readonly #now: () => Date;
  #format: LogFormat;
  #levelIndex: number;

  constructor(
    sink: LogSink,
    options: { readonly format: LogFormat; readonly level: LogLevel; readonly now: () => Date },
  ) {
    this.#sink = sink;
    this.#now = options.now;
    this.#format = options.format;
    this.#levelIndex = LOG_LEVELS.indexOf(options.level);
  }

  /** Changes format and level, as a reload may. */
  configure(format: LogFormat, level: LogLevel): void {
    this.#format = format;
    this.#levelIndex = LOG_LEVELS.indexOf(level);
  }

  log(record: LogRecord): void {
    if (LOG_LEVELS.indexOf(record.level) >= this.#levelIndex) this.#sink.write(this.line(record));
  }

  /** The line of a record, in the format and at the time of now. */
  line(record: LogRecord): string {
    return formatLogRecord(record, this.#format, this.#now());
  }

  debug(part: string, message: string, fields?: LogFields): void {
    this.log({ level: "debug", part, message, ...(fields === undefined ? {} : { fields }) });
  }

  info(part: string, message: string, fields?: LogFields): void {
    this.log({ level: "info", part, message, ...(fields === undefined ? {} : { fields }) });
  }

  warn(part: string, message: string, fields?: LogFields): void {
    this.log({ level: "warn", part, message, ...(fields === undefined ? {} : { fields }) });
  }

  error(part: string, message: string, fields?: LogFields): void {
    this.log({ level: "error", part, message, ...(fields === undefined ? {} : { fields }) });
  }
}

/** A logger with its stream. */
export interface StreamLog {
  readonly logger: Logger;
  readonly health: () => LogHealth;
  /** Resolves when all lines are written, or after `limitMs`. */
  readonly settled: (limitMs: number) => Promise<void>;
}

/** A log on standard error. @param now monotonic milliseconds */
export function stderrLog(
  format: LogFormat,
  level: LogLevel,
  now: () => number,
  write: WriteSome = writeToStderr,
): StreamLog {
  const stream: LogStream = new LogStream({
    write,
    now,
    lossLine: (lines, reason) => {
      const count = lines === 1 ? "1 line was" : `${lines} lines were`;
      return logger.line({ level: "warn", part: "log", message: `${count} lost: ${reason}` });
    },
  });
  const logger = new Logger(stream, { format, level, now: () => new Date() });
  return { logger, health: () => stream.health, settled: (limitMs) => stream.settled(limitMs) };
}
