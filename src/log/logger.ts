/**
 * Lines for people, or JSON objects for machines, on standard error. Logging must never delay a heartbeat: lines are
 * handed to the stream and, when the reader of a pipe is stuck, dropped and counted instead of waited for.
 */
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

/** Where lines go: the bytes that still wait there, and a way to add more. */
export interface LogSink {
  readonly waitingBytes: number;
  write(text: string): void;
}

/** What may wait for a stuck reader before lines are dropped. */
export const LOG_WAITING_BYTES_MAX = 1024 * 1024;

/** A value with spaces or quotes is quoted, so that a line can be split again. */
function formatField(value: string | number | boolean): string {
  const text = String(value);
  return /^[\w.:/,+%-]+$/.test(text) ? text : JSON.stringify(text);
}

/** One line without its end: `2026-11-22T19:04:12.123Z info  failover: takes over term=3`. */
export function formatLogRecord(record: LogRecord, format: LogFormat, at: Date): string {
  const time = at.toISOString();
  if (format === "json") {
    return JSON.stringify({
      time,
      level: record.level,
      part: record.part,
      message: record.message,
      ...record.fields,
    });
  }
  const fields = Object.entries(record.fields ?? {})
    .filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined)
    .map(([key, value]) => ` ${key}=${formatField(value)}`)
    .join("");
  // A message may quote what a peer or a program said: no control characters reach the terminal or forge a line.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  const message = record.message.replace(/[\u0000-\u001f\u007f]/g, " ");
  return `${time} ${record.level.padEnd(5)} ${record.part}: ${message}${fields}`;
}

export class Logger {
  readonly #sink: LogSink;
  readonly #now: () => Date;
  #format: LogFormat;
  #levelIndex: number;
  #dropped = 0;

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
    if (LOG_LEVELS.indexOf(record.level) < this.#levelIndex) return;
    if (this.#sink.waitingBytes > LOG_WAITING_BYTES_MAX) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) {
      const message = `${this.#dropped} lines were dropped because nobody read them`;
      this.#dropped = 0;
      this.#sink.write(`${formatLogRecord({ level: "warn", part: "log", message }, this.#format, this.#now())}\n`);
    }
    this.#sink.write(`${formatLogRecord(record, this.#format, this.#now())}\n`);
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

/** A logger to standard error. */
export function stderrLogger(format: LogFormat, level: LogLevel): Logger {
  const stream = process.stderr;
  const sink: LogSink = {
    get waitingBytes() {
      return stream.writableLength;
    },
    write: (text) => {
      stream.write(text);
    },
  };
  return new Logger(sink, { format, level, now: () => new Date() });
}
