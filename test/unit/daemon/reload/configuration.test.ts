import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigFileError } from "../../../../src/config/config-file-error.ts";
import { ConfigurationFile } from "../../../../src/daemon/reload/configuration.ts";
import { BASE } from "../../config/base.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-configuration-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** One line for each mistake of a file. */
function mistakesOf(file: ConfigurationFile): readonly string[] {
  try {
    file.read();
  } catch (error) {
    if (error instanceof ConfigFileError) return error.lines;
    throw error;
  }
  return [];
}

test("ConfigurationFile parses again when an included file says something else, and names it in warnings and mistakes", () => {
  const key = join(folder, "pair.key");
  writeFileSync(key, `${"0f".repeat(32)}\n`, { mode: 0o600 });
  const path = join(folder, "tandem.toml");
  writeFileSync(path, `include = "conf.d/*.toml"\n${BASE.replace("/etc/tandem/pair.key", key)}`);
  mkdirSync(join(folder, "conf.d"));
  const included = join(folder, "conf.d/mail.toml");
  const service = (listen: string) => `[[service]]\nname = "mail"\nlisten = "${listen}"\nreal = []\n`;
  writeFileSync(included, service("tcp://203.0.113.10:25"));
  const file = new ConfigurationFile(path);
  const { config } = file.read();
  expect(config.services.map(({ name }) => name)).toEqual(["web", "mail"]);
  expect(file.read().config).toBe(config);
  writeFileSync(included, service("tcp://203.0.113.99:25"));
  const changed = file.read();
  expect(changed.config).not.toBe(config);
  expect(changed.warnings).toEqual([expect.stringContaining(`${included}:3: 203.0.113.99 is not a VIP of this file`)]);
  writeFileSync(included, service("tcp://203.0.113.10"));
  expect(mistakesOf(file)).toEqual([expect.stringContaining(`${included}:3:10: tcp://203.0.113.10`)]);
});
