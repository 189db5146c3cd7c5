import { appendFileSync } from "node:fs";

/** What the programs in the lab print goes into the document too: by this file of the machine around it. */
export const SECTION_FILE = "TANDEM_BENCH_SECTION";

export function tell(text: string): void {
  process.stdout.write(text);
  const file = process.env[SECTION_FILE];
  if (file !== undefined) appendFileSync(file, text);
}
