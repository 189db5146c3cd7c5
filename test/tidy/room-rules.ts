/**
 * Rooms are the folders inside of a folder of src. They stand in an order, and a file imports only what stands below its
 * own room: so nothing runs back up, and there is no circle.
 */
import { type Finding, importsOf, resolveImport, type SourceFile } from "./source-text.ts";

/**
 * By folder of src, its rooms from the bottom up; "." are the files of the folder itself. The diagram in ARCHITECTURE.md
 * is made from this.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  wire: ["bytes", "netlink", "ethernet", "rtnetlink", "ipvs", "sync", "heartbeat", "filter"],
  kernel: ["machine", "netlink", "ipvs", "addresses", "neighbours", "filter"],
  sys: ["libc", "sockets", "process"],
  probe: ["transport", "protocols", "local", "."],
  config: ["places", "keys", "toml", "resolve", "render", "."],
  failover: ["machine", "evidence", "rules", "."],
  balance: ["servers", "table", "health", "saved", "."],
  lib: [".", "pattern"],
  import: ["words", "table", "ipvsadm", "foreign", "keepalived", "ldirectord", "piranha", "."],
  daemon: [
    "host",
    "settings",
    "reload",
    "status",
    "network",
    "kernel-thread",
    "firewall",
    "balancer",
    "sync",
    "control",
    "router",
  ],
  cli: [
    "spec",
    "output",
    "line",
    "docs",
    "changes",
    "drain",
    "service",
    "real",
    "vip",
    "status",
    "check",
    "config",
    "heartbeat",
    "failover",
    "main",
  ],
};

/** More side by side are a hall in which a newcomer finds nothing. */
export const FILES_IN_A_ROOM_MAX = 25;

/** @returns the folder of src and the room in it: a file of `src/daemon/sync` is in `daemon` and `sync`. */
export function roomOf(path: string): { readonly folder: string; readonly room: string } {
  const [, folder = "", ...rest] = path.split("/");
  if (rest.length === 0) return { folder: "", room: "." };
  return { folder, room: rest.length === 1 ? "." : rest.slice(0, -1).join("/") };
}

/** Imports that run from a room up into another one of the same folder, and files in rooms that the table lacks. */
export function roomFindings(file: SourceFile, rooms = ROOMS): Finding[] {
  const { folder, room } = roomOf(file.path);
  const order = rooms[folder] ?? ["."];
  const from = order.indexOf(room);
  if (from < 0) {
    return [{ path: file.path, line: 1, message: `src/${folder} has no room ${room}; add it to ROOMS, in its order` }];
  }
  return importsOf(file).flatMap(({ specifier, line }) => {
    if (!specifier.startsWith(".")) return [];
    const target = roomOf(resolveImport(file.path, specifier));
    if (target.folder !== folder || order.indexOf(target.room) <= from) return [];
    const message = `${folder}/${room} never imports ${folder}/${target.room}, which stands above it; move what both need down`;
    return [{ path: file.path, line, message }];
  });
}

/** Rooms of the table in which no file is, and folders with too many files side by side. */
export function crowdFindings(files: readonly SourceFile[], rooms = ROOMS): Finding[] {
  const counts = new Map<string, number>();
  for (const { path } of files) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const crowded = [...counts]
    .filter(([, count]) => count > FILES_IN_A_ROOM_MAX)
    .map(([path, count]) => ({
      path,
      line: 1,
      message: `${count} files side by side, at most ${FILES_IN_A_ROOM_MAX}; make rooms`,
    }));
  const empty = Object.entries(rooms).flatMap(([folder, names]) =>
    names
      .map((name) => (name === "." ? `src/${folder}` : `src/${folder}/${name}`))
      .filter((path) => !counts.has(path))
      .map((path) => ({ path, line: 1, message: "no file is in this room; take it out of ROOMS" })),
  );
  return [...crowded, ...empty];
}

/** Files of one name: in a search, a stack trace or an editor's tab nobody knows which one is meant. */
export function sameNameFindings(files: readonly SourceFile[]): Finding[] {
  const first = new Map<string, string>();
  return files.flatMap(({ path }) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const other = first.get(name);
    first.set(name, other ?? path);
    return other === undefined
      ? []
      : [{ path, line: 1, message: `${other} has the same name; say what this one holds` }];
  });
}
