# Debian's dockerd and containerd with berth-runtime as their runtime, step by step as with runc.
bats_require_minimum_version 1.5.0
load helpers

setup() { peers_begin; busybox_root "$BERTH_TEST_DIR/busybox"; }

teardown() {
    if [ -n "${DOCKERD_PID:-}" ]; then
        docker_peer ps -aq | xargs -r env DOCKER_HOST="unix://$BERTH_TEST_DIR/docker.sock" docker rm -f >/dev/null
        dockerd_stop
    fi
    [ -z "${CONTAINERD_PID:-}" ] || { kill "$CONTAINERD_PID"; wait "$CONTAINERD_PID" || true; }
    peers_unmount
    berth_audit
}

docker_begin() {
    dockerd_start --add-runtime "berth=$BERTH_BIN/berth-runtime"
    tar -C "$BERTH_TEST_DIR/busybox" --owner=0 --group=0 --numeric-owner -c . | docker_peer import -c 'CMD ["sh"]' - busybox:latest
}

memory_limit='cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'

# What differs by nature (ids, the runtime's own words in errors) is not printed; the streams come one after the other.
d() {
    local status=0
    printf -- '--- %s\n' "$*"
    docker_peer "$@" </dev/null 2>"$BERTH_TEST_DIR/stderr" | sed -E 's/^[0-9a-f]{64}$/ID/'
    status=${PIPESTATUS[0]}
    # A client before 25 says now and then that it no longer waits for what has not started.
    sed -E '/OCI runtime|^Run .docker run --help|waiting for container: context canceled/d; /^$/d' "$BERTH_TEST_DIR/stderr"
    printf 'exit %d\n' "$status"
}
r() { d run --rm --runtime "$RUNTIME" --network none "$@" | sed "s/--runtime $RUNTIME/--runtime ANY/"; }

life() {
    d run -d --name life --runtime "$RUNTIME" --network none -m 64m --pids-limit 50 --cpus 0.5 busybox \
        sh -c 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done' | sed "s/--runtime $RUNTIME/--runtime ANY/"
    wait_until sh -c "docker -H unix://$BERTH_TEST_DIR/docker.sock logs life | grep up"
    d logs life
    d exec life sh -c "echo in; $memory_limit; exit 5"
    d exec -u 65534 -w /tmp -e A=b life sh -c 'id; pwd; echo $A'
    d exec life nothere
    d pause life
    d inspect -f '{{.State.Status}}' life
    d unpause life
    d update --memory 100m --memory-swap 200m life
    d exec life sh -c "$memory_limit"
    d kill -s TERM life
    d wait life
    d logs life
    d start life
    wait_until sh -c "[ \$(docker -H unix://$BERTH_TEST_DIR/docker.sock logs life | grep -c up) -ge 2 ]" # signals are handled from then on
    d stop -t 5 life
    d inspect -f '{{.State.Status}} {{.State.ExitCode}}' life
    d rm life
    d ps -aq
}

one_shots() {
    r busybox sh -c 'echo out; exit 7'
    r busybox nothere
    r busybox /tmp
    r --read-only --tmpfs /tmp --user 65534 --cap-drop all --security-opt no-new-privileges --hostname h busybox \
        sh -c 'id; hostname; grep -E "Cap|NoNewPrivs|Seccomp:" /proc/self/status; touch /x; touch /tmp/y'
    r -m 20m busybox sh -c 'dd if=/dev/zero of=/dev/null bs=100M count=1'
    r --sysctl net.ipv4.ip_forward=1 --ulimit nofile=100:200 busybox sh -c 'ulimit -n; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward'
    r --pid host --ipc host --uts host busybox true
    r --init busybox sh -c 'cat /proc/1/comm'
    r --device /dev/null:/dev/other --cap-add SYS_ADMIN --shm-size 1m busybox sh -c 'ls -l /dev/other | cut -c1-10; df -k /dev/shm | tail -1 | awk "{print \$2}"'
    r -v "$BERTH_TEST_DIR/busybox/etc:/host:ro" busybox sh -c 'cat /host/group; touch /host/x'
    r busybox sh -c 'sort -k 5 /proc/self/mountinfo | cut -d" " -f5 | uniq; ls /dev; ls /proc/self/ns'
}

same_as_runc() {
    RUNTIME=runc "$1" >"$BERTH_TEST_DIR/runc.txt"
    RUNTIME=berth "$1" >"$BERTH_TEST_DIR/berth.txt"
    diff -u "$BERTH_TEST_DIR/runc.txt" "$BERTH_TEST_DIR/berth.txt"
}

@test "dockerd: containers on berth-runtime live and end as they do on runc" {
    docker_begin
    same_as_runc life
    grep -q '^104857600$' "$BERTH_TEST_DIR/berth.txt"
    no_cgroup() { [ -z "$(find /sys/fs/cgroup -path '*/docker/*' -name '[0-9a-f]*' -type d -newer "$BERTH_TEST_DIR/state-before" 2>/dev/null)" ]; }
    wait_until no_cgroup
}

@test "dockerd: users, capabilities, limits, devices, namespaces and mounts are what they are on runc" {
    docker_begin
    same_as_runc one_shots
    grep -q 'exit 137' "$BERTH_TEST_DIR/berth.txt"
}

@test "dockerd: terminals, a published port, and an out-of-memory kill is seen" {
    docker_begin
    run on_terminal docker -H "unix://$BERTH_TEST_DIR/docker.sock" run --rm -it --runtime berth busybox sh -c 'tty; exit 4'
    [ "$status" -eq 4 ]
    [[ $output == */dev/pts/0* ]]
    docker_peer run -d --name web --runtime berth -p 127.0.0.1:8092:80 busybox sh -c 'echo page >/tmp/index.html; httpd -f -p 80 -h /tmp'
    wait_until sh -c '[ "$(busybox wget -qO- http://127.0.0.1:8092/index.html)" = page ]'
    run on_terminal docker -H "unix://$BERTH_TEST_DIR/docker.sock" exec -it web sh -c 'test -t 0 && test -t 1 && tty; exit 9'
    [ "$status" -eq 9 ]
    [[ $output == */dev/pts/* ]]
    docker_peer top web | grep -q httpd
    [ "$(docker_peer stats --no-stream --format '{{.Name}}' web)" = web ]
    docker_peer run --rm --runtime berth --privileged busybox grep -E 'Seccomp:.0' /proc/self/status
    docker_peer kill web
    [ "$(docker_peer wait web)" = 137 ]
    run docker_peer run --name hungry --runtime berth -m 20m busybox dd if=/dev/zero of=/dev/null bs=100M count=1
    [ "$status" -eq 137 ]
    [ "$(docker_peer inspect -f '{{.State.OOMKilled}}' hungry)" = true ]
}

@test "containerd: ctr runs, execs, pauses, measures, kills and removes on berth-runtime" {
    containerd -c /dev/null --root "$BERTH_TEST_DIR/containerd" --state "$BERTH_TEST_DIR/containerd-run" -a "$BERTH_TEST_DIR/containerd.sock" \
        >"$BERTH_TEST_DIR/containerd.log" 2>&1 3>&- &
    CONTAINERD_PID=$!
    c() { ctr -a "$BERTH_TEST_DIR/containerd.sock" "$@"; }
    local ours=(--runc-binary "$BERTH_BIN/berth-runtime") root=$BERTH_TEST_DIR/busybox
    wait_until c version
    [ "$(c run --rm "${ours[@]}" --rootfs "$root" once echo hi)" = hi ]
    run c run --rm "${ours[@]}" --rootfs "$root" fails sh -c 'exit 6'
    [ "$status" -eq 6 ]
    c run -d "${ours[@]}" --memory-limit 67108864 --rootfs "$root" stays sleep 1000
    run c task exec --exec-id e1 stays sh -c 'echo in; exit 5'
    [ "$status" -eq 5 ]
    [ "$output" = in ]
    c task pause stays
    c task ls | grep -qE 'stays +[0-9]+ +PAUSED'
    c task resume stays
    c task ps stays | grep -qE '^[0-9]+'
    c task metrics stays | grep -qE 'memory.(limit_in_bytes|usage_limit) +67108864'
    c task kill -s KILL stays
    wait_until sh -c "ctr -a $BERTH_TEST_DIR/containerd.sock task ls | grep STOPPED"
    c task rm stays
    c container rm stays
    run on_terminal ctr -a "$BERTH_TEST_DIR/containerd.sock" run --rm -t "${ours[@]}" --rootfs "$root" terminal sh -c 'tty; exit 4'
    [ "$status" -eq 4 ]
    [[ $output == */dev/pts/0* ]]
    [ -z "$(c container ls -q)" ]
}
