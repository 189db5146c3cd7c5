#!/bin/sh
# The first process of the user-mode kernel (uml.ts writes the job's folder and names it on the kernel's command line).
# The root file system is the host's, read-only; every place that programs write to is a tmpfs here.
job=$1

fail() {
  echo "lab: $1" >/dev/tty2
  echo 125 >/run/lab/job/status
  echo o >/proc/sysrq-trigger
  sleep 60
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
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lab/job /run/netns /run/lock /run/modules/lib
mount -t hostfs -o "$job" none /run/lab/job
for place in /tmp /var/tmp /var/lib /var/log; do
  mount -t tmpfs -o mode=1777 tmpfs "$place"
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
/run/modules/bin/modprobe -a ipv6 veth bridge ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_lblc ip_vs_lblcr \
  ip_vs_dh ip_vs_sh nf_conntrack || fail "the modules of the user-mode kernel cannot be loaded"

hostname lab
ip link set lo up
: >/run/lab/job/ready

(
  . /run/lab/job/environment.sh
  export PATH="/run/modules/bin:$PATH"
  . /run/lab/job/command.sh
) </dev/null >/dev/tty1 2>/dev/tty2
echo $? >/run/lab/job/status

# stty waits until what was written has left.
stty -F /dev/tty1 raw -echo
stty -F /dev/tty2 raw -echo
echo o >/proc/sysrq-trigger
sleep 60
