/** One key of a table, as the manual describes it. */
export interface KeyReference {
  readonly name: string;
  /** What may stand there, with its article: `a duration such as "200ms"`. */
  readonly type: string;
  readonly required: boolean;
  /** The default as it would be written in the file, or words where it is computed; absent: none. */
  readonly default?: string;
  /** One or more sentences. */
  readonly meaning: string;
  /** A value as it would be written in the file. */
  readonly example: string;
}

/** One table of the file, as the manual describes it. */
export interface TableReference {
  /** As its header is written: `[pair.primary]`, `[[service.real]]`. */
  readonly header: string;
  readonly required: boolean;
  /** One or more sentences. */
  readonly meaning: string;
  readonly keys: readonly KeyReference[];
}

/** Every table and key of the configuration file, in the order of the manual; derived from the parser's own schema. */
export const CONFIG_REFERENCE: readonly TableReference[] = [];
