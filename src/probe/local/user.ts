import { readFile } from "node:fs/promises";
import { type Parsed, parsed, problem } from "../../lib/parsed.ts";

/** A user that a program can run as. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** passwd(5): local users only; those of a directory service are given as numbers. */
const PASSWD_FILE = "/etc/passwd";

/** Finds a user in the text of passwd(5). `65534` or `65534:65534` needs no entry. */
export function findUser(name: string, passwd: string): Parsed<UserIds> {
  const numeric = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(name);
  if (numeric !== null) return parsed({ uid: Number(numeric[1]), gid: Number(numeric[2] ?? numeric[1]) });
  for (const line of passwd.split("\n")) {
    const [user, , uid, gid] = line.split(":");
    if (user === name && /^\d{1,9}$/.test(uid ?? "") && /^\d{1,9}$/.test(gid ?? "")) {
      return parsed({ uid: Number(uid), gid: Number(gid) });
    }
  }
  return problem(`there is no user ${JSON.stringify(name)} in ${PASSWD_FILE}`);
}

/** Finds a user of this machine. */
export async function lookUpUser(name: string): Promise<Parsed<UserIds>> {
  try {
    return findUser(name, await readFile(PASSWD_FILE, "utf8"));
  } catch (error) {
    return problem(`cannot read ${PASSWD_FILE}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
