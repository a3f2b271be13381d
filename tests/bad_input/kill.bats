#!/usr/bin/env bats
# The engine is killed (SIGKILL) at random and stepped moments of each verb, then started again: what is seen is the state
# before or after, the verb can be repeated, and nothing is left that belongs to nothing.
load ../lib/hostile

setup() {
    berth_engine_start
    berth_busybox >/dev/null
    cd "$BATS_TEST_TMPDIR"
}
teardown() {
    stop_hostile_registry
    berth_engine_stop
    berth_audit
}
ROUNDS=${BERTH_KILL_ROUNDS:-10}

# killed_in COMMAND...: kills the engine some milliseconds after the command was started, and starts it again. The delays step
# through the verb's usual length and are then random within it, so that every phase is met.
killed_in() {
    local round=$1 span=$2 delay
    shift 2
    if [ $((round % 2)) -eq 0 ]; then
        delay=$((span * round / ROUNDS))
    else
        delay=$((RANDOM % span))
    fi
    "$@" >out 2>&1 &
    local pid=$! status=0
    sleep "$(printf '0.%03d' "$delay")"
    berth_engine_kill
    wait $pid || status=$?
    local began=$EPOCHREALTIME
    berth_engine_start
    # Back soon, whatever it finds; it is a fraction of a second on a quiet machine.
    (( (${EPOCHREALTIME/./} - ${began/./}) < 9000000 ))
    return 0
}
consistent() {
    audit_data
    # Lists, details and disk usage can be read, and every image that is named is whole.
    local name
    berth system df >/dev/null
    for name in $(berth ps -aq); do berth inspect "$name" >/dev/null; done
    for name in $(berth images --format '{{.ID}}'); do berth save "$name" | tar -t >/dev/null; done
}

@test "load" {
    head -c 20M /dev/urandom >big
    tar -c big | berth import - big:latest >/dev/null
    berth save -o big.tar big:latest
    berth rmi big:latest >/dev/null
    for round in $(seq "$ROUNDS"); do
        killed_in "$round" 400 berth load -i big.tar
        consistent
        berth load -i big.tar | grep -q 'Loaded image: big:latest'
        [ "$(berth create --name box big:latest x >/dev/null; berth cp box:/big - | tar -xO | cmp - big && echo same)" = same ]
        berth rm box >/dev/null
        berth rmi big:latest >/dev/null
    done
}

@test "pull" {
    hostile_registry
    local image=127.0.0.1:$REGISTRY_PORT/good:1
    for round in $(seq "$ROUNDS"); do
        killed_in "$round" 150 berth pull -q "$image"
        consistent
        timeout 60 berth pull -q "$image"
        berth create --name box "$image" >/dev/null
        [ "$(berth cp box:/big - | tar -xO | wc -c)" -eq $((3 << 20)) ]
        berth rm box >/dev/null
        berth rmi "$image" >/dev/null
        [ -z "$(find "$BERTH_TEST_DIR/data/ingest" -type f)" ]
    done
}

@test "build" {
    mkdir context
    head -c 3M /dev/urandom >context/data
    for round in $(seq "$ROUNDS"); do
        printf 'FROM busybox\nCOPY data /d\nRUN sleep 0.1; echo %s > /r\nRUN cat /d > /e\n' "$round" >context/Dockerfile
        killed_in "$round" 600 berth build -t built context
        consistent
        [ -z "$(pgrep -f 'sleep 0.1; echo')" ]
        timeout 60 berth build -q -t built context
        [ "$(berth run --rm --network none built cat /r)" = "$round" ]
    done
}

@test "the engine starts while a step of the last one still writes its end" {
    berth_engine_kill
    local steps=$BERTH_TEST_DIR/run/steps
    python3 - "$steps/old" 3>&- <<'PYTHON' &
import os, sys, time
end = time.time() + 0.5
while time.time() < end:
    try:
        os.makedirs(sys.argv[1], exist_ok=True)
        for name in "abcdefgh":
            open(sys.argv[1] + "/" + name, "w").close()
    except OSError:
        pass
PYTHON
    local writer=$!
    until_true 30 test -e "$steps/old/a"
    berth_engine_start
    wait $writer
    berth run --rm --network none busybox true
}

@test "create, start and rm" {
    for round in $(seq "$ROUNDS"); do
        killed_in "$round" 60 berth run -d --name box -v data:/data -p 127.0.0.1:18099:80 busybox sleep 1000
        consistent
        # What was created is there or not; either way the name can be had.
        berth rm -f box >/dev/null 2>&1 || true
        berth run -d --name box -v data:/data -p 127.0.0.1:18099:80 busybox sleep 1000 >/dev/null
        killed_in "$round" 60 berth rm -f box
        consistent
        if berth inspect box >/dev/null 2>&1; then berth rm -f box >/dev/null; fi
        [ -z "$(berth ps -aq)" ]
        berth volume rm data >/dev/null 2>&1 || true
    done
}

@test "network create and rm, with a container on it" {
    for round in $(seq "$ROUNDS"); do
        killed_in "$round" 30 berth network create net
        consistent
        berth network rm net >/dev/null 2>&1 || true
        berth network create net >/dev/null
        killed_in "$round" 80 berth run --rm --network net busybox true
        consistent
        berth rm -f $(berth ps -aq) >/dev/null 2>&1 || true
        killed_in "$round" 30 berth network rm net
        consistent
        berth network rm net >/dev/null 2>&1 || true
        [ "$(berth network ls -q | wc -l)" -eq 3 ]
    done
}

@test "commit, cp, tag, rmi and prune" {
    berth create --name box busybox >/dev/null
    head -c 5M /dev/urandom >data
    for round in $(seq "$ROUNDS"); do
        killed_in "$round" 60 berth cp data box:/data
        berth cp data box:/data
        killed_in "$round" 150 berth commit box made:latest
        consistent
        berth commit box made:latest >/dev/null
        killed_in "$round" 40 berth rmi made:latest
        consistent
        berth rmi made:latest >/dev/null 2>&1 || true
        killed_in "$round" 60 berth system prune -f
        consistent
        berth inspect box >/dev/null 2>&1 || berth create --name box busybox >/dev/null
    done
    berth rm box >/dev/null
}

@test "a removal that was cut off between directory and row is completed at the next start" {
    id=$(berth create --name box busybox)
    berth_engine_kill
    mkdir -p "$BERTH_TEST_DIR/data/trash"
    mv "$BERTH_TEST_DIR/data/containers/$id" "$BERTH_TEST_DIR/data/trash/container-$id"
    berth_engine_start
    [ -z "$(berth ps -aq)" ]
    berth create --name box busybox >/dev/null
}

@test "a running container does not notice any of it" {
    berth run -d --name keeper busybox sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done' >/dev/null
    local pid
    pid=$(berth inspect -f '{{.State.Pid}}' keeper)
    for round in $(seq "$ROUNDS"); do killed_in "$round" 100 berth run --rm busybox true; done
    [ "$(berth inspect -f '{{.State.Pid}}' keeper)" = "$pid" ]
    # Every line is in the log, once and in order.
    berth kill keeper >/dev/null
    berth logs keeper >log
    [ "$(wc -l <log)" -gt 20 ]
    diff log <(seq "$(wc -l <log)")
    berth rm keeper >/dev/null
}

no_stuck_threads() { [ "$(ls "/proc/$BERTH_ENGINE_PID/task" | wc -l)" -le 40 ]; }

# The client is killed instead: the engine notices, gives the work up, and holds nothing for it.
client_killed_in() {
    local delay=$((RANDOM % $1))
    shift
    "$@" >out 2>&1 &
    local pid=$!
    sleep "$(printf '0.%03d' "$delay")"
    kill -KILL $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
}
@test "the client is killed in pull, load, build, commit, run and cp" {
    hostile_registry
    local image=127.0.0.1:$REGISTRY_PORT/good:1 round
    head -c 8M /dev/urandom >data
    tar -c data | berth import - big:latest >/dev/null
    berth save -o big.tar big:latest
    berth rmi big:latest >/dev/null
    berth create --name box busybox >/dev/null
    mkdir context
    cp data context/
    for round in $(seq "$ROUNDS"); do
        client_killed_in 150 berth pull -q "$image"
        client_killed_in 150 berth load -i big.tar
        client_killed_in 150 berth cp data box:/data
        client_killed_in 150 berth commit box made:latest
        printf 'FROM busybox\nCOPY data /d\nRUN sleep 0.1; echo %s > /r\n' "$round" >context/Dockerfile
        client_killed_in 400 berth build -t built context
        client_killed_in 100 berth run --rm busybox true
        client_killed_in 100 berth save -o saved.tar busybox
        rm -f saved.tar .saved*
        consistent
        timeout 60 berth pull -q "$image"
        berth rmi "$image" >/dev/null
    done
    timeout 60 berth load -i big.tar >/dev/null
    berth cp data box:/data
    [ "$(berth cp box:/data - | tar -xO | cmp - data && echo same)" = same ]
    timeout 60 berth build -q -t built context
    berth system prune -a -f >/dev/null
    until_true 30 bash -c '[ -z "$(find "$BERTH_TEST_DIR/data/ingest" -type f)" ]'
    until_true 30 no_stuck_threads
}
