bats_require_minimum_version 1.5.0
load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() {
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f -v $ids >/dev/null
}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

@test "a process without a handler is stopped at once, and the command says so" {
    berth run -d --name plain busybox sleep 1000 >/dev/null
    sleep 1.2
    before=$(milliseconds)
    run --separate-stderr berth stop plain
    took=$(($(milliseconds) - before))
    [ "$status" -eq 0 ]
    [ "$output" = plain ]
    [[ "$stderr" == *"has no handler for SIGTERM, so it was killed at once"* ]]
    [[ "$stderr" == *"--init"* ]]
    # Docker waits for ten seconds.
    [ "$took" -lt 5000 ]
    [ "$(berth inspect -f '{{.State.ExitCode}}' plain)" = 137 ]
    [ "$(cause_of plain)" = stop-no-handler ]
}

@test "docker sees the same end, only sooner" {
    docker run -d --name plain busybox sleep 1000 >/dev/null
    before=$(milliseconds)
    run --separate-stderr docker stop plain
    [ $(($(milliseconds) - before)) -lt 5000 ]
    [ "$output" = plain ]
    [ -z "$stderr" ]
    [ "$(docker wait plain)" = 137 ]
}

@test "an ignored signal is as good as none, a handled one gets its time" {
    berth run -d --name ignores busybox sh -c 'trap "" TERM; while :; do sleep 0.1; done' >/dev/null
    berth run -d --name slow busybox sh -c 'trap : TERM; echo ready; while :; do sleep 0.1; done' >/dev/null
    berth run -d --name obeys busybox sh -c 'trap "exit 4" TERM; echo ready; while :; do sleep 0.1; done' >/dev/null
    until_true sh -c 'berth logs slow | grep -q ready && berth logs obeys | grep -q ready'
    berth stop ignores obeys 2>/dev/null
    [ "$(cause_of ignores)" = stop-no-handler ]
    [ "$(cause_of obeys)" = stopped ]
    [[ "$(berth why obeys)" == *"after SIGTERM, with code 4"* ]]
    run --separate-stderr berth stop -t 1 slow
    [[ "$stderr" == *"did not end within 1"* ]]
    [ "$(cause_of slow)" = stop-timeout ]
}

@test "a stop through --init reaches the program" {
    berth run -d --init --name init busybox sleep 1000 >/dev/null
    run --separate-stderr berth stop init
    [ -z "$stderr" ]
    [ "$(berth inspect -f '{{.State.ExitCode}}' init)" = 143 ]
}

@test "want of memory names the process and the limit" {
    run berth run --name hungry -m 16m --memory-swap 16m busybox sh -c 'tail /dev/zero; echo survived; exit 9'
    [ "$status" -eq 9 ]
    run berth why hungry
    [[ "$output" == *"out of memory"* ]]
    [[ "$output" == *"limit of 16 MiB"* ]]
    [[ "$output" == *"exited with code 9"* ]]
    [ "$(berth inspect -f '{{.State.OOMKilled}}' hungry)" = true ]
    if dmesg 2>/dev/null | grep -q 'oom-kill:.*task=tail'; then [[ "$output" == *"process tail"* ]]; fi
}

@test "signals from outside, kills on request and exit codes are told apart" {
    berth run -d --name victim busybox sleep 1000 >/dev/null
    kill -KILL "$(berth inspect -f '{{.State.Pid}}' victim)"
    until_true has_ended victim
    [ "$(cause_of victim)" = signal ]
    [[ "$(berth why victim)" == *"from outside by SIGKILL"* ]]
    berth run -d --name killed busybox sleep 1000 >/dev/null
    berth kill killed >/dev/null
    until_true has_ended killed
    [ "$(cause_of killed)" = killed ]
    run berth run --name plain busybox sh -c 'echo the last line; exit 127'
    run berth why plain
    [[ "$output" == *"code 127 (the command was not found"* ]]
    [[ "$output" == *"the last line"* ]]
    berth run --name fine busybox true
    [ "$(cause_of fine)" = finished ]
    [ "$(berth why -f json fine | jq -r '.ExitCode, .Signal, .Status' | paste -sd,)" = 0,,exited ]
    run berth why nosuch
    [ "$status" -eq 1 ]
    [[ "$output" == *"No such container: nosuch"* ]]
}

@test "a program that cannot start is looked into" {
    printf '#!/bin/bash\necho hi\n' >script
    printf '#!/bin/sh\r\necho hi\r\n' >windows
    printf 'plain text\n' >text
    { printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\363\0'; head -c 200 /dev/zero; } >foreign
    chmod 755 script windows text foreign
    run berth run --name first -v "$PWD/script:/script" busybox /script
    [ "$status" -ne 0 ]
    [[ "$output" == *"script for /bin/bash, which the image does not have"* ]]
    [[ "$(berth why first)" == *"script for /bin/bash"* ]]
    berth create --name second -v "$PWD:/files" busybox /files/windows >/dev/null
    run berth start second
    [[ "$output" == *"Windows line ends"* ]]
    run berth run --rm -v "$PWD:/files" busybox /files/foreign
    [[ "$output" == *"program for riscv"* ]]
    run berth run --rm -v "$PWD:/files" busybox /files/text
    [[ "$output" == *"neither a program nor a script"* ]]
}

@test "processor time that is used up, and a supervisor that was killed, are named" {
    berth run --name busy --ulimit cpu=1 busybox sh -c 'while :; do :; done' || true
    run berth why busy
    [[ "$output" == *"1 s of processor time"* ]]
    berth run -d --name orphan busybox sleep 1000 >/dev/null
    shim=$(awk '/^PPid/ {print $2}' "/proc/$(berth inspect -f '{{.State.Pid}}' orphan)/status")
    [ "$(cat "/proc/$shim/comm")" = berth-shim ]
    kill -KILL "$shim"
    until_true has_ended orphan
    run berth why orphan
    [[ "$output" == *"ended from outside: the container's shim process died"* ]]
    # An end before a start that failed is not taken for its cause.
    printf '#!/bin/sh\nexit 7\n' >app
    chmod 755 app
    berth run --name again -v "$PWD/app:/app" busybox /app || true
    [[ "$(berth why again)" == *"code 7"* ]]
    printf '#!/bin/bash\nexit 7\n' >app
    run berth start again
    [[ "$(berth why again)" == *"could not be started"*"/bin/bash"* ]]
}

@test "a crash loop shows" {
    berth run -d --restart always --name loop busybox sh -c 'echo crashed >&2; exit 3' >/dev/null
    until_true has_cause loop crash-loop
    # Between two waits it runs for a moment.
    tells_all() {
        run berth why loop
        [[ "$output" == *"ends in a row"* && "$output" == *crashed* && "$output" == *"code 3"* ]]
    }
    until_true tells_all
    waits() { [[ "$(berth ps --format '{{.Status}}')" == Restarting* ]]; }
    until_true waits
}
