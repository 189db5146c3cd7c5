import { LineIndex, offsetOf, type Positions, scanPositions } from "./position.ts";

/** Line and column count from 1. */
export interface SourcePlace {
  readonly line: number;
  readonly column: number;
}

/** Where the settings of a file stand, by their paths. The text is walked over only when somebody asks. */
export class Places {
  readonly #text: string;
  #found: { readonly lines: LineIndex; readonly positions: Positions } | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * The place of the first of these settings that stands in the file; where none does, that of the nearest thing around
   * the first one. Paths are as in `ConfigIssue`: `service[0].real[1].address`.
   */
  of(path: string, ...others: readonly string[]): SourcePlace {
    const { lines, positions } = this.#scan();
    const given = [path, ...others].find((candidate) => positions.spans.has(candidate)) ?? path;
    return lines.locate(offsetOf(positions, given, "value"));
  }

  #scan() {
    this.#found ??= { lines: new LineIndex(this.#text), positions: scanPositions(this.#text) };
    return this.#found;
  }
}
