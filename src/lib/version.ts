/** Set by the build (src/build/binary.ts, `--define`); absent when the sources run unbuilt. */
declare const TANDEM_VERSION: string | undefined;
declare const TANDEM_COMMIT: string | undefined;

export const VERSION: string = typeof TANDEM_VERSION === "string" ? TANDEM_VERSION : "0.0.0-unbuilt";
export const COMMIT: string = typeof TANDEM_COMMIT === "string" ? TANDEM_COMMIT : "unknown";

/** `tandem 0.1.0 (commit 1be13db, bun 1.4.5)`. */
export function versionText(): string {
  return `tandem ${VERSION} (commit ${COMMIT}, bun ${Bun.version})`;
}
