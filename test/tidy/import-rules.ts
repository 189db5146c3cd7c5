import { type Finding, importsOf, resolveImport, type SourceFile } from "./source-text.ts";

/** What each folder of src may import besides itself. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  model: ["lib"],
  wire: ["model", "lib"],
  sys: ["lib"],
  failover: ["wire", "model", "lib"],
  balance: ["config", "model", "lib"],
  config: ["model", "lib"],
  log: ["model", "lib"],
  import: ["config", "model", "lib"],
  kernel: ["wire", "model", "sys", "lib"],
  probe: ["model", "sys", "lib"],
  host: ["kernel", "probe", "config", "model", "sys", "lib"],
  daemon: ["failover", "balance", "host", "kernel", "probe", "config", "log", "wire", "model", "sys", "lib"],
  cli: ["daemon", "failover", "balance", "host", "kernel", "probe", "config", "import", "log", "model", "lib"],
  "": ["cli", "daemon", "lib"],
  // The programs that make the binary, the man pages and the completions; nothing imports them. "" is package.json.
  build: ["cli", "lib", ""],
};

/** Why a folder may not import another, and what to do; the general answer otherwise. */
const ADVICE: Readonly<Record<string, string>> = {
  "cli sys": "use a client in kernel/, which has the types and the errors",
  "cli wire": "use a client in kernel/; bytes are its business",
  "failover sys": "take time and facts as inputs; effects are data that daemon/ performs",
  "failover kernel": "return an effect; daemon/ performs it and feeds back what became of it",
  "balance sys": "take time as nowMs",
  "balance kernel": "return changes; daemon/ applies them",
  "kernel failover": "kernel/ states facts; daemon/ turns them into inputs",
  "kernel daemon": "let daemon/ call kernel/",
  "probe daemon": "return an outcome; daemon/ decides",
};

/** Modules of the runtime that the pure folders may use: computing only, no I/O. */
const PURE_MODULES = new Set(["node:crypto", "smol-toml"]);
const PURE_FOLDERS = new Set(["failover", "balance", "wire", "model", "lib"]);

function folderOf(path: string): string {
  const parts = path.split("/");
  return parts.length === 2 ? "" : (parts[1] ?? "");
}

function folderFinding(file: SourceFile, line: number, target: string): Finding | undefined {
  const from = folderOf(file.path);
  const to = folderOf(target);
  if (from === to || MAY_IMPORT[from]?.includes(to) === true) return undefined;
  const advice = ADVICE[`${from} ${to}`] ?? `move what both need down into ${sharedBelow(from, to)}`;
  return { path: file.path, line, message: `${from || "main.ts"} never imports ${to || "main.ts"}; ${advice}` };
}

function sharedBelow(from: string, to: string): string {
  const below = (MAY_IMPORT[from] ?? []).filter((folder) => MAY_IMPORT[to]?.includes(folder) === true);
  return below.length === 0 ? "lib/" : `${below[0]}/`;
}

function moduleFinding(file: SourceFile, line: number, specifier: string): Finding | undefined {
  const folder = folderOf(file.path);
  if (specifier === "bun:ffi" && folder !== "sys") {
    return { path: file.path, line, message: "only sys/ imports bun:ffi; use a function of sys/, or add one there" };
  }
  if (PURE_FOLDERS.has(folder) && !PURE_MODULES.has(specifier)) {
    const message = `${folder}/ is pure and never imports ${specifier}; do it in kernel/, probe/ or daemon/`;
    return { path: file.path, line, message };
  }
  return undefined;
}

/** Imports against the direction of the folders. */
export function importFindings(file: SourceFile): Finding[] {
  return importsOf(file).flatMap(({ specifier, line }) => {
    const finding = specifier.startsWith(".")
      ? folderFinding(file, line, resolveImport(file.path, specifier))
      : moduleFinding(file, line, specifier);
    return finding === undefined ? [] : [finding];
  });
}

/** Files of src that nothing imports, starting from the entry points. */
export function deadFiles(files: readonly SourceFile[], entries: readonly string[]): Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const waiting = [...entries];
  const alive = new Set(waiting);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = byPath.get(path);
    for (const { specifier } of file === undefined ? [] : importsOf(file)) {
      const target = resolveImport(path, specifier);
      if (!specifier.startsWith(".") || alive.has(target)) continue;
      alive.add(target);
      waiting.push(target);
    }
  }
  return files
    .filter(({ path }) => path.startsWith("src/") && !alive.has(path))
    .map(({ path }) => ({ path, line: 1, message: "nothing imports this file; use it or delete it" }));
}

/** Exports that nothing speaks of, neither another file nor their own. @param others tests, which use some, too */
export function deadExports(sources: readonly SourceFile[], others: readonly SourceFile[]): Finding[] {
  const counts = new Map<string, number>();
  for (const { text } of [...sources, ...others]) {
    for (const [word] of text.matchAll(/\b[A-Za-z]\w*\b/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return sources.flatMap((file) =>
    [...file.text.matchAll(/^export (?:async |abstract )?(?:const|function|class|type|interface) (\w+)/gm)]
      .filter(([, name = ""]) => counts.get(name) === 1)
      .map(({ index, 1: name }) => ({
        path: file.path,
        line: file.text.slice(0, index).split("\n").length,
        message: `nothing uses ${name}; use it or delete it`,
      })),
  );
}
