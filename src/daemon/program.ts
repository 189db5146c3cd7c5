/** The words that start this very program again, as a child of itself. */
export function ownProgram(): readonly string[] {
  // A compiled program runs its main module from inside itself (Bun's virtual folder); an unbuilt one needs it named.
  return Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];
}
