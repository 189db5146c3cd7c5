/**
 * Holds the kernel's RTNL lock until this process is killed; prints a line when it is about to. For a user-mode kernel
 * only: on a host it would stop every address and link change of the whole machine.
 *
 * An ethtool request is read twice, its second word under the lock (net/ethtool/ioctl.c, ETHTOOL_PERQUEUE). That word
 * lies in a page whose fault nobody answers (userfaultfd), so the kernel waits for it with the lock in its hands.
 */
import { dlopen, ptr } from "bun:ffi";
import { writeSync } from "node:fs";

const PAGE_BYTES = 4096;
/** asm-generic/mman-common.h */
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
/** asm/unistd_64.h, linux/userfaultfd.h */
const SYS_USERFAULTFD = 323;
const O_CLOEXEC = 0x80000;
const UFFD_API = 0xaan;
const UFFDIO_API = 0xc018aa3fn;
const UFFDIO_REGISTER = 0xc020aa00n;
const UFFDIO_REGISTER_MODE_MISSING = 1n;
/** linux/sockios.h, linux/ethtool.h */
const SIOCETHTOOL = 0x8946n;
const ETHTOOL_PERQUEUE = 0x4b;
const IFREQ_BYTES = 40;
const IFNAMSIZ = 16;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const STDIN = 0;

const { symbols: libc } = dlopen("libc.so.6", {
  // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
  mmap: { args: ["u64", "u64", "i32", "i32", "i32", "i64"], returns: "u64" },
  // long syscall(long number, ...)
  syscall: { args: ["i64", "i64"], returns: "i64" },
  // int ioctl(int fd, unsigned long request, void *argument)
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  // int socket(int domain, int type, int protocol)
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  // int pipe(int fds[2])
  pipe: { args: ["ptr"], returns: "i32" },
  // ssize_t read(int fd, void *buffer, size_t count)
  read: { args: ["i32", "u64", "u64"], returns: "i64" },
});

function checked(what: string, result: number | bigint): number {
  if (Number(result) < 0) throw new Error(`${what} failed`);
  return Number(result);
}

/** Puts a word at an address that only the kernel may write to for us. */
function poke(address: bigint, word: number): void {
  const ends = new Int32Array(2);
  checked("pipe", libc.pipe(ptr(ends)));
  const [from = STDIN, to = STDIN] = ends;
  writeSync(to, new Uint8Array(Uint32Array.of(word).buffer));
  checked("read", libc.read(from, address, 4n));
}

const pages = BigInt(libc.mmap(0n, BigInt(2 * PAGE_BYTES), PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0n));
const requestAt = pages + BigInt(PAGE_BYTES - 4);
poke(requestAt, ETHTOOL_PERQUEUE);
const faults = checked("userfaultfd", libc.syscall(SYS_USERFAULTFD, O_CLOEXEC));
checked("UFFDIO_API", libc.ioctl(faults, UFFDIO_API, ptr(BigUint64Array.of(UFFD_API, 0n, 0n))));
const range = BigUint64Array.of(pages + BigInt(PAGE_BYTES), BigInt(PAGE_BYTES), UFFDIO_REGISTER_MODE_MISSING, 0n);
checked("UFFDIO_REGISTER", libc.ioctl(faults, UFFDIO_REGISTER, ptr(range)));
const ifreq = Buffer.alloc(IFREQ_BYTES);
ifreq.write("lo", 0, "latin1");
ifreq.writeBigUInt64LE(requestAt, IFNAMSIZ);
const socket = checked("socket", libc.socket(AF_INET, SOCK_DGRAM, 0));
writeSync(1, "holding\n");
libc.ioctl(socket, SIOCETHTOOL, ptr(ifreq));
throw new Error("the request came to an end by itself");
