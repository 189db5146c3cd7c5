#!/bin/sh
# The first process of the user-mode kernel (uml.ts writes the job's folder and names it on the kernel's command line).
# The root file system is the host's, read-only; every place that programs write to is a tmpfs here.
job=$1

# The cause of a lab that does not come up, on the console, where uml.ts looks for it.
fail() {
  echo "lab: $1" >/dev/console
  power_off
}

# stty waits until what was written has left.
power_off() {
  for terminal in console tty1 tty2; do stty -F /dev/$terminal raw -echo; done
  echo o >/proc/sysrq-trigger
  sleep 60
}

# Runs a command that the lab can't do without; says what it was for and what it said itself where it fails.
need() {
  purpose=$1
  shift
  said=$("$@" 2>&1) || fail "$purpose: $(echo "$said" | head -n 1)"
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
need "/run cannot be made" mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lab/job /run/netns /run/lock /run/modules/lib

# Where kernel and mount(8) are new (6.12 with util-linux 2.41), the folder is named as hostfs=FOLDER; older ones take
# that for the folder's name. "ro," may stand before it in either form.
folder_option=hostfs=
mount -t hostfs -o "hostfs=$job" none /run/lab/job 2>/run/lab/refused || {
  folder_option=
  mount -t hostfs -o "$job" none /run/lab/job 2>>/run/lab/refused ||
    fail "the host's folder $job cannot be mounted by hostfs: $(grep '^mount' /run/lab/refused | tr '\n' ' ')"
}
# hostfs OPTIONS FOLDER: a folder of the host at its own place.
hostfs() {
  mkdir -p "$2" 2>/dev/null
  need "the host's folder $2 cannot be mounted by hostfs" mount -t hostfs -o "$1$folder_option$2" none "$2"
}
for place in /tmp /var/tmp /var/lib /var/log; do
  need "$place cannot be covered" mount -t tmpfs -o mode=1777 tmpfs "$place"
done

# What the job needs from below the places that are hidden now, and what it may write to on the host.
. /run/lab/job/mounts.sh

stty -F /dev/tty1 raw -echo
stty -F /dev/tty2 raw -echo

# modprobe looks for modules in /lib/modules only: the kernel gets a program that looks where the package has them.
ln -s /usr/lib/uml/modules /run/modules/lib/modules
mkdir /run/modules/bin
printf '#!/bin/sh\nexec /sbin/modprobe -d /run/modules "$@"\n' >/run/modules/bin/modprobe
chmod 755 /run/modules/bin/modprobe
echo /run/modules/bin/modprobe >/proc/sys/kernel/modprobe
need "a module of the user-mode kernel $(uname -r) cannot be loaded" /run/modules/bin/modprobe -a ipv6 veth bridge \
  ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_lblc ip_vs_lblcr ip_vs_dh ip_vs_sh nf_conntrack

# Linux 6.12 in user mode loses its way in the memory that io_uring maps: it panics after Node.js (libuv) has ended.
[ ! -e /proc/sys/kernel/io_uring_disabled ] || echo 2 >/proc/sys/kernel/io_uring_disabled

hostname lab
ip link set lo up
: >/run/lab/job/ready

(
  . /run/lab/job/environment.sh
  export PATH="/run/modules/bin:$PATH"
  . /run/lab/job/command.sh
) </dev/null >/dev/tty1 2>/dev/tty2
echo $? >/run/lab/job/status
power_off
