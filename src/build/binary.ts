/**
 * `npm run build`: dist/tandem, one binary with everything in it.
 * The two --no-compile-autoload flags matter: without them a root's tandem would run code and take variables from the
 * bunfig.toml and the .env of whatever folder it is started in.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../package.json";
import { commitOf } from "./commit.ts";

const ROOT = join(import.meta.dir, "../..");
/** Threads are entry points of their own beside main.ts. */
const ENTRIES = ["src/main.ts", "src/daemon/kernel-thread/kernel-worker.ts", "src/daemon/sync/sync-worker.ts"];

/** Builds into `outfile`. @returns the exit code of the bundler. */
export function build(outfile: string): number {
  const built = Bun.spawnSync(
    [
      process.execPath,
      "build",
      "--compile",
      "--minify",
      "--bytecode",
      // A command loads the pieces that it needs: of the whole, each start would touch a megabyte (measured: 6 ms of 11).
      "--splitting",
      "--format=esm",
      // Compiling the loops over a table of 10,000 servers takes longer than the rest of them, where a new page of memory
      // is dear most of all (measured in the lab); main.ts sets it back for what runs on.
      "--compile-jit-policy=1000",
      "--no-compile-autoload-bunfig",
      "--no-compile-autoload-dotenv",
      "--define",
      `TANDEM_VERSION=${JSON.stringify(version)}`,
      "--define",
      `TANDEM_COMMIT=${JSON.stringify(commitOf(ROOT))}`,
      "--outfile",
      outfile,
      ...ENTRIES.filter((entry) => existsSync(join(ROOT, entry))),
    ],
    { cwd: ROOT, stdout: "inherit", stderr: "inherit" },
  );
  return built.exitCode;
}

if (import.meta.main) process.exitCode = build(process.argv[2] ?? join(ROOT, "dist", "tandem"));
