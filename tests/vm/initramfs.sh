#!/bin/busybox sh
# The first program of the virtual machine: loads the modules, in the order of their names, and hands over to the disk.
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
for module in /lib/*.ko*; do
    /bin/busybox insmod "$module" 2>/dev/null || echo "cannot load $module"
done
while [ ! -b /dev/vda ]; do /bin/busybox usleep 10000; done
/bin/busybox mount -t ext4 /dev/vda /root || exec /bin/busybox poweroff -f
for folder in proc sys dev; do /bin/busybox mount --move /$folder /root/$folder; done
exec /bin/busybox switch_root /root /usr/sbin/init
