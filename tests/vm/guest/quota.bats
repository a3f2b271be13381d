# --storage-opt size=: project quotas, which the kernel of the machine that builds may not have.
load ../../lib/berth

setup() {
    [ "$BERTH_VM_CGROUPS" = v2 ] || skip "no matter of cgroups: once is enough"
    disk=$(mktemp -d /var/tmp/berth-quota.XXXXXX)
    truncate -s 300M "$disk/disk"
    mkfs.ext4 -q -F -O quota,project "$disk/disk"
    mkdir "$disk/mount"
    mount -o loop,prjquota "$disk/disk" "$disk/mount"
    BERTH_TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/berth-test.XXXXXX")
    berth_state >"$BERTH_TEST_DIR/state-before"
    ln -s "$disk/mount/data" "$BERTH_TEST_DIR/data"
    mkdir "$disk/mount/data"
    berth_engine_start
    berth_busybox >/dev/null
}
teardown() {
    [ -n "${disk:-}" ] || return 0
    berth_engine_stop
    berth_audit
    umount "$disk/mount"
    rm -r "$disk"
}

megabytes() { echo "head -c $1000000 /dev/zero >/$2 2>/dev/null && echo all || echo refused"; }

@test "a container writes as much as it may, and no more" {
    [ "$(berth run --rm --network none --storage-opt size=8m busybox sh -c "$(megabytes 6 a); $(megabytes 6 b)")" = "$(printf 'all\nrefused')" ]
    # One that may pass quotas itself may not pass this one: the overlay writes.
    [ "$(berth run --rm --network none --privileged --storage-opt size=8m busybox sh -c "$(megabytes 12 a)")" = refused ]
    # The limit is the container's: it stays, and others have none.
    berth create --name limited --network none --storage-opt size=8m busybox sh -c "$(megabytes 6 a); df -k / | tail -n 1 | awk '{print \$2}'" >/dev/null
    [ "$(berth start -a limited)" = "$(printf 'all\n8192')" ]
    [ "$(berth inspect -f '{{.HostConfig.StorageOpt.size}}' limited)" = 8m ]
    berth_engine_halt
    berth_engine_start
    berth cp limited:/a - | tar -t | grep -qx a
    head -c 6000000 /dev/zero >"$disk/more"
    run berth cp "$disk/more" limited:/more
    [ "$status" -ne 0 ]
    [ "$(berth run --rm --network none busybox sh -c "$(megabytes 20 a)")" = all ]
    # What is freed inside can be written again.
    berth rm limited >/dev/null
    [ "$(berth run --rm --network none --storage-opt size=8m busybox sh -c "$(megabytes 6 a); rm /a; $(megabytes 6 b)")" = "$(printf 'all\nall')" ]
}

@test "what is no limit is refused" {
    for size in 1k much -5; do
        run berth run --rm --storage-opt "size=$size" busybox true
        [ "$status" -eq 125 ]
        [[ $output == *"--storage-opt size=$size"* ]]
    done
    run berth run --rm --storage-opt speed=1 busybox true
    [ "$status" -eq 125 ]
    [[ $output == *"unknown storage option"* ]]
}
