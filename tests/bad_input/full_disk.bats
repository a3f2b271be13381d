#!/usr/bin/env bats
# A data root without a free byte: every command says so, nothing is lost, and making room brings everything back.
load ../lib/berth

setup() {
    DISK=$(mktemp -d)
    export DISK
    truncate -s 64M "$DISK.img"
    mkfs.ext4 -q -F "$DISK.img"
    mount -o loop "$DISK.img" "$DISK"
    BERTH_TEST_DIR=$(mktemp -d)
    berth_state >"$BERTH_TEST_DIR/state-before"
    ln -s "$DISK" "$BERTH_TEST_DIR/data"
    berth_engine_start
    berth_busybox
}
teardown() {
    berth_engine_stop
    berth_audit
    umount "$DISK"
    rm -rf "$DISK" "$DISK.img"
}

@test "a full disk stops what needs room and nothing else" {
    berth run -d --name keeper busybox sh -c 'while true; do echo tick; sleep 0.1; done'
    dd if=/dev/urandom of="$BATS_TEST_TMPDIR/big" bs=1M count=80 status=none
    run bash -c "tar -C '$BATS_TEST_TMPDIR' -c big | berth import - big:latest"
    [ "$status" -ne 0 ]
    [[ $output == *'o space left'* ]]
    run berth image inspect big:latest
    [ "$status" -ne 0 ]
    # Fill it to the last byte, then use what must work without room.
    dd if=/dev/zero of="$DISK/filler" bs=64k status=none 2>/dev/null || true
    berth ps | grep keeper
    [ "$(berth inspect -f '{{.State.Running}}' keeper)" = true ]
    berth stop -t 1 keeper
    berth rm keeper
    rm "$DISK/filler"
    berth run --rm busybox echo back | grep back
}
