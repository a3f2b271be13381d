#!/usr/bin/env bats
# A data root without a free byte: every command says so, nothing is lost, what frees room still works, and making room
# brings everything back.
load ../lib/hostile

setup() {
    DISK=$(mktemp -d)
    export DISK
    truncate -s 64M "$DISK.img"
    mkfs.ext4 -q -F -m 0 "$DISK.img"
    mount -o loop "$DISK.img" "$DISK"
    BERTH_TEST_DIR=$(mktemp -d)
    berth_state >"$BERTH_TEST_DIR/state-before"
    ln -s "$DISK" "$BERTH_TEST_DIR/data"
    berth_engine_start
    berth_busybox >/dev/null
    cd "$BATS_TEST_TMPDIR"
    head -c 80M /dev/urandom >big
}
teardown() {
    stop_hostile_registry
    rm -f "$DISK"/filler*
    berth_engine_stop
    local status=0
    berth_audit || status=1
    umount "$DISK" && rm -rf "$DISK" "$DISK.img" || status=1
    return $status
}
# Until no byte is left. Blocks that the file system sets aside for writes under way come back with a sync.
fill() {
    local tries
    for tries in 1 2 3 4 5; do
        dd if=/dev/zero of="$DISK/filler$tries" bs=64k status=none 2>/dev/null || true
        dd if=/dev/zero of="$DISK/filler-$tries" bs=1k status=none 2>/dev/null || true
        sync -f "$DISK"
        [ "$(df --output=avail "$DISK" | tail -1)" -gt 0 ] || return 0
    done
    df "$DISK" >&2
    return 1
}
room() { rm -f "$DISK"/filler*; }
no_room() { says 'o space left'; }

@test "import, load, pull and build that need more than there is: said, and nothing of them stays" {
    local before
    before=$(df --output=avail "$DISK" | tail -1)
    tar -c big >big.tar
    fails_with 1 berth import big.tar big:latest
    no_room
    if berth image inspect big:latest; then return 1; fi
    audit_data
    PYTHONPATH=$HOSTILE python3 -c '
import image, json
i = image.Image(70)
open("load.tar", "wb").write(image.tar_of([("0.tar", i.tars[0]), ("1.tar", i.tars[1]), ("config.json", i.config),
    ("manifest.json", json.dumps([{"Config": "config.json", "RepoTags": ["big:1"], "Layers": ["0.tar", "1.tar"]}]).encode())]))'
    fails_with 1 berth load -i load.tar
    no_room
    audit_data
    mkdir context
    ln big context/big
    printf 'FROM busybox\nCOPY big /big\n' >context/Dockerfile
    fails_with 1 berth build -t big context
    no_room
    audit_data
    printf 'FROM busybox\nRUN head -c 90000000 /dev/zero > /big\n' >context/Dockerfile # which says "I/O error" of its own
    rm context/big
    fails_with 1 berth build -t big context
    says 'Dockerfile:2'
    no_room
    audit_data
    [ "$(berth images -q | wc -l)" -eq 1 ]
    berth system prune -f >/dev/null
    # What the failed ones took has come back (the log of a build stays).
    until_true 10 bash -c '[ "$(df --output=avail "$DISK" | tail -1)" -ge '$((before - 500))' ]'
    still_works
}

@test "a pull keeps what it has, and goes on when there is room" {
    hostile_registry
    fill
    truncate -s -1M "$DISK/filler1"
    fails_with 1 berth pull "127.0.0.1:$REGISTRY_PORT/good:1"
    no_room
    if berth image inspect "127.0.0.1:$REGISTRY_PORT/good:1"; then return 1; fi
    room
    timeout 60 berth pull -q "127.0.0.1:$REGISTRY_PORT/good:1"
    berth create --name cc "127.0.0.1:$REGISTRY_PORT/good:1" >/dev/null
    [ "$(berth cp cc:/big - | tar -xO | wc -c)" -eq $((3 << 20)) ]
}

@test "cp and commit into a full disk, and a container that fills it" {
    berth create --name cc busybox >/dev/null
    fails_with 1 berth cp big cc:/big
    no_room
    # What was half copied does not stay.
    fails_with 1 berth cp cc:/big -
    berth run --name filler busybox sh -c 'head -c 40000000 /dev/zero > /x' >/dev/null
    fill
    fails_with 1 berth commit filler full:latest
    no_room
    if berth image inspect full:latest; then return 1; fi
    audit_data
    # The container's own program sees the error, and its exit code is told.
    berth start cc >/dev/null 2>&1 || true
    room
    berth run --name writer busybox sh -c 'head -c 90000000 /dev/zero > /x' >/dev/null 2>&1 || local code=$?
    [ "${code:-0}" -eq 1 ]
    berth rm -f writer filler cc >/dev/null
    until_true 10 still_works
}

@test "without a free byte: looking, stopping, removing and pruning work, creating says why it cannot" {
    berth run -d --name keeper busybox sh -c 'while true; do echo tick; sleep 0.1; done' >/dev/null
    berth run --name ended busybox true
    berth volume create data >/dev/null
    berth network create net >/dev/null
    berth tag busybox second:latest
    fill
    berth ps | grep keeper
    [ "$(berth inspect -f '{{.State.Running}}' keeper)" = true ]
    berth logs keeper | grep -q tick
    berth exec keeper true
    berth images | grep second
    berth system df >/dev/null
    run timeout 20 berth run --rm busybox true
    if [ "$status" -ne 0 ]; then
        [ "$status" -eq 125 ]
        no_room
    fi
    timeout 20 berth stop -t 1 keeper
    timeout 20 berth rm keeper ended
    timeout 20 berth rmi second:latest
    timeout 20 berth volume rm data
    timeout 20 berth network rm net
    timeout 20 berth system prune -a -f >/dev/null
    [ -z "$(berth ps -aq)" ]
    room
    berth_busybox >/dev/null
    still_works
}

@test "a full disk keeps its last room for removals, however much is asked to be made" {
    local i made=0
    berth create --name first busybox >/dev/null
    fill
    for i in $(seq 60); do
        if timeout 20 berth create --name "c$i" busybox >/dev/null 2>err; then made=$((made + 1)); fi
        timeout 20 berth volume create "v$i" >/dev/null 2>&1 || true
        timeout 20 berth tag busybox "t:$i" >/dev/null 2>&1 || true
        timeout 20 berth network create "n$i" >/dev/null 2>&1 || true
    done
    [ "$made" -lt 60 ]
    [ "$(stat -c %s "$DISK/berth.db-reserve")" -ge 524288 ]
    output=$(cat err) no_room
    timeout 60 berth rm -f $(berth ps -aq) >/dev/null
    timeout 60 berth system prune -a -f --volumes >/dev/null
    [ -z "$(berth ps -aq)" ]
    room
    berth_busybox >/dev/null
    still_works
}

@test "what was acknowledged on a nearly full disk is there after a kill" {
    berth volume create kept >/dev/null
    fill
    truncate -s -600K "$DISK/filler1"
    local made=() i
    for i in $(seq 200); do
        if timeout 20 berth create --name "c$i" busybox >/dev/null 2>err; then made+=("c$i"); else break; fi
    done
    berth_engine_kill
    berth_engine_start
    for i in "${made[@]}"; do berth inspect "$i" >/dev/null; done
    berth volume inspect kept >/dev/null
    room
    berth rm -f $(berth ps -aq) >/dev/null
    still_works
}

@test "the engine starts on a full disk" {
    berth run -d --name keeper busybox sleep 1000 >/dev/null
    fill
    berth_engine_kill
    berth_engine_start
    berth ps | grep keeper
    timeout 20 berth rm -f keeper
    room
    still_works
}
