import { describe, expect, test } from "bun:test";
import { KernelConsole } from "../../lab/kernel-console.ts";

/** What Debian's kernels said when each of these was broken on purpose. */

const MEMORY = { mebibytes: 1024, folder: "/dev/shm" };
const BOOT = `SELinux: CONFIG_SECURITY_SELINUX_CHECKREQPROT_VALUE is non-zero.
mmapper_init - find_iomem failed
Failed to initialize ubd device 0 :Couldn't determine size of device's file
`;
const TRACE = `CPU: 0 PID: 1 Comm: swapper Not tainted 6.1.176 #1 
Stack:
 606944ba 607e7fcd 8344be40 6067bb96
 00000002 607e7fcd 60045fda 00000000
Call Trace:
 [<606944ba>] ? _printk+0x0/0x94
 [<6002d37a>] show_stack+0x184/0x193
`;

function whyEnded(text: string, end: { code?: number; signal?: string } = {}): string[] {
  const console = new KernelConsole();
  console.add(new TextEncoder().encode(text));
  return console.whyEnded({ code: end.code ?? null, signal: end.signal ?? null }, MEMORY).split("\n");
}

describe("KernelConsole.whyEnded()", () => {
  test("gives the words of the lab's own init, and nothing else", () => {
    const cause = "a module of the user-mode kernel 6.1.176 cannot be loaded: modprobe: WARNING: Module ipv6 not found";
    expect(whyEnded(`${BOOT}lab: ${cause}\r\nsysrq: Power Off\nreboot: Power down\n`, { code: 0 })).toEqual([cause]);
  });

  test("gives a panic's own line first, then what came before it, and no trace", () => {
    const text = `${BOOT}/test/init: 3: cannot open /run/lab/job/mounts.sh: No such file
Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000200
${TRACE}`;
    expect(whyEnded(text, { signal: "SIGABRT" })).toEqual([
      "the user-mode kernel panicked: Attempted to kill init! exitcode=0x00000200",
      "/test/init: 3: cannot open /run/lab/job/mounts.sh: No such file",
    ]);
  });

  test("names the folder that has no room for the kernel's memory, although a panic follows", () => {
    const text = `${BOOT}Bus error - the host /dev/shm or /tmp mount likely just ran out of space
Kernel panic - not syncing: Kernel mode signal 7
${TRACE}Received SIGSEGV in SIGSEGV handler, aborting stack trace!
`;
    expect(whyEnded(text)).toEqual([
      "no memory is left for the user-mode kernel: /dev/shm has no room for the 1024 MiB it may use; " +
        "TMPDIR names another folder",
    ]);
  });

  test("names a folder that code can't be run from", () => {
    expect(whyEnded("Operation not permitted\n/dev/shm must be not mounted noexec\n", { code: 1 })[0]).toBe(
      "/dev/shm is mounted noexec, and the user-mode kernel's memory has to be where code can run; " +
        "TMPDIR names another folder",
    );
  });

  test("gives the last line where nothing is known, and how it ended", () => {
    const text = "taskset: failed to execute linux.uml: Permission denied\n";
    expect(whyEnded(text, { code: 126 })).toEqual([
      "the user-mode kernel ended with 126 by itself: taskset: failed to execute linux.uml: Permission denied",
    ]);
    expect(whyEnded(BOOT, { signal: "SIGKILL" })).toEqual([
      "the user-mode kernel was ended by SIGKILL, and said nothing",
    ]);
  });
});

describe("KernelConsole.memoryWarnings()", () => {
  const warnings = (text: string) => {
    const console = new KernelConsole();
    // However the output was cut into pieces.
    for (const byte of new TextEncoder().encode(`${BOOT}${text}`)) console.add(Uint8Array.of(byte));
    return console.memoryWarnings(MEMORY);
  };

  test("names the programs that were killed", () => {
    const line = (pid: number) =>
      `Out of memory: Killed process ${pid} (head) total-vm:2900kB, anon-rss:116kB, UID:0\n`;
    expect(warnings(`${line(725)}${line(726)}`)).toEqual([
      "the 1024 MiB of the lab's kernel were used up, and it killed head, head",
    ]);
  });

  test("tells of memory that the machine did not give", () => {
    const text = "UML ran out of memory on the host side! This can happen due to a memory limitation\nKilled\n";
    expect(warnings(text)).toEqual([
      "this machine refused memory to a process of the lab, which was killed: see vm.max_map_count and ulimit -v",
    ]);
  });

  test("says nothing where there was enough", () => {
    expect(warnings("")).toEqual([]);
  });
});
