#!/usr/bin/env bats
# Ctrl-C and SIGTERM in every command that can take long: it ends at once with 130 (or 143), and leaves nothing behind.
load helpers

setup_file() {
    berth_engine_start
    berth_busybox >/dev/null
    declare -p BERTH_TEST_DIR BERTH_ENGINE_PID BERTH_HOST DOCKER_HOST DOCKER_CONFIG BERTH_CGROUP | sed 's/^declare -[-x]* /export /' >"$BATS_FILE_TMPDIR/engine"
}
teardown_file() {
    . "$BATS_FILE_TMPDIR/engine"
    berth_engine_stop
    berth_audit
}
setup() {
    . "$BATS_FILE_TMPDIR/engine"
    cd "$BATS_TEST_TMPDIR"
}
teardown() {
    stop_hostile_registry
    local ids
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f $ids >/dev/null
    audit_data
    still_works
    # No request goes on in the engine for a client that is gone.
    until_true 10 no_stuck_threads
}
no_stuck_threads() { [ "$(ls "/proc/$BERTH_ENGINE_PID/task" | wc -l)" -le 40 ]; }

# interrupted SIGNAL SECONDS STATUS COMMAND...: after SECONDS the signal, and within 5 more the command has ended with STATUS.
interrupted() {
    local signal=$1 after=$2 wanted=$3 got=0 pid
    shift 3
    # A shell starts background jobs with SIGINT ignored; env gives it back.
    env --default-signal=INT,QUIT "$@" <"${INPUT:-/dev/null}" >out 2>&1 &
    pid=$!
    sleep "$after"
    kill -0 $pid 2>/dev/null || { cat out; echo "ended before the signal: $*"; return 1; }
    kill -"$signal" $pid
    local start=$SECONDS
    ( sleep 8; kill -KILL $pid 2>/dev/null ) &
    local guard=$!
    wait $pid || got=$?
    kill $guard 2>/dev/null
    wait $guard 2>/dev/null || true
    [ $((SECONDS - start)) -le 6 ] || { echo "took $((SECONDS - start)) s to end: $*"; return 1; }
    [ "$got" -eq "$wanted" ] || { cat out; echo "status $got instead of $wanted after SIG$signal: $*"; return 1; }
}
# both STATUS_OF_INT STATUS_OF_TERM SECONDS COMMAND...
both() {
    local int=$1 term=$2 after=$3
    shift 3
    interrupted INT "$after" "$int" "$@"
    interrupted TERM "$after" "$term" "$@"
}

@test "run passes the signal on, and its status is the program's" {
    # sleep as process 1 ignores what it does not handle; a shell with a trap does handle it.
    local trap='trap "exit 42" INT TERM; while :; do sleep 0.1; done'
    both 42 42 1 berth run --rm busybox sh -c "$trap"
    both 130 143 1 berth run --rm --init busybox sleep 1000
    [ -z "$(berth ps -aq)" ]
    berth run -d --name host busybox sh -c "$trap" >/dev/null
    interrupted INT 0.7 42 berth attach --no-stdin host
}

@test "exec ends with its program, and the container goes on" {
    berth run -d --name host busybox sleep 1000 >/dev/null
    both 130 143 1 berth exec host sleep 1001
    [ "$(berth inspect -f '{{.State.Running}}' host)" = true ]
    berth exec host true
}

@test "load, import and cp whose input does not come" {
    berth create --name target busybox >/dev/null
    mkfifo pipe
    { python3 "$HOSTILE/image_archives.py" good /dev/stdout | head -c 500000; sleep 60; } >pipe &
    local writer=$!
    INPUT=pipe interrupted INT 1 130 berth load
    kill $writer 2>/dev/null || true
    sleep 60 >pipe &
    writer=$!
    INPUT=pipe both 130 143 1 berth import - half:latest
    INPUT=pipe both 130 143 1 berth cp - target:/root
    kill $writer 2>/dev/null || true
    [ "$(berth images -q | wc -l)" -eq 1 ]
}
