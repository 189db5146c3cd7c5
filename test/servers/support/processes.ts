/** What the kernel says of processes: those of a group, and those that work in a folder. */
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

/** Stopped, or ended and not waited for. */
const AT_REST = /^[TZX]$/;

/** Whether every thread of the group has stopped: the signal only asks for it, and returns before it is so. */
export function isStopped(group: number): boolean {
  const states = ofEach("/proc", (path) =>
    status(path).group === group ? ofEach(`${path}/task`, (thread) => [status(thread).state]) : [],
  );
  return states.every((state) => AT_REST.test(state));
}

/** The processes that have this folder, or one below it, as their own. */
export function processesIn(folder: string): number[] {
  return ofEach("/proc", (path, id) => (`${readlinkSync(`${path}/cwd`)}/`.startsWith(`${folder}/`) ? [id] : []));
}
