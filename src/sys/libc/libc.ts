/**
 * The only place where C is called. Each symbol stands below its prototype, so that a wrong width can be seen: at run
 * time it can't, because bun:ffi wraps integers silently. Callers go through the other files of this folder, which
 * check every integer first (integers.ts).
 *
 * The library is opened at the first call, not at import, so that commands that need no system call start at once.
 */
import { dlopen, FFIType, read } from "bun:ffi";
import { assert } from "../../lib/assert.ts";

const { i32, u32, u64, ptr, i64_fast: i64 } = FFIType;

const PROTOTYPES = {
  // int *__errno_location(void);
  __errno_location: { args: [], returns: ptr },
  // int socket(int domain, int type, int protocol);
  socket: { args: [i32, i32, i32], returns: i32 },
  // int bind(int fd, const struct sockaddr *address, socklen_t length);
  bind: { args: [i32, ptr, u32], returns: i32 },
  // int connect(int fd, const struct sockaddr *address, socklen_t length);
  connect: { args: [i32, ptr, u32], returns: i32 },
  // int listen(int fd, int backlog);
  listen: { args: [i32, i32], returns: i32 },
  // int getsockname(int fd, struct sockaddr *address, socklen_t *length);
  getsockname: { args: [i32, ptr, ptr], returns: i32 },
  // int setsockopt(int fd, int level, int option, const void *value, socklen_t length);
  setsockopt: { args: [i32, i32, i32, ptr, u32], returns: i32 },
  // int getsockopt(int fd, int level, int option, void *value, socklen_t *length);
  getsockopt: { args: [i32, i32, i32, ptr, ptr], returns: i32 },
  // ssize_t sendto(int fd, const void *buffer, size_t length, int flags, const struct sockaddr *to, socklen_t tolen);
  sendto: { args: [i32, ptr, u64, i32, ptr, u32], returns: i64 },
  // ssize_t sendmsg(int fd, const struct msghdr *message, int flags);
  sendmsg: { args: [i32, ptr, i32], returns: i64 },
  // ssize_t recv(int fd, void *buffer, size_t length, int flags);
  recv: { args: [i32, ptr, u64, i32], returns: i64 },
  // ssize_t read(int fd, void *buffer, size_t count);
  read: { args: [i32, ptr, u64], returns: i64 },
  // ssize_t write(int fd, const void *buffer, size_t count);
  write: { args: [i32, ptr, u64], returns: i64 },
  // int isatty(int fd);
  isatty: { args: [i32], returns: i32 },
  // int poll(struct pollfd *descriptors, nfds_t count, int timeout);
  poll: { args: [ptr, u64, i32], returns: i32 },
  // int pipe2(int fds[2], int flags);
  pipe2: { args: [ptr, i32], returns: i32 },
  // int fchown(int fd, uid_t owner, gid_t group);
  fchown: { args: [i32, u32, u32], returns: i32 },
  // int close(int fd);
  close: { args: [i32], returns: i32 },
  // int fcntl(int fd, int command, ... /* int argument */);
  fcntl: { args: [i32, i32, i32], returns: i32 },
  // int ioctl(int fd, unsigned long request, ... /* void *argument */);
  ioctl: { args: [i32, u64, ptr], returns: i32 },
  // int open(const char *path, int flags, ... /* mode_t mode */);
  open: { args: [ptr, i32, u32], returns: i32 },
  // unsigned int if_nametoindex(const char *name);
  if_nametoindex: { args: [ptr], returns: u32 },
  // int clock_gettime(clockid_t clock, struct timespec *time);
  clock_gettime: { args: [i32, ptr], returns: i32 },
  // pid_t getpid(void);
  getpid: { args: [], returns: i32 },
  // pid_t getppid(void);
  getppid: { args: [], returns: i32 },
  // uid_t geteuid(void);
  geteuid: { args: [], returns: u32 },
  // pid_t getpgrp(void);
  getpgrp: { args: [], returns: i32 },
  // int kill(pid_t process, int signal);
  kill: { args: [i32, i32], returns: i32 },
  // int prctl(int option, ... /* unsigned long a, b, c, d */);
  prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
  // pid_t waitpid(pid_t process, int *status, int options);
  waitpid: { args: [i32, ptr, i32], returns: i32 },
  // int sched_setscheduler(pid_t process, int policy, const struct sched_param *parameters);
  sched_setscheduler: { args: [i32, i32, ptr], returns: i32 },
  // int setpriority(int which, id_t who, int priority);
  setpriority: { args: [i32, u32, i32], returns: i32 },
  // int mlockall(int flags);
  mlockall: { args: [i32], returns: i32 },
  // int setns(int fd, int type);
  setns: { args: [i32, i32], returns: i32 },
} as const;

/** The shared object of glibc 2, which every Linux distribution but the musl ones has under this name. */
const LIBRARY = "libc.so.6";

function openLibrary() {
  const { symbols } = dlopen(LIBRARY, PROTOTYPES);
  const errnoAddress = symbols.__errno_location();
  assert(errnoAddress !== null, "errno has an address");
  return { symbols, errnoAddress };
}

type Library = ReturnType<typeof openLibrary>;

let library: Library | undefined;

/** The C functions. They take and return plain numbers and check nothing. */
export function libc(): Library["symbols"] {
  library ??= openLibrary();
  return library.symbols;
}

/** What the last call on this thread left in errno; to be read at once, before any other call. */
export function readErrno(): number {
  // Its address belongs to the thread and never moves. A Worker has its own modules, and so its own address.
  library ??= openLibrary();
  return read.i32(library.errnoAddress, 0);
}
