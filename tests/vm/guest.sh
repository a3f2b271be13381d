#!/bin/bash
# Inside the virtual machine: mounts what a system manager would, runs the tests for this layout of cgroups, powers off.
export PATH=/berth/bin:/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH=/berth/lib HOME=/root TERM=dumb LANG=C.UTF-8 TMPDIR=/var/tmp
exec </dev/null >/dev/ttyS1 2>&1
echo vm-started
mount -t tmpfs none /run
mkdir -p /dev/pts /dev/shm /run/lock
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
mount -t devpts -o gid=5,mode=620,ptmxmode=666 none /dev/pts
mount -t tmpfs none /dev/shm
mount -t tmpfs none /tmp
chmod 1777 /tmp /dev/shm
ip link set lo up
echo vm >/proc/sys/kernel/hostname
layout=$(sed -n 's/.*berth\.cgroups=\([a-z0-9]*\).*/\1/p' /proc/cmdline)

mount_v1() {
    mount -t tmpfs -o mode=755 none /sys/fs/cgroup
    local set
    for set in cpu,cpuacct cpuset memory devices freezer blkio pids hugetlb net_cls,net_prio perf_event rdma; do
        mkdir /sys/fs/cgroup/$set
        mount -t cgroup -o $set none /sys/fs/cgroup/$set || rmdir /sys/fs/cgroup/$set
    done
    ln -s cpu,cpuacct /sys/fs/cgroup/cpu
    ln -s cpu,cpuacct /sys/fs/cgroup/cpuacct
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd
}
case $layout in
    none) busybox poweroff -f ;;
    v2) mount -t cgroup2 none /sys/fs/cgroup ;;
    v1) mount_v1 ;;
    hybrid)
        mount_v1
        mkdir /sys/fs/cgroup/unified
        mount -t cgroup2 none /sys/fs/cgroup/unified
        ;;
esac
export BERTH_BIN=/berth/bin BERTH_SOURCE=/berth BERTH_VM=1 BERTH_VM_CGROUPS=$layout
cd /berth
if grep -q . command; then
    bash command
    echo "vm-status: $?"
    sync
    busybox poweroff -f
fi
files=(tests/vm/guest/*.bats)
# What depends on the kernel, once: on v2, which the machine that builds may not have.
[ "$layout" != v2 ] || files+=(tests/runtime/*.bats tests/build/build.bats tests/api/restart.bats)
status=0
for file in "${files[@]}"; do
    [ -e "$file" ] || continue
    echo "== $layout: $file"
    # Bats is process 1, as it takes orphans off the process table.
    timeout 3000 unshare --mount --pid --fork --mount-proc --kill-child --net -- bash -c 'ip link set lo up; exec bats --tap "$1"' _ "$file" || status=1
done
echo "vm-status: $status"
sync
busybox poweroff -f
