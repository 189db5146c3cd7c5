/** termios(3): lines are read whole, and what is typed is shown. */
const ICANON = 0o2;
const ECHO = 0o10;

/** A person before a terminal of 40 columns and five rows. */
export class Person implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;
  seen = "";

  constructor(command: readonly string[]) {
    this.#terminal = new Bun.Terminal({
      cols: 40,
      rows: 5,
      data: (_terminal, bytes) => {
        this.seen += new TextDecoder().decode(bytes);
      },
    });
    // Without it the terminal would control nobody, and Ctrl-C end nothing.
    this.#child = Bun.spawn(["setsid", "--ctty", ...command], { terminal: this.#terminal });
  }

  /** Whether the terminal is as it was before anybody read single keys. */
  get isUsual(): boolean {
    return (this.#terminal.localFlags & (ICANON | ECHO)) === (ICANON | ECHO);
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await Bun.sleep(5);
  }

  type(text: string): void {
    this.#terminal.write(text);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<{ readonly exitCode: number | null; readonly signal: string | number | null }> {
    await this.#child.exited;
    return { exitCode: this.#child.exitCode, signal: this.#child.signalCode };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#terminal.close();
  }
}
