import { expect, test } from "bun:test";
import { constants } from "node:os";
import { SyscallError } from "../../../../src/lib/errors.ts";
import { errnoName, errnoReason, syscallErrorFor } from "../../../../src/sys/libc/errno.ts";
import { openSocket } from "../../../../src/sys/sockets/socket.ts";

test("errnoName() and errnoReason() name what errno.h names, and print the rest", () => {
  expect([errnoName(1), errnoReason(17), errnoName(999), errnoReason(999)]).toEqual([
    "EPERM",
    "it exists already (EEXIST)",
    "errno 999",
    "errno 999",
  ]);
});

test("syscallErrorFor() ends the program with 4 for missing rights and with 1 otherwise", () => {
  expect([1, 13, 98].map((errno) => syscallErrorFor(errno, "open a socket").exitCode)).toEqual([4, 4, 1]);
});

test("syscallErrorFor() gives the hint about permission only where that is what is missing", () => {
  const hintOf = (errno: number) => syscallErrorFor(errno, "open a socket", undefined, "Run it as root.").hint;
  // EPERM, EACCES, EMFILE, ENFILE, EAFNOSUPPORT
  expect([1, 13, 24, 23, 97].map(hintOf)).toEqual([
    "Run it as root.",
    "Run it as root.",
    "Raise the limit of open files: ulimit -n, or LimitNOFILE= of the systemd unit.",
    "Raise the sysctl fs.file-max.",
    undefined,
  ]);
});

test("errnoReason() knows what a call of ours can give, by the numbers of errno.h", () => {
  const { errno } = constants;
  const unnamed = Object.entries(errno).filter(([name, number]) => errnoName(number) !== name && !TWICE.has(name));
  expect(unnamed).toEqual([]);
});
/** Other names of EAGAIN and EOPNOTSUPP, and those of System V messages, which nothing here uses. */
const TWICE = new Set(["EWOULDBLOCK", "ENOTSUP", "EIDRM", "ENOMSG", "ENOLINK", "ENOSR", "ENOSTR", "EMULTIHOP"]);

test("openSocket() reports the errno of its own call", () => {
  // 9999 is no address family.
  const open = () => openSocket(9999, 2, 0, "open a socket", "Try another one.");
  expect(open).toThrow(SyscallError);
  const error = { errnoName: "EAFNOSUPPORT", operation: "open a socket", hint: undefined };
  expect(open).toThrow(expect.objectContaining(error));
});
