#!/usr/bin/env bats
# Commands that race with each other: no deadlock, the right errors, nothing left.
load ../lib/hostile

setup_file() { shared_engine_start; }
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    cd "$BATS_TEST_TMPDIR"
}
teardown() {
    stop_hostile_registry
    remove_containers && audit_data && still_works
}

# together COMMAND -- COMMAND ...: all at once, each bounded; their statuses in STATUSES, their output in out.N.
# What hung is what timeout says it ended: 137 is also the status of an exec whose container was killed.
together() {
    local pids=() words=() n=0 word
    STATUSES=()
    for word in "$@" --; do
        if [ "$word" != -- ]; then
            words+=("$word")
            continue
        fi
        timeout --verbose -k 5 "${TOGETHER_LIMIT:-60}" "${words[@]}" >"out.$n" 2>&1 &
        pids+=($!) words=() n=$((n + 1))
    done
    for word in "${pids[@]}"; do
        local status=0
        wait "$word" || status=$?
        STATUSES+=("$status")
    done
    if grep -qa 'timeout: sending signal' out.*; then
        tail out.*
        echo "one hung: ${STATUSES[*]}" >&2
        return 1
    fi
}

@test "a command that is killed has not hung, one that goes on has" {
    together sh -c 'kill -KILL $$' -- sh -c 'exit 124'
    [ "${STATUSES[*]}" = '137 124' ]
    TOGETHER_LIMIT=0.2
    run together true -- sh -c 'printf unended; sleep 1000'
    [ "$status" -eq 1 ]
    says 'one hung: 0 124'
}

@test "16 runs at once" {
    local commands=() i
    for i in $(seq 16); do commands+=(berth run --rm busybox sh -c "echo run-$i; exit $i" --); done
    unset 'commands[-1]'
    for round in 1 2 3; do
        together "${commands[@]}"
        [ "${STATUSES[*]}" = "$(seq -s ' ' 16)" ] || { cat out.*; echo "${STATUSES[*]}" >&2; return 1; }
        for i in $(seq 16); do [ "$(cat out.$((i - 1)))" = "run-$i" ]; done
    done
    [ -z "$(berth ps -aq)" ]
}

@test "one name for many: one has it, the others are told who" {
    local commands=() i
    for i in $(seq 8); do commands+=(berth create --name same busybox --); done
    unset 'commands[-1]'
    for round in $(seq 5); do
        together "${commands[@]}"
        [ "$(printf '%s\n' "${STATUSES[@]}" | grep -cx 0)" -eq 1 ] || { cat out.*; return 1; }
        [ "$(cat out.* | grep -c '/same.*already in use')" -eq 7 ] || { cat out.*; return 1; }
        [ "$(berth ps -aq | wc -l)" -eq 1 ]
        berth rm same >/dev/null
        rm out.*
    done
}

@test "rm -f against start, exec, cp, stop, logs and inspect" {
    echo x >file
    for round in $(seq 10); do
        berth create --name box busybox sleep 1000 >/dev/null
        together berth start box -- berth rm -f box
        ! berth inspect box >/dev/null 2>&1 || { cat out.*; return 1; }
        berth run -d --name box busybox sleep 1000 >/dev/null
        together berth exec box sh -c 'sleep 0.02' -- berth cp file box:/file -- berth cp box:/bin - -- berth stop -t 1 box -- \
            berth logs -f box -- berth inspect box -- berth top box -- berth rm -f box
        ! berth inspect box >/dev/null 2>&1 || { cat out.*; return 1; }
        ! grep -il 'internal\|database\|bad file' out.[0134567] || { cat out.*; return 1; }
    done
}

@test "many that remove the same thing, and many that start and stop it" {
    for round in $(seq 5); do
        berth run -d --name box busybox sleep 1000 >/dev/null
        together berth stop -t 1 box -- berth stop -t 1 box -- berth kill box -- berth restart -t 1 box -- berth start box -- berth pause box -- berth unpause box
        berth unpause box >/dev/null 2>&1 || true
        together berth rm -f box -- berth rm -f box -- berth rm -f box
        [ -z "$(berth ps -aq)" ]
    done
}

@test "a pause in the middle of a stop does not hold it up" {
    berth run -d --name box busybox sh -c 'trap : TERM; echo ready; while :; do sleep 0.1; done' >/dev/null
    is_ready() { berth logs box | grep -qx ready; }
    until_true 20 is_ready
    timeout 30 berth stop -t 2 box >/dev/null 2>&1 &
    local stopping=$!
    sleep 0.5
    berth pause box >/dev/null
    wait "$stopping"
    [ "$(berth inspect -f '{{.State.Status}}' box)" = exited ]
}

@test "one image pulled, removed and used by many" {
    hostile_registry
    local image=127.0.0.1:$REGISTRY_PORT/good:1 i
    for round in $(seq 5); do
        together berth pull -q "$image" -- berth pull -q "$image" -- berth pull -q "$image" -- berth pull -q "$image"
        [ "${STATUSES[*]}" = '0 0 0 0' ] || { cat out.*; return 1; }
        together berth create --name box "$image" -- berth rmi "$image" -- berth save -o saved.tar "$image" -- berth system prune -f
        # Whoever got the container has all of it.
        if [ "${STATUSES[0]}" -eq 0 ] && berth inspect box >/dev/null 2>&1; then
            [ "$(berth cp box:/big - | tar -xO | wc -c)" -eq $((3 << 20)) ]
            berth rm box >/dev/null
        fi
        berth rmi -f "$image" >/dev/null 2>&1 || true
        rm -f saved.tar
    done
}

@test "network rm against connect and run" {
    berth run -d --name box busybox sleep 1000 >/dev/null
    for round in $(seq 8); do
        berth network create net >/dev/null
        together berth network connect net box -- berth network rm net -- berth run --rm --network net busybox true
        berth network disconnect -f net box >/dev/null 2>&1 || true
        berth network rm net >/dev/null 2>&1 || true
        [ "$(berth network ls -q | wc -l)" -eq 3 ] || { cat out.*; berth network ls; return 1; }
    done
    # The container still has its first network.
    berth exec box ip addr show eth0 | grep -q inet
}

@test "volume rm against run" {
    for round in $(seq 8); do
        berth volume create data >/dev/null
        together berth run --rm -v data:/data busybox touch /data/x -- berth volume rm data -- berth volume prune -a -f
        [ "${STATUSES[0]}" -eq 0 ] || { cat out.*; return 1; }
        berth volume rm data >/dev/null 2>&1 || true
        [ -z "$(berth volume ls -q)" ]
    done
    [ -z "$(ls -A "$BERTH_TEST_DIR/data/volumes" 2>/dev/null)" ]
}

@test "a port for one of many, free again when its owner ends" {
    local commands=() i
    for i in $(seq 6); do commands+=(berth run -d -p 127.0.0.1:18097:80 busybox sleep 1000 --); done
    unset 'commands[-1]'
    for round in 1 2 3; do
        together "${commands[@]}"
        [ "$(printf '%s\n' "${STATUSES[@]}" | grep -cx 0)" -eq 1 ] || { cat out.*; return 1; }
        [ "$(berth ps -q | wc -l)" -eq 1 ]
        berth rm -f $(berth ps -aq) >/dev/null
        rm out.*
    done
}

@test "the same build from many clients, with a prune in between" {
    mkdir context
    for round in 1 2 3; do
        printf 'FROM busybox\nRUN echo %s > /x; sleep 0.1\nRUN cat /x\n' "$round" >context/Dockerfile
        together berth build -q -t a context -- berth build -q -t b context -- berth build -q -t c context -- berth builder prune -a -f -- berth system prune -f
        [ "${STATUSES[0]}${STATUSES[1]}${STATUSES[2]}" = 000 ] || { cat out.*; return 1; }
        [ "$(berth run --rm --network none a cat /x)" = "$round" ]
        [ "$(berth run --rm --network none c cat /x)" = "$round" ]
    done
    berth rmi a b c >/dev/null
}
