/** What the demonstration prints: 80 columns, a line at the bottom that moves while something is awaited. */

const WIDTH = 80;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const REDRAW_MS = 100;
/** Where no line can be redrawn, progress is told this often. */
const TELL_EVERY_MS = 5000;

/** SGR parameters of ECMA-48, section 8.3.117. */
const STYLES = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33", cyan: "36" } as const;
export type Style = keyof typeof STYLES;

export class Screen {
  readonly #color: boolean;
  readonly #moving: boolean;
  readonly #beganMs = performance.now();
  #chapter = 0;

  /** @param options.moving whether a line can be drawn over (a terminal). */
  constructor(options: { readonly color: boolean; readonly moving: boolean }) {
    this.#color = options.color;
    this.#moving = options.moving;
  }

  /** The screen of a program that ../demo.ts started. */
  static ofDemo(): Screen {
    const chapter = Number(process.env["TANDEM_DEMO_CHAPTER"] ?? 0);
    const color = process.env["TANDEM_DEMO_COLOR"] === "1";
    const screen = new Screen({ color, moving: process.env["TANDEM_DEMO_MOVING"] === "1" });
    screen.#chapter = chapter;
    return screen;
  }

  paint(style: Style, text: string): string {
    return this.#color ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
  }

  line(text = ""): void {
    process.stdout.write(`${text}\n`);
  }

  chapter(title: string): void {
    this.#chapter += 1;
    const head = ` ${this.#chapter}  ${title} `;
    const clock = ` ${((performance.now() - this.#beganMs) / 1000).toFixed(0)} s`;
    this.line();
    this.line(
      this.paint("bold", head) + this.paint("dim", "─".repeat(Math.max(0, WIDTH - head.length - clock.length)) + clock),
    );
  }

  /** Something that worked. */
  good(text: string): void {
    this.line(`    ${this.paint("green", "✓")} ${text}`);
  }

  /** Something that didn't. */
  bad(text: string): void {
    this.line(`    ${this.paint("red", "✗")} ${text}`);
  }

  /** Something that is done to the pair. */
  act(text: string): void {
    this.line(`    ${this.paint("cyan", "▸")} ${text}`);
  }

  /** An aside. */
  note(text: string): void {
    this.line(this.paint("dim", `    ${text}`));
  }

  /** A line of what a program printed. */
  quote(text: string): void {
    this.line(this.paint("dim", `      ${text}`.slice(0, WIDTH)));
  }

  /** Shows that something is awaited, with the time since, until the promise settles. */
  async during<T>(label: string | (() => string), work: Promise<T>): Promise<T> {
    const beganMs = performance.now();
    let frame = 0;
    let toldMs = beganMs;
    const timer = setInterval(() => {
      const nowMs = performance.now();
      const text = typeof label === "string" ? label : label();
      const elapsed = `${((nowMs - beganMs) / 1000).toFixed(1)} s`;
      if (this.#moving) {
        frame += 1;
        const shown = `    ${FRAMES[frame % FRAMES.length]} ${text}  ${elapsed}`.slice(0, WIDTH - 1);
        process.stdout.write(`\r\x1b[K${this.paint("yellow", shown)}`);
      } else if (nowMs - toldMs >= TELL_EVERY_MS) {
        toldMs = nowMs;
        this.line(`    … ${text}, ${elapsed}`);
      }
    }, REDRAW_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      if (this.#moving) process.stdout.write("\r\x1b[K");
    }
  }
}

/** `3,212 ms`. */
export function milliseconds(value: number): string {
  return `${Math.round(value).toLocaleString("en-US")} ms`;
}
