import { CLONE_NEWNET, O_CLOEXEC, O_RDONLY } from "../libc/constants.ts";
import { syscallError } from "../libc/errno.ts";
import { asFd, closeFd } from "../libc/fd.ts";
import { libc } from "../libc/libc.ts";

/**
 * Moves this thread into another network namespace: the sockets it opens from now on live there.
 * @param path such as `/run/netns/lvs1` or `/proc/1/ns/net`
 * @throws SyscallError.
 */
export function enterNetworkNamespace(path: string): void {
  const result = libc().open(new TextEncoder().encode(`${path}\0`), O_RDONLY | O_CLOEXEC, 0);
  if (result < 0) throw syscallError("open network namespace", path);
  const fd = asFd(result);
  try {
    if (libc().setns(fd, CLONE_NEWNET) !== 0) throw syscallError("enter network namespace", path);
  } finally {
    closeFd(fd);
  }
}
