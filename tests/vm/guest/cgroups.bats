# The engine on Debian's kernel (6.1: no EROFS from a file, no layers by descriptor) and on each layout of cgroups.
load ../../lib/berth

setup() {
    berth_engine_start
    berth_busybox >/dev/null
}
teardown() { berth_engine_stop; berth_audit; }

# value FORMAT ID: one field of inspect.
value() { berth inspect --format "$1" "$2"; }

# Waits for a condition that an event brings about within moments.
eventually() {
    local tries
    for tries in $(seq 200); do
        "$@" && return 0
        sleep 0.02
    done
    return 1
}

# file V1 V2: the control file of the container $id for this layout, read from the host.
control_file() {
    local name=$1
    [ "$BERTH_VM_CGROUPS" != v2 ] || name=$2
    cat "$(find /sys/fs/cgroup -path "*$id*" -name "$name" | head -1)"
}

@test "the layout is the one asked for" {
    case $BERTH_VM_CGROUPS in
        v2) [ -e /sys/fs/cgroup/cgroup.controllers ] ;;
        v1) [ ! -e /sys/fs/cgroup/unified ] && [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ] ;;
        hybrid) [ -e /sys/fs/cgroup/unified/cgroup.procs ] && [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ] ;;
    esac
    version=1
    [ "$BERTH_VM_CGROUPS" != v2 ] || version=2
    [ "$(berth info --format '{{.CgroupVersion}}')" = $version ]
}

@test "run, its status, its output" {
    run berth run --rm busybox sh -c 'echo out; exit 7'
    [ "$status" -eq 7 ]
    [ "$output" = out ]
}

@test "limits of memory, processors and processes reach the kernel" {
    id=$(berth run -d --memory 64m --memory-swap 64m --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0 --pids-limit 20 busybox sleep 100)
    [ "$(control_file memory.limit_in_bytes memory.max)" = 67108864 ]
    [ "$(control_file pids.max pids.max)" = 20 ]
    if [ "$BERTH_VM_CGROUPS" = v2 ]; then
        [ "$(control_file - cpu.max)" = "50000 100000" ]
        [ "$(control_file - cpu.weight)" = 20 ]
        [ "$(control_file - memory.swap.max)" = 0 ]
    else
        [ "$(control_file cpu.cfs_quota_us -)" = 50000 ]
        [ "$(control_file cpu.shares -)" = 512 ]
    fi
    [ "$(control_file cpuset.cpus cpuset.cpus)" = 0 ]
    run berth exec "$id" sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do sleep 5 & done; wait'
    [[ "$output" == *fork* ]]
}

@test "stats show memory, processor and processes" {
    id=$(berth run -d --memory 64m busybox sh -c 'x=$(head -c 8000000 /dev/zero | tr "\0" x); sleep 100')
    used() { berth stats --no-stream --format '{{.MemUsage}}' "$id" | grep -qE '^([5-9]|[1-9][0-9])(\.[0-9]+)?MiB / 64MiB'; }
    eventually used
    [ "$(berth stats --no-stream --format '{{.PIDs}}' "$id")" -ge 1 ]
}

@test "pause and unpause" {
    id=$(berth run -d busybox sh -c 'while :; do echo tick; sleep 0.01; done')
    ticks() { berth logs "$id" | grep -q tick; }
    eventually ticks
    berth pause "$id"
    [ "$(value '{{.State.Status}}' "$id")" = paused ]
    if [ "$BERTH_VM_CGROUPS" = v2 ]; then
        [[ "$(control_file - cgroup.events)" == *"frozen 1"* ]]
    else
        [ "$(control_file freezer.state -)" = FROZEN ]
    fi
    before=$(berth logs "$id" | wc -l)
    sleep 0.1
    [ "$(berth logs "$id" | wc -l)" -eq "$before" ]
    berth unpause "$id"
    more() { [ "$(berth logs "$id" | wc -l)" -gt "$before" ]; }
    eventually more
    berth pause "$id"
    berth rm -f "$id"
}

@test "update changes the limits of a running container" {
    id=$(berth run -d --memory 64m --memory-swap 64m busybox sleep 100)
    berth update --memory 128m --memory-swap 128m --cpus 0.25 --pids-limit 33 "$id"
    [ "$(control_file memory.limit_in_bytes memory.max)" = 134217728 ]
    [ "$(control_file pids.max pids.max)" = 33 ]
    if [ "$BERTH_VM_CGROUPS" = v2 ]; then
        [ "$(control_file - cpu.max)" = "25000 100000" ]
    else
        [ "$(control_file cpu.cfs_quota_us -)" = 25000 ]
    fi
}

@test "running out of memory is told" {
    id=$(berth create --memory 16m --memory-swap 16m busybox sh -c 'x=$(head -c 60000000 /dev/zero | tr "\0" x); echo survived')
    berth start "$id"
    [ "$(berth wait "$id")" -eq 137 ]
    [ "$(value '{{.State.OOMKilled}}' "$id")" = true ]
}

@test "exec is in the container's cgroup and sees only its own" {
    id=$(berth run -d --cgroupns private busybox sleep 100)  # the default of v2 only, as with Docker
    run berth exec "$id" cat /proc/self/cgroup
    [ "$status" -eq 0 ]
    [[ "$output" != *"$id"* ]]
    berth exec -d "$id" sleep 77
    count() { [ "$(berth top "$id" | grep -c sleep)" -eq 2 ]; }
    eventually count
}

@test "devices are denied but for the usual ones" {
    run berth run --rm --cap-add MKNOD busybox sh -c 'mknod /tmp/d b 254 0 && head -c 1 /tmp/d; mknod /tmp/z c 1 5 && head -c 2 /tmp/z | wc -c'
    [[ "$output" == *"Operation not permitted"*2 ]]
    run berth run --rm --cap-add MKNOD --device-cgroup-rule 'c 10:237 r' busybox sh -c 'mknod /tmp/k c 10 237 && : </tmp/k && echo opened'
    [[ "$output" == *opened ]]
}

@test "containers outlive the engine, with their limits and their pauses" {
    id=$(berth run -d --memory 64m busybox sh -c 'while :; do echo tick; sleep 0.05; done')
    paused=$(berth run -d busybox sleep 100)
    berth pause "$paused"
    berth_engine_kill
    berth_engine_start
    [ "$(value '{{.State.Status}}' "$id")" = running ]
    [ "$(value '{{.State.Status}}' "$paused")" = paused ]
    berth exec "$id" true
    berth stats --no-stream --format '{{.MemUsage}}' "$id" | grep -q '/ 64MiB'
    berth unpause "$paused"
    berth stop -t 1 "$id"
    [ "$(value '{{.State.ExitCode}}' "$id")" -eq 137 ]
}

@test "layers are read-only file systems of this kernel, and images are built on them" {
    mkdir "$BERTH_TEST_DIR/context"
    printf 'FROM busybox\nRUN echo built >/file\nCMD cat /file\n' >"$BERTH_TEST_DIR/context/Dockerfile"
    berth build -q -t built "$BERTH_TEST_DIR/context"
    run berth run --rm built
    [ "$output" = built ]
    berth info --format '{{.Driver}}'
}

@test "the erofs and the directory driver both run on this kernel" {
    for driver in erofs directory; do
        berth_engine_stop
        rm -rf "$BERTH_TEST_DIR/data"
        berth_engine_start --storage-driver "$driver"
        berth_busybox >/dev/null
        [ "$(berth info --format '{{.Driver}}')" = "$driver" ]
        run berth run --rm busybox sh -c 'echo changed >/etc/passwd; cat /etc/passwd'
        [ "$output" = changed ]
        run berth run --rm busybox head -c 4 /etc/passwd
        [ "$output" = root ]
    done
}
