/** Who is at the other end of the control socket, as the kernel says. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { asFd } from "../../sys/libc/fd.ts";
import { peerCredentials } from "../../sys/sockets/peer-credentials.ts";

/** A client of the control socket, in the fields of a line of the log. What is not known is absent. */
export type ControlClient = Readonly<
  Partial<{
    user: string;
    uid: number;
    /** Who logged in, where that is another user: root by sudo or su. */
    login: string;
    pid: number;
    /** The kernel's name of its process, at most 15 bytes. */
    program: string;
  }>
>;

/** passwd(5): local users only; those of a directory service stay numbers. */
const PASSWD_FILE = "/etc/passwd";
/** audit: nobody has logged in to start it (AUDIT_UID_UNSET, linux/audit.h). */
const LOGIN_UNSET = 0xffff_ffff;

/** Names of users. They are read beside everything else: a disk that hangs must not hold up a router. */
export class UserNames {
  #names: ReadonlyMap<number, string> = new Map([[0, "root"]]);

  constructor() {
    this.refresh();
  }

  name(userId: number): string | undefined {
    return this.#names.get(userId);
  }

  /** For the next one who asks: a user may have been added. */
  refresh(): void {
    readFile(PASSWD_FILE, "utf8").then(
      (text) => {
        this.#names = userNames(text);
      },
      // Without it there are numbers.
      () => {},
    );
  }
}

/** The users of a text in the form of passwd(5) by their numbers; of two with one number the first, as getpwuid(3). */
export function userNames(passwd: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of passwd.split("\n")) {
    const [name, , uid] = line.split(":");
    if (name === undefined || name === "" || !/^\d{1,10}$/.test(uid ?? "")) continue;
    if (!names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}

/** A line of a file of /proc, which no disk can hold up; undefined when the process has ended. */
function processLine(processId: number, file: "comm" | "loginuid"): string | undefined {
  try {
    return readFileSync(`/proc/${processId}/${file}`, "utf8").trimEnd();
  } catch {
    return undefined;
  }
}

function loginOf(processId: number, userId: number, users: UserNames): string | undefined {
  const text = processLine(processId, "loginuid");
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const login = Number(text);
  return login === LOGIN_UNSET || login === userId ? undefined : (users.name(login) ?? text);
}

/** Who is connected. @param descriptor of the connection; negative when it is closed already */
export function identify(descriptor: number, users: UserNames): ControlClient {
  const credentials = descriptor < 0 ? undefined : peerCredentials(asFd(descriptor));
  if (credentials === undefined) return {};
  const { processId, userId } = credentials;
  const user = users.name(userId);
  users.refresh();
  const login = processId === undefined ? undefined : loginOf(processId, userId, users);
  const program = processId === undefined ? undefined : processLine(processId, "comm");
  return {
    ...(user === undefined ? {} : { user }),
    uid: userId,
    ...(login === undefined ? {} : { login }),
    ...(processId === undefined ? {} : { pid: processId }),
    ...(program === undefined ? {} : { program }),
  };
}
