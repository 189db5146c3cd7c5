/** Two `tandem run` on the routers of a topology, with one configuration and one key. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CLONE, ROUTERS, type RouterName, type Topology } from "../topology.ts";
import { RouterProcess } from "./router-process.ts";

const BINARY = resolve(import.meta.dir, "../../../dist/tandem");

export class Pair implements AsyncDisposable {
  /** Gone with the pair. */
  readonly folder: string;
  readonly configPath: string;
  readonly keyPath: string;
  readonly routers: readonly [RouterProcess, RouterProcess];
  /** The first router once more, on the machine that has its addresses too; only of use where there is one. */
  readonly clone: RouterProcess;

  private constructor(
    files: { readonly folder: string; readonly configPath: string; readonly keyPath: string },
    routers: readonly [RouterProcess, RouterProcess],
    clone: RouterProcess,
  ) {
    this.folder = files.folder;
    this.configPath = files.configPath;
    this.keyPath = files.keyPath;
    this.routers = routers;
    this.clone = clone;
  }

  /**
   * Makes a key and writes the configuration; starts nothing yet.
   * @param config the whole file; `KEY_FILE` in it stands for the path of the key.
   */
  static async prepare(topology: Topology, config: string): Promise<Pair> {
    const binary = process.env["TANDEM_BINARY"] ?? BINARY;
    if (!existsSync(binary)) throw new Error(`${binary} is missing: npm run build`);
    const folder = mkdtempSync(join(tmpdir(), "tandem-pair-"));
    const keyPath = join(folder, "pair.key");
    const configPath = join(folder, "tandem.toml");
    writeFileSync(configPath, config.replaceAll("KEY_FILE", keyPath));
    const files = { binary, folder, configPath };
    const clone = new RouterProcess(topology, ROUTERS[0].name, { ...files, host: CLONE });
    const [first, second] = ROUTERS.map(({ name }) => new RouterProcess(topology, name, files));
    if (first === undefined || second === undefined) throw new Error("a pair has two routers");
    const keygen = await first.tandem("heartbeat", "keygen", keyPath);
    if (keygen.exitCode !== 0) throw new Error(`heartbeat keygen: ${keygen.stderr}`);
    return new Pair({ folder, configPath, keyPath }, [first, second], clone);
  }

  router(name: RouterName): RouterProcess {
    const [first, second] = this.routers;
    return name === first.name ? first : second;
  }

  /** The end of what both routers logged, for the message of a test that failed. */
  logs(lines = 40): string {
    return this.routers.map((one) => [`--- ${one.name}`, ...one.log.slice(-lines)].join("\n")).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.routers, this.clone].map((one) => one.end()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
