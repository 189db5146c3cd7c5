import { expect, test } from "bun:test";
import { SyscallError } from "../../../src/lib/errors.ts";
import { errnoName, errnoReason, syscallErrorFor } from "../../../src/sys/errno.ts";
import { openSocket } from "../../../src/sys/socket.ts";

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

test("openSocket() reports the errno of its own call", () => {
  // 9999 is no address family.
  const open = () => openSocket(9999, 2, 0, "open a socket", "Try another one.");
  expect(open).toThrow(SyscallError);
  expect(open).toThrow(
    expect.objectContaining({ errnoName: "EAFNOSUPPORT", operation: "open a socket", hint: "Try another one." }),
  );
});
