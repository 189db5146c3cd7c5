/** What comments and documents cite has to be in the project: a reader has nothing else. */
import type { Finding, SourceFile } from "./source-text.ts";

/** Names of sources and documents in a text; of a path the whole. Links may have `#place` behind them. */
const CITATION = /(?<![\w/.$-])((?:\.{1,2}\/)*[A-Za-z][\w-]*(?:\/[\w.-]+)*\.(?:ts|mjs|md))(?![\w/-])/g;
/** A comment, or a line of a document. */
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

function commentsOf({ path, text }: SourceFile): readonly { readonly at: number; readonly text: string }[] {
  if (path.endsWith(".md")) return [{ at: 0, text }];
  return [...text.matchAll(COMMENT)].map((match) => ({ at: match.index, text: match[0] }));
}

/**
 * Files that are named in comments and documents, and are nowhere.
 * @param paths every file of the project
 */
export function citationFindings(file: SourceFile, paths: readonly string[]): Finding[] {
  const isThere = (name: string) => {
    const tail = name.replace(/^(?:\.{1,2}\/)+/, "");
    return paths.some((path) => path === tail || path.endsWith(`/${tail}`));
  };
  return commentsOf(file).flatMap(({ at, text }) =>
    [...text.matchAll(CITATION)].flatMap((match) => {
      const name = match[1] ?? "";
      if (isThere(name)) return [];
      const line = file.text.slice(0, at + match.index).split("\n").length;
      return [{ path: file.path, line, message: `no file ${name} is in the project; say here what it says` }];
    }),
  );
}
