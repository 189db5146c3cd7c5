/** A compiled program runs from a virtual folder of Bun's inside itself; an unbuilt one from its sources. */
const COMPILED_ROOT = "/$bunfs/root/";

function isCompiled(): boolean {
  return Bun.main.startsWith(COMPILED_ROOT);
}

/** The words that start this very program again, as a child of itself. */
export function ownProgram(): readonly string[] {
  return isCompiled() ? [process.execPath] : [process.execPath, Bun.main];
}

/**
 * Where a Worker finds its module. `import.meta.url` will not do: with --bytecode it is the path of the source on the
 * machine that built the program (tried), where the users' machines have nothing.
 * @param path below src, without its ending: `daemon/kernel-thread/kernel-worker`; the build must have it as an entry.
 */
export function workerModule(path: string): string {
  return isCompiled() ? `${COMPILED_ROOT}${path}.js` : new URL(`../../${path}.ts`, import.meta.url).href;
}
