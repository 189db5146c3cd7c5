/** What the kernel says of the processes of a server. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What `read` says of each process or thread in that folder of /proc; of one that ends meanwhile, nothing. */
function ofEach<T>(folder: string, read: (path: string, id: number) => readonly T[]): T[] {
  return readdirSync(folder).flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return read(`${folder}/${name}`, Number(name));
    } catch {
      return [];
    }
  });
}

/** proc(5): state, parent and group come after the name, which may have anything in it. */
function status(path: string): { readonly state: string; readonly group: number } {
  const text = readFileSync(`${path}/stat`, "latin1");
  const [state = "", , group = ""] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state, group: Number(group) };
}

/** Ended, and not waited for by its parent: it holds nothing any more. */
const ENDED = /^[ZX]$/;
const STOPPED = /^T$/;

/** Whether every thread of the group has stopped: the signal only asks for it, and returns before it is so. */
export function isStopped(group: number): boolean {
  const states = ofEach("/proc", (path) =>
    status(path).group === group ? ofEach(`${path}/task`, (thread) => [status(thread).state]) : [],
  );
  return states.every((state) => STOPPED.test(state) || ENDED.test(state));
}

/** The processes of that group, and those that have this folder, or one below it, as their own. */
export function runningProcesses(group: number, folder: string): number[] {
  return ofEach("/proc", (path, id) => {
    const process = status(path);
    if (ENDED.test(process.state)) return [];
    return process.group === group || `${readlinkSync(`${path}/cwd`)}/`.startsWith(`${folder}/`) ? [id] : [];
  });
}
