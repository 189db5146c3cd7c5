import { expect, test } from "bun:test";
import { systemMessage, systemReason } from "../../../src/lib/system-reason.ts";

function thrown(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

test("systemReason() has words for what a file or a program can't be", () => {
  expect(["ENOEXEC", "ETXTBSY", "EBUSY", "EOTHER"].map((code) => systemReason(thrown(code, "x")))).toEqual([
    "exec format error: neither a program for this machine nor a script with #! (ENOEXEC)",
    "it is being written to (ETXTBSY)",
    "it is in use (EBUSY)",
    "EOTHER",
  ]);
});

test("systemMessage() puts words where the runtime has none, and leaves the rest as it is", () => {
  expect(systemMessage(thrown("ENOEXEC", "ENOEXEC: unknown error, posix_spawn '/x'"))).toBe(
    "ENOEXEC: exec format error: neither a program for this machine nor a script with #!, posix_spawn '/x'",
  );
  const missing = "ENOENT: no such file or directory, posix_spawn '/x'";
  expect(systemMessage(thrown("ENOENT", missing))).toBe(missing);
  expect(systemMessage("a text")).toBe("a text");
});
