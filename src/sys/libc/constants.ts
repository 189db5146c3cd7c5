/** Numbers of the C headers, for the architectures that use the asm-generic ones (x86-64, arm64, riscv64). */

// bits/socket.h: address families
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

// bits/socket_type.h
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

// netinet/in.h
export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_RAW = 255;

// bits/socket.h: levels of socket options
export const SOL_SOCKET = 1;
export const SOL_NETLINK = 270;

// asm-generic/socket.h
export const SO_ERROR = 4;
export const SO_RCVBUF = 8;
export const SO_PRIORITY = 12;
export const SO_LINGER = 13;
export const SO_PEERCRED = 17;
export const SO_RCVTIMEO = 20;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_RCVBUFFORCE = 33;
export const SO_MARK = 36;

// linux/tcp.h
export const TCP_INFO = 11;
export const TCP_QUICKACK = 12;

// asm-generic/poll.h
export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLRDHUP = 0x2000;

// linux/netlink.h
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
export const NETLINK_GENERIC = 16;
export const NETLINK_ADD_MEMBERSHIP = 1;
export const NETLINK_CAP_ACK = 10;
export const NETLINK_EXT_ACK = 11;
export const NETLINK_GET_STRICT_CHK = 12;

// linux/in.h, linux/in6.h
export const IP_TOS = 1;
export const IP_PKTINFO = 8;
export const IPV6_V6ONLY = 26;
export const IPV6_PKTINFO = 50;
export const IPV6_TCLASS = 67;

// bits/socket.h: flags of send and recv
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;

// asm-generic/errno-base.h, errno.h
export const EINTR = 4;
export const EBADF = 9;
export const EAGAIN = 11;
export const EMSGSIZE = 90;
export const EADDRINUSE = 98;
export const EINPROGRESS = 115;

// linux/fcntl.h, asm-generic/fcntl.h
export const F_GETFD = 1;
export const FD_CLOEXEC = 1;
export const F_SETFL = 4;
export const F_DUPFD_CLOEXEC = 1030;
export const O_RDONLY = 0;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;

// linux/time.h
export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;

// linux/prctl.h
export const PR_SET_PDEATHSIG = 1;
export const PR_SET_CHILD_SUBREAPER = 36;

// linux/wait.h
export const WNOHANG = 1;

// linux/sched.h
export const SCHED_OTHER = 0;
export const SCHED_FIFO = 1;
export const CLONE_NEWNET = 0x4000_0000;

// asm-generic/mman.h, asm-generic/mman-common.h
export const MCL_CURRENT = 1;
export const MCL_FUTURE = 2;
export const MCL_ONFAULT = 4;

// net/if.h: the bytes of an interface's name with its NUL
export const IFNAMSIZ = 16;

// bits/signum-generic.h, bits/signum-arch.h
export const SIGKILL = 9;
export const SIGTERM = 15;

// linux/sched.h: children of a real-time thread start as ordinary ones
export const SCHED_RESET_ON_FORK = 0x4000_0000;

// linux/in.h, linux/in6.h: bind to an address that is not there yet
export const IP_FREEBIND = 15;
export const IPV6_FREEBIND = 78;

// linux/pkt_sched.h: TC_PRIO_INTERACTIVE needs no privilege, TC_PRIO_CONTROL does
export const TC_PRIO_INTERACTIVE = 6;
export const TC_PRIO_CONTROL = 7;

// RFC 2474, RFC 4594: class selector 6, network control, in the upper six bits of the traffic class
export const TRAFFIC_CLASS_CS6 = 0xc0;

// linux/in.h, linux/in6.h: multicast
export const IP_MULTICAST_IF = 32;
export const IP_MULTICAST_TTL = 33;
export const IP_MULTICAST_LOOP = 34;
export const IPV6_MULTICAST_IF = 17;
export const IPV6_MULTICAST_HOPS = 18;
export const IPV6_MULTICAST_LOOP = 19;

// linux/resource.h
export const PRIO_PROCESS = 0;
