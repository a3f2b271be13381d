#!/usr/bin/env bats
# The engine killed with SIGKILL again and again, while containers run, end and log, and commands are executed, followed and
# measured: no container dies, no exit code and no line of a log is lost. BERTH_KILL_SECONDS is how long, else 20.
# limit: 1800
load ../lib/hostile

setup() {
    cd "$BATS_TEST_TMPDIR"
    berth_engine_start
    berth_busybox >/dev/null
}
teardown() {
    touch enough
    berth_engine_stop
    berth_audit
}

# Every number is a line; the last is the exit code, so that each says for itself whether it is whole.
started_for_long() { berth run -d --name "long$1" busybox sh -c 'i=0; trap "echo last \$i; exit 9" TERM; while :; do i=$((i + 1)); echo $i; sleep 0.01; done'; }

# What a client was told is written down after it was told; what fails because there is no engine is tried again.
load_run() {
    local i=0
    while [ ! -e enough ]; do
        i=$((i + 1))
        if berth run -d --name "short$i" busybox sh -c "seq $((i % 7 * 100 + 1)); exit $((i % 7))" >out.run 2>err.run; then
            echo "short$i $((i % 7))" >>acknowledged
        fi
    done
}
load_attached() {
    local i=0 status
    while [ ! -e enough ]; do
        i=$((i + 1)) status=0
        berth run --name "attached$i" busybox sh -c "echo $i; sleep 0.1; exit 33" >out.attached 2>err.attached || status=$?
        # 33, or the command says that it lost the engine (125): never another result.
        case $status in 33) echo "attached$i 33" >>acknowledged ;; 125 | 1) cat err.attached >>lost ;; *) echo "attached$i: $status: $(cat err.attached)" >>wrong ;; esac
    done
}
load_exec() {
    local i=0 status
    while [ ! -e enough ]; do
        i=$((i + 1)) status=0
        berth exec long1 sh -c "echo $i >/count; echo $i; exit 42" >out.exec 2>err.exec || status=$?
        case $status in
            42) [ "$(cat out.exec)" = "$i" ] || echo "exec $i printed '$(cat out.exec)'" >>wrong; echo "$i" >>executed ;;
            125 | 1) cat err.exec >>lost ;;
            *) echo "exec $i: $status: $(cat err.exec)" >>wrong ;;
        esac
    done
}
load_logs() { while [ ! -e enough ]; do timeout 3 berth logs -f --tail 5 long2 >/dev/null 2>&1 || true; done; }
load_stats() { while [ ! -e enough ]; do berth stats --no-stream >/dev/null 2>&1 || true; done; }

@test "an engine killed every second or two under load costs no container, no exit code and no line" {
    local n pids=() before=() ends kills=0 name code
    for n in 1 2 3 4; do started_for_long $n >/dev/null; done
    for n in 1 2 3 4; do before+=("$(berth inspect -f '{{.State.Pid}} {{.State.StartedAt}}' long$n)"); done
    for n in run attached exec logs stats; do load_$n 3>&- & pids+=($!); done
    ends=$((SECONDS + ${BERTH_KILL_SECONDS:-20}))
    while [ $SECONDS -lt $ends ]; do
        sleep "$((RANDOM % 2)).$((RANDOM % 10))"
        berth_engine_kill
        kills=$((kills + 1))
        berth_engine_start
    done
    sleep 1
    touch enough
    for n in "${pids[@]}"; do wait "$n"; done
    [ ! -e wrong ] || { cat wrong; return 1; }
    # The long ones never noticed, and have every line.
    for n in 1 2 3 4; do
        [ "$(berth inspect -f '{{.State.Pid}} {{.State.StartedAt}}' long$n)" = "${before[n - 1]}" ]
        [ "$(berth inspect -f '{{.State.Running}} {{.RestartCount}}' long$n)" = "true 0" ]
        berth stop long$n >/dev/null
        berth logs long$n >log
        [ "$(head -n -1 log | wc -l)" -ge 100 ]
        [ "last $(head -n -1 log | wc -l)" = "$(tail -n 1 log)" ] || { tail -n 3 log; wc -l log; return 1; }
        head -n -1 log | cmp - <(seq "$(head -n -1 log | wc -l)")
        [ "$(berth inspect -f '{{.State.ExitCode}}' long$n)" = 9 ]
    done
    # What a client was told of is here, with its exit code and all it printed.
    while read -r name code; do
        [ "$(berth wait "$name")" = "$code" ] || { echo "$name: $(berth wait "$name"), not $code"; return 1; }
        [[ $name != short* ]] || berth logs "$name" | cmp - <(seq $((code * 100 + 1))) || { echo "$name has lost lines"; return 1; }
    done <acknowledged
    # Nothing is between two states: what no client was told of has ended, too, or was only created.
    none_between() { [ -z "$(berth ps -a --format '{{.State}}' | grep -vx -e exited -e created)" ]; }
    until_true 20 none_between || { berth ps -a; return 1; }
    echo "# $kills kills, $(wc -l <acknowledged) containers, $(wc -l <executed) commands, $(grep -c . lost 2>/dev/null || true) told that the engine went" >&3
    [ "$(wc -l <acknowledged)" -ge 10 ] && [ "$(wc -l <executed)" -ge 10 ] && [ $kills -ge 5 ]
}
