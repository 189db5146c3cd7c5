/** Which commit the binary is made from. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Where nothing tells it: in a source archive, and on a machine without git. */
const UNKNOWN = "unknown";

/** The short name of the commit that is checked out in `root`. */
export function commitOf(root: string): string {
  // Without this an archive that is unpacked inside of another project's clone would get that one's commit.
  if (!existsSync(join(root, ".git"))) return UNKNOWN;
  const git = Bun.which("git");
  if (git === null) return UNKNOWN;
  // Whose the clone is does not matter: root builds what a user has cloned.
  const words = ["-c", `safe.directory=${root}`, "rev-parse", "--short=10", "HEAD"];
  const asked = Bun.spawnSync([git, ...words], { cwd: root, stderr: "ignore" });
  return asked.success ? asked.stdout.toString().trim() : UNKNOWN;
}
