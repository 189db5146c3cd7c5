import type { RecordFile } from "../../src/daemon/settings/sysctl-record.ts";

/** A file on a disk that has at once what is written. */
export class QuickFile implements RecordFile {
  readonly failure = undefined;
  saved: unknown;

  read(): unknown {
    return this.saved;
  }

  write(value: unknown): void {
    this.saved = value;
  }

  tried(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}
