import { textDigest, type UsableConfig } from "./configuration.ts";
import type { StateFile } from "./state-store.ts";

/** The configuration that was put in force last, as it stood in its file. */
export interface AppliedConfig {
  readonly path: string;
  readonly text: string;
  readonly digest: string;
  /** Wall-clock time, ISO 8601. */
  readonly at: string;
}

/** What the state directory has of it; undefined: nothing that can be used. */
export function readApplied(value: unknown): AppliedConfig | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { path, text, digest, at } = value as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || typeof text !== "string" || typeof at !== "string") return undefined;
  // A record that was damaged is none.
  return digest === textDigest(text) ? { path, text, digest, at } : undefined;
}

/** Keeps it on disk. @returns why it is not there; undefined: it is. */
export async function keepApplied(
  file: StateFile,
  path: string,
  { text, digest }: UsableConfig,
  at: Date,
): Promise<string | undefined> {
  file.write({ version: 1, path, text, digest, at: at.toISOString() });
  return await file.tried();
}
