/** The compiled program, built once for all tests of a source state, and ways to run it as a user would. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../src/build/binary.ts";

const ROOT = join(import.meta.dir, "..", "..");
const CACHE = join(ROOT, "node_modules", ".cache", "tandem-cli-tests");
/** Everything that the binary is made from. */
const SOURCES = ["src/**/*.ts", "src/build/binary.ts", "package.json", "package-lock.json", "tsconfig.json"];

async function sourceHash(): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for (const pattern of SOURCES) {
    const paths = (await Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: ROOT }))).toSorted();
    for (const path of paths) hash.update(`${path}\n`).update(await Bun.file(join(ROOT, path)).bytes());
  }
  return hash.digest("hex").slice(0, 16);
}

async function built(): Promise<string> {
  const hash = await sourceHash();
  const program = join(CACHE, hash, "tandem");
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  for (const old of readdirSync(CACHE)) rmSync(join(CACHE, old), { recursive: true });
  const partial = join(CACHE, `${hash}.${process.pid}`);
  mkdirSync(partial);
  if (build(join(partial, "tandem")) !== 0) throw new Error("the build failed");
  renameSync(partial, join(CACHE, hash));
  return program;
}

/** The path of the binary. */
export const PROGRAM = await built();

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface RunSettings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Runs a command to its end with a bare environment and no terminal. */
export async function runCommand(command: readonly string[], settings: RunSettings = {}): Promise<Ran> {
  await using child = Bun.spawn([...command], {
    cwd: settings.cwd ?? "/",
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LANG: "C.UTF-8", ...settings.env },
    stdin: new Blob([settings.stdin ?? ""]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, exitCode };
}

/** Runs `tandem` with these words. */
export function tandem(...words: readonly string[]): Promise<Ran> {
  return runCommand([PROGRAM, ...words]);
}
