import { readFileSync, writeFileSync } from "node:fs";
import { TandemError } from "../../lib/errors.ts";

/** Below here the kernel's settings are files; this is the view of the caller's own network namespace. */
const ROOT = "/proc/sys";

/** What writing a setting did. */
export type SysctlOutcome =
  | { readonly kind: "unchanged" }
  | { readonly kind: "changed"; readonly previous: string }
  /** The kernel has no such setting: a module is not loaded, or the interface is not there. */
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * The file of a setting. Paths have slashes, as in `net/ipv4/conf/eth0.100/rp_filter`: names of interfaces have dots.
 * @throws TandemError when it leads elsewhere.
 */
function settingFile(path: string): string {
  const wrong = path.startsWith("/") || path.split("/").some((part) => part === "" || part === "." || part === "..");
  if (wrong) throw new TandemError({ operation: "find kernel setting", subject: path, reason: "it is not a path" });
  return `${ROOT}/${path}`;
}

/** The value of a setting, blanks between its numbers made single; undefined when the kernel has none of that name. */
export function readSysctl(path: string): string | undefined {
  try {
    return oneBlank(readFileSync(settingFile(path), "latin1"));
  } catch (error) {
    if (error instanceof TandemError) throw error;
    return undefined;
  }
}

/** Sets a setting when it has another value. Never throws for what the kernel says. */
export function writeSysctl(path: string, value: string): SysctlOutcome {
  const previous = readSysctl(path);
  if (previous === undefined) return { kind: "absent" };
  if (previous === oneBlank(value)) return { kind: "unchanged" };
  try {
    writeFileSync(settingFile(path), value);
    return { kind: "changed", previous };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return { kind: "refused", reason: code };
  }
}

/** The kernel separates the numbers of a list by tabs. */
function oneBlank(value: string): string {
  return value.trim().replaceAll(/\s+/g, " ");
}

/** The command that sets it by hand: `sysctl -w net/ipv4/ip_forward=1` (slashes work, and interfaces may have dots). */
export function sysctlCommand(path: string, value: string): string {
  return value.includes(" ") ? `sysctl -w ${path}="${value}"` : `sysctl -w ${path}=${value}`;
}
