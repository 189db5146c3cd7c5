import { join } from "node:path";
import type { SourceFile } from "./source-text.ts";

export const ROOT = join(import.meta.dir, "..", "..");

/** The project's files that match a pattern, with their texts, by path. */
export async function projectFiles(pattern: string): Promise<SourceFile[]> {
  const paths = (await Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: ROOT }))).toSorted();
  const own = paths.filter((path) => !path.startsWith("node_modules/") && !path.startsWith("dist/"));
  return Promise.all(own.map(async (path) => ({ path, text: await Bun.file(join(ROOT, path)).text() })));
}
