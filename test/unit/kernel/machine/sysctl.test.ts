import { expect, test } from "bun:test";
import { readSysctl, sysctlCommand, writeSysctl } from "../../../../src/kernel/machine/sysctl.ts";
import { TandemError } from "../../../../src/lib/errors.ts";

test("readSysctl() reads a setting, its blanks made single", () => {
  expect(readSysctl("kernel/ostype")).toBe("Linux");
  expect(readSysctl("net/ipv4/ip_local_port_range")).toMatch(/^\d+ \d+$/);
});

test("readSysctl() knows settings that are not there", () => {
  expect(readSysctl("net/ipv4/conf/none0/rp_filter")).toBeUndefined();
});

test("writeSysctl() leaves a setting alone that has the value already, and names what it cannot change", () => {
  expect(writeSysctl("kernel/ostype", "Linux")).toEqual({ kind: "unchanged" });
  expect(writeSysctl("net/ipv4/conf/none0/rp_filter", "1")).toEqual({ kind: "absent" });
  expect(writeSysctl("kernel/ostype", "Minix")).toEqual({ kind: "refused", reason: "EACCES" });
});

test.each(["../etc/passwd", "/etc/passwd", "net//ipv4", "", "net/./ipv4"])(
  "readSysctl() refuses the path %p",
  (path) => {
    expect(() => readSysctl(path)).toThrow(TandemError);
  },
);

test("sysctlCommand() quotes lists", () => {
  expect([sysctlCommand("net/ipv4/ip_forward", "1"), sysctlCommand("net/ipv4/vs/sync_threshold", "3 0")]).toEqual([
    "sysctl -w net/ipv4/ip_forward=1",
    'sysctl -w net/ipv4/vs/sync_threshold="3 0"',
  ]);
});
