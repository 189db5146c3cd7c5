import { LineIndex, offsetOf, type Positions, scanPositions } from "./position.ts";
import { splitSources } from "./source-text.ts";

/** Line and column count from 1. */
export interface SourcePlace {
  /** The included file that it is in; absent: the main one. */
  readonly file?: string;
  readonly line: number;
  readonly column: number;
}

/** A text of TOML; without a path it is that of the main file. */
export interface TomlText {
  readonly path?: string;
  readonly text: string;
}

/** The main file and those that are included, in their order. */
export function tomlTexts(text: string): readonly TomlText[] {
  const { main, inclusion } = splitSources(text);
  return [{ text: main }, ...(inclusion?.files ?? [])];
}

/** One file, walked over when somebody asks. */
class Source {
  readonly path: string | undefined;
  readonly #text: string;
  readonly #counts = new Map<string, number>();
  #lines: LineIndex | undefined;
  #positions: Positions | undefined;

  constructor({ path, text }: TomlText) {
    this.path = path;
    this.#text = text;
  }

  get lines(): LineIndex {
    this.#lines ??= new LineIndex(this.#text);
    return this.#lines;
  }

  get positions(): Positions {
    this.#positions ??= scanPositions(this.#text);
    return this.#positions;
  }

  has(path: string): boolean {
    return this.positions.spans.has(path);
  }

  /** How many tables a list of the file has. */
  count(list: string): number {
    let count = this.#counts.get(list) ?? 0;
    while (this.has(`${list}[${count}]`)) count += 1;
    this.#counts.set(list, count);
    return count;
  }
}

/** A setting within one file. */
interface Local {
  readonly source: Source;
  readonly path: string;
}

/** Where the settings of a configuration stand, by their paths: `service[0].real[1].address`. */
export class Places {
  readonly #sources: readonly Source[];
  readonly #main: Source;

  /** @param text as `LoadedConfig` has it: included files are in it */
  constructor(text: string, texts: readonly TomlText[] = tomlTexts(text)) {
    this.#sources = texts.map((one) => new Source(one));
    this.#main = this.#sources[0] ?? new Source({ text });
  }

  /**
   * The place of the first of these settings that stands in a file; where none does, that of the nearest thing around the
   * first one.
   */
  of(path: string, ...others: readonly string[]): SourcePlace {
    const given = [path, ...others].find((candidate) => {
      const { source, path: local } = this.#find(candidate);
      return source.has(local);
    });
    return this.locate(given ?? path, "value");
  }

  /** @param file which of the texts the path is of, from 0; absent: that of all files together */
  locate(path: string, at: "key" | "value", file?: number): SourcePlace {
    const named = file === undefined ? undefined : this.#sources[file];
    const { source, path: local } = named === undefined ? this.#find(path) : { source: named, path };
    const place = source.lines.locate(offsetOf(source.positions, local, at));
    return source.path === undefined ? place : { file: source.path, ...place };
  }

  /** What stands somewhere, in the order of the files and of their lines. */
  inOrder<T extends SourcePlace>(found: readonly T[]): readonly T[] {
    const order = new Map(this.#sources.map(({ path }, index) => [path, index]));
    const fileOf = ({ file }: T) => order.get(file) ?? 0;
    return found.toSorted((a, b) => fileOf(a) - fileOf(b) || a.line - b.line || a.column - b.column);
  }

  /** The lists of included files go on where that of the file before ends. */
  #find(path: string): Local {
    if (this.#sources.length === 1) return { source: this.#main, path };
    const [, list = "", index, rest = ""] = /^([a-z]+)(?:\[(\d+)\](.*))?$/s.exec(path) ?? [];
    let left = Number(index ?? 0);
    for (const source of list === "" ? [] : this.#sources) {
      const count = source.count(list);
      if (left < count) return { source, path: index === undefined ? list : `${list}[${left}]${rest}` };
      left -= count;
    }
    return { source: this.#main, path };
  }
}
