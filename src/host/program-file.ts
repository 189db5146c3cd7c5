import { closeSync, constants, openSync, readFileSync, readSync, type Stats } from "node:fs";
import { systemReason } from "../lib/system-reason.ts";
import { findUser } from "../probe/local/user.ts";
import type { Complaint } from "./host.ts";
import { isComplaint, statOf } from "./named-file.ts";

/** BINPRM_BUF_SIZE of linux/binfmts.h: as much of a file decides how it is run. */
const HEAD_BYTES = 256;
const EXECUTE_BY_OWNER = 0o100;
const EXECUTE_BY_OTHERS = 0o011;

/** Why a program can't be started by root, or by this user: a name or a number. */
export function programComplaint(path: string, user: string | undefined): Complaint | undefined {
  const stat = statOf(path);
  if (isComplaint(stat)) return stat;
  if (!stat.isFile()) return { problem: "is not a regular file" };
  const ids = user === undefined ? { uid: 0 } : userOf(user);
  if ("problem" in ids) return ids;
  if (!isExecutable(stat, ids.uid)) {
    return { problem: "can't be executed: its mode does not allow it", hint: `chmod ${modeFor(user)} ${path}` };
  }
  return formatComplaint(path);
}

function modeFor(user: string | undefined): string {
  return user === undefined ? "u+x" : "a+rx";
}

function userOf(name: string): { readonly uid: number } | Complaint {
  try {
    const found = findUser(name, readFileSync("/etc/passwd", "utf8"));
    if (!found.ok) return { problem: `can't be started: ${found.problem}` };
    // The check would fail at each attempt.
    return found.value.uid === 0 ? { problem: "can't be started: a check does not run as root" } : found.value;
  } catch (error) {
    return { problem: `can't be started: /etc/passwd: ${systemReason(error)}` };
  }
}

/** Root executes whatever anybody may. That another user is in the file's group is taken for granted. */
function isExecutable({ mode, uid }: Stats, user: number): boolean {
  return (mode & EXECUTE_BY_OTHERS) !== 0 || ((mode & EXECUTE_BY_OWNER) !== 0 && (user === 0 || user === uid));
}

/** execve(2): a script needs an interpreter that is there, and a text without one is no program without a shell. */
function formatComplaint(path: string): Complaint | undefined {
  const head = headOf(path);
  if (head === undefined) return undefined;
  if (head === "") return { problem: "can't be executed: it is empty" };
  const interpreter = /^#![ \t]*([^ \t\n]+)/.exec(head)?.[1];
  if (interpreter !== undefined) {
    const stat = statOf(interpreter);
    const why = isComplaint(stat) ? stat.problem : isExecutable(stat, 0) ? undefined : "can't be executed";
    return why === undefined ? undefined : { problem: `can't be executed: its interpreter ${interpreter} ${why}` };
  }
  // What is not text may be a format that the kernel was taught (binfmt_misc).
  return /^[\t\r\n\x20-\x7e]+$/.test(head)
    ? { problem: 'can\'t be executed: it is a text without "#!" and an interpreter in its first line' }
    : undefined;
}

/** The beginning of a file; undefined where this process may not read it, which whoever runs it need not. */
function headOf(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    return bytes.toString("latin1", 0, readSync(file, bytes, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(file);
  }
}
