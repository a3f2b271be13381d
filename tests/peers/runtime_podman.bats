# Debian's podman with berth-runtime as its runtime, step by step as with runc.
bats_require_minimum_version 1.5.0
load helpers

setup() {
    peers_begin
    busybox_root "$BERTH_TEST_DIR/busybox"
    tar -C "$BERTH_TEST_DIR/busybox" --owner=0 --group=0 --numeric-owner -c . | podman_peer import -q -c 'CMD ["sh"]' - localhost/busybox:latest
}

teardown() {
    podman_peer rm -a -f -t 0 >/dev/null 2>&1
    peers_unmount
    berth_audit
}

podman_with() { podman_peer --runtime "$RUNTIME" "$@"; }
cgroups_of() { find /sys/fs/cgroup -type d -name "*$1*"; }
memory_limit='cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'

# The container's whole life. What differs by nature (ids, times) is not printed.
life() {
    p() { step_podman "$@"; }
    p run -d --name life --network none -m 64m --pids-limit 50 --cpus 0.5 busybox \
        sh -c 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done' | sed -E 's/^[0-9a-f]{64}$/ID/'
    wait_until sh -c "podman --root $BERTH_TEST_DIR/podman --runroot $BERTH_TEST_DIR/podman-run --tmpdir $BERTH_TEST_DIR/podman-tmp logs life | grep up"
    p logs life
    p exec life sh -c "echo in; $memory_limit; exit 5"
    p exec -u 65534 -w /tmp -e A=b life sh -c 'id; pwd; echo $A; echo err >&2'
    p pause life
    p inspect -f '{{.State.Status}}' life
    p unpause life
    p update --memory 100m life | sed -E 's/^[0-9a-f]{64}$/ID/'
    p exec life sh -c "$memory_limit"
    p kill -s TERM life
    p wait life
    p logs life
    p start life
    wait_until sh -c "[ \$(podman --root $BERTH_TEST_DIR/podman --runroot $BERTH_TEST_DIR/podman-run --tmpdir $BERTH_TEST_DIR/podman-tmp logs life | grep -c up) -ge 2 ]"
    p stop -t 5 life
    p inspect -f '{{.State.Status}} {{.State.ExitCode}}' life
    p rm life
    p ps -aq
}

one_shots() {
    p() { step_podman run --rm --network none "$@"; }
    p busybox sh -c 'echo out; exit 7'
    p busybox nothere | sed '/^Error/d'
    p busybox /tmp | sed '/^Error/d'
    p --read-only --tmpfs /tmp --user 65534 --cap-drop all --security-opt no-new-privileges --hostname h busybox \
        sh -c 'id; hostname; grep -E "Cap|NoNewPrivs" /proc/self/status; touch /x; touch /tmp/y'
    p --privileged busybox sh -c 'grep CapEff /proc/self/status; cat /proc/1/oom_score_adj'
    p -m 20m busybox sh -c 'dd if=/dev/zero of=/dev/null bs=100M count=1'
    p --sysctl net.ipv4.ip_forward=1 busybox cat /proc/sys/net/ipv4/ip_forward
    p --pid host --ipc host --uts host busybox true
    p --device /dev/null:/dev/other --cap-add SYS_ADMIN --shm-size 1m busybox sh -c 'ls -l /dev/other | cut -c1-10; df -k /dev/shm | tail -1 | awk "{print \$2}"'
    p -v "$BERTH_TEST_DIR/busybox/etc:/host:ro" busybox sh -c 'cat /host/group; touch /host/x'
    p busybox sh -c 'sort -k 5 /proc/self/mountinfo | cut -d" " -f5 | uniq'
    p busybox sh -c 'ls /dev; ls -l /proc/self/ns | sed "s/.*[0-9] //; s/ .*//" | sort'
}

step_podman() {
    local status=0
    printf -- '--- %s\n' "$*"
    podman_with "$@" </dev/null 2>&1 || status=$?
    printf 'exit %d\n' "$status"
}

# Writes the transcript of $1 with runc and with ours, and shows where they differ.
same_as_runc() {
    RUNTIME=runc "$1" >"$BERTH_TEST_DIR/runc.txt"
    RUNTIME=$BERTH_BIN/berth-runtime "$1" >"$BERTH_TEST_DIR/berth.txt"
    diff -u "$BERTH_TEST_DIR/runc.txt" "$BERTH_TEST_DIR/berth.txt"
}

@test "podman: run, exec, pause, update, kill, start, stop and rm say what they say with runc" {
    same_as_runc life
    grep -q 'exit 5' "$BERTH_TEST_DIR/berth.txt"
    grep -q '^104857600$' "$BERTH_TEST_DIR/berth.txt"
    no_cgroup() { [ -z "$(cgroups_of libpod-)" ]; }
    wait_until no_cgroup
}

@test "podman: users, capabilities, limits, devices, namespaces and mounts are what they are with runc" {
    same_as_runc one_shots
    grep -q 'exit 137' "$BERTH_TEST_DIR/berth.txt"
}

@test "podman: run -it and exec -it have a terminal of the size asked for" {
    RUNTIME=$BERTH_BIN/berth-runtime
    podman_line() { on_terminal podman --root "$BERTH_TEST_DIR/podman" --runroot "$BERTH_TEST_DIR/podman-run" --tmpdir "$BERTH_TEST_DIR/podman-tmp" \
        --cgroup-manager cgroupfs --events-backend file --runtime "$RUNTIME" "$@"; }
    # Podman 4.3 loses what a container writes to its terminal before Podman is attached, with every runtime.
    run podman_line run --rm -it --network none busybox sh -c 'tty; sleep 1; exit 4'
    [ "$status" -eq 4 ]
    [[ $output == */dev/pts/0* ]]
    podman_with run -d --name terminal --network none busybox sleep 1000
    run podman_line exec -it terminal sh -c 'test -t 0 && test -t 1 && tty; exit 9'
    [ "$status" -eq 9 ]
    [[ $output == */dev/pts/0* ]]
    podman_with rm -f -t 0 terminal
}

@test "podman: a bridge network, a published port and a missing command" {
    RUNTIME=$BERTH_BIN/berth-runtime
    podman_with run -d --name web -p 127.0.0.1:8091:80 busybox sh -c 'echo page >/tmp/index.html; httpd -f -p 80 -h /tmp'
    wait_until sh -c '[ "$(busybox wget -qO- http://127.0.0.1:8091/index.html)" = page ]'
    podman_with top web | grep -q httpd
    [ "$(podman_with run --rm --network none --ulimit nofile=100:200 busybox sh -c 'ulimit -n; ulimit -Hn' | xargs)" = '100 200' ]
    podman_with stats --no-stream --format '{{.Name}}' web | grep -qx web
    podman_with rm -f -t 0 web
    run -127 podman_with run --rm --network none busybox nothere
    [[ $output == *'executable file not found in $PATH'* ]]
}
