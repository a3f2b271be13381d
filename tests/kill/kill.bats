#!/usr/bin/env bats
# The command, the engine and the shim killed at system calls spread over the verbs of a container: afterwards the engine comes
# back, the verb can be repeated and reaches its goal, another container has noticed nothing, and nothing is left behind.
# BERTH_KILL_POINTS is the number of points for each verb and program, else 4. What was hit is counted by the stepper, not assumed.
# limit: 3600
load ../lib/hostile

setup_file() { cc -O2 -Wall -Wextra -Werror -o "$BATS_FILE_TMPDIR/kill_stepper" "$BATS_TEST_DIRNAME/kill_stepper.c"; }

setup() {
    cd "$BATS_TEST_TMPDIR"
    berth_engine_start
    berth_busybox >/dev/null
    berth run -d --name witness busybox sh -c 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.05; done' >/dev/null
    witness=$(witness_state)
    echo content >file
    # The first of each kind may make what stays: a bridge, a table.
    berth run --rm busybox true
    # Its link and its directory go behind the engine's back.
    until_true 30 only_the_witness_has_a_link
    until_true 30 trash_is_empty
    ours >before
}
teardown() {
    berth_engine_stop
    berth_audit
}

only_the_witness_has_a_link() { [ "$(ip -o link | grep -c veth)" -eq 1 ]; }
trash_is_empty() { [ -z "$(ls "$BERTH_TEST_DIR/data/trash" 2>/dev/null)" ]; }
witness_state() { berth inspect -f '{{.State.Pid}} {{.State.Running}} {{.RestartCount}}' witness; }

# What there is of containers, volumes and images, on the host and in the engine's folders.
ours() {
    # Where layers need loop devices an engine that comes back makes new ones, beside those of what runs: the audit counts them.
    berth_state | grep -v '^loop '
    (cd "$BERTH_TEST_DIR" && find data/containers data/volumes data/tmp data/ingest data/trash run -mindepth 1 -maxdepth 1 2>/dev/null | grep -v '\.sock$' | sort)
    berth ps -a --no-trunc --format '{{.Names}}' | sort
    berth volume ls -q | sort
    berth images --format '{{.Repository}}:{{.Tag}}' | sort
}
same_as_before() { ours >after && diff before after >difference; }

subject() { berth run -d --name subject busybox sleep 1000 >/dev/null; }
state_is() { [ "$(berth inspect -f "{{.State.$1}}" subject)" = "$2" ]; }

# For each verb: what it needs, the verb, its goal, and what is to be cleared away.
prepare_create() { :; }
verb_create=(berth create --name subject -v subject:/data busybox sleep 1000)
goal_create() { state_is Status created; }
prepare_start() { berth create --name subject -p 127.0.0.1:5199:80 busybox sleep 1000 >/dev/null; }
verb_start=(berth start subject)
goal_start() { state_is Running true && [ "$(berth exec subject echo here)" = here ]; }
prepare_exec() { subject; }
verb_exec=(berth exec subject sh -c 'echo done >/done')
goal_exec() { [ "$(berth exec subject cat /done)" = "done" ]; }
prepare_stop() { subject; }
verb_stop=(berth stop -t 1 subject)
goal_stop() { state_is Running false; }
prepare_kill() { subject; }
verb_kill=(berth kill subject)
goal_kill() { until_true 20 state_is Running false; }
prepare_rm() { subject; }
verb_rm=(berth rm -f subject)
goal_rm() { if berth inspect subject >/dev/null 2>&1; then return 1; fi; }
prepare_pause() { subject; }
verb_pause=(berth pause subject)
goal_pause() { state_is Paused true && berth unpause subject >/dev/null; }
prepare_update() { subject; }
verb_update=(berth update --memory 64m --memory-swap 64m subject)
goal_update() {
    [ "$(berth inspect -f '{{.HostConfig.Memory}}' subject)" = 67108864 ]
    local limit=/sys/fs/cgroup/memory/$BERTH_CGROUP/$(berth inspect -f '{{.Id}}' subject)/memory.limit_in_bytes
    [ ! -e "$limit" ] || [ "$(cat "$limit")" = 67108864 ]
}
prepare_commit() { subject; berth exec subject sh -c 'echo committed >/committed'; }
verb_commit=(berth commit subject new:1)
goal_commit() { [ "$(berth run --rm --network none new:1 cat /committed)" = committed ]; }
prepare_cp() { subject; }
verb_cp=(berth cp file subject:/copied)
goal_cp() { [ "$(berth exec subject cat /copied)" = content ]; }

clear_away() {
    if berth inspect subject >/dev/null 2>&1; then berth rm -f -v subject >/dev/null; fi
    if berth volume inspect subject >/dev/null 2>&1; then berth volume rm subject >/dev/null; fi
    if berth image inspect new:1 >/dev/null 2>&1; then berth rmi new:1 >/dev/null; fi
    berth image prune -f >/dev/null  # what the second of two commits has taken the name from
}

# step PROGRAM POINT: the verb under the stepper; what the stepper said is in `said`.
step() {
    local -n command=verb_$verb
    "prepare_$verb"
    local followed=(-p "$BERTH_ENGINE_PID") init
    init=$(berth inspect -f '{{.State.Pid}}' subject 2>/dev/null) || init=0
    # A running container's shim is the parent of its first process.
    [ "$init" -eq 0 ] || followed+=(-p "$(ps -o ppid= -p "$init" | tr -d ' ')")
    # 124: it hangs, however it is killed.
    local ended=0
    timeout -k 5 30 "$BATS_FILE_TMPDIR/kill_stepper" "${followed[@]}" -n "$1" -k "$2" -g 150 -- "${command[@]}" >step.out 2>step.err || ended=$?
    said=$(tail -n 1 step.err)
    [ "$ended" -ne 124 ] || { echo "$verb hangs with $1 killed at $2"; return 1; }
}

# The state after a point is right, whatever the point was.
right_again() {
    local -n command=verb_$verb
    # What the stepper killed may take a moment to be gone.
    if [[ $said == "killed at "*" $BERTH_ENGINE_PID "* ]] || ! kill -0 "$BERTH_ENGINE_PID" 2>/dev/null; then
        wait "$BERTH_ENGINE_PID" 2>/dev/null || true  # 137, as the stepper killed it
        berth_engine_start
    fi
    # A container ends with its shim.
    case $verb in
        exec | pause | cp) state_is Running true || berth start subject >/dev/null ;;
    esac
    # Either it had happened, or it happens now.
    # It may fail because it had happened: the goal decides.
    timeout 30 "${command[@]}" >again.out 2>&1 || true
    "goal_$verb" || { cat again.out; berth ps -a; echo "the goal of $verb is not reached"; return 1; }
    [ "$(witness_state)" = "$witness" ] || { echo "the witness noticed: $(witness_state), was $witness"; return 1; }
    clear_away
    until_true 30 same_as_before || { cat difference; echo "left behind"; return 1; }
}

kill_everywhere() {
    local verb=$1 program points total point i hits=0
    for program in berth berthd berth-shim; do
        step "$program" 0
        right_again
        points=$(sed -n 's/^points //p' <<<"$said")
        [ "${points:-0}" -gt 0 ] || continue
        total=${BERTH_KILL_POINTS:-4}
        for i in $(seq "$total"); do
            # Spread evenly, each at random within its part.
            point=$((points * (i - 1) / total + RANDOM % (points / total + 1) + 1))
            step "$program" "$point"
            [[ $said != killed* ]] || hits=$((hits + 1))
            right_again || { echo "$verb: $program killed at $point of $points ($said)"; cat step.out step.err; return 1; }
        done
    done
    echo "# $verb: $hits points hit" >&3
    [ "$hits" -ge "${BERTH_KILL_POINTS:-4}" ]
    # The witness has written every line.
    berth logs witness >log
    [ "$(wc -l <log)" -eq "$(tail -n 1 log)" ]
}

@test "create" { kill_everywhere create; }
@test "start" { kill_everywhere start; }
@test "exec" { kill_everywhere exec; }
@test "stop" { kill_everywhere stop; }
@test "kill" { kill_everywhere kill; }
@test "rm -f" { kill_everywhere rm; }
@test "pause" { kill_everywhere pause; }
@test "update" { kill_everywhere update; }
@test "commit" { kill_everywhere commit; }
@test "cp" { kill_everywhere cp; }
