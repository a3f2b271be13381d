bats_require_minimum_version 1.5.0
load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() {
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f -v $ids >/dev/null
    for pid in "${services[@]}"; do kill "$pid" 2>/dev/null || true; done
}

services=()

# start_service KIND ADDRESS FILE
start_service() {
    touch "$3"
    python3 "$BERTH_SOURCE/tests/container/log_services.py" "$@" 3>&- &
    services+=($!)
    until_true grep -q ready "$3"
}

log_files() { find "$BERTH_TEST_DIR/data" -name "$(berth inspect -f '{{.Id}}' "$1")-json.log*" | sort; }
lines_of() { seq -f 'a line with some length and the number %06.0f' "$1" "$2"; }

@test "a log is rotated and compressed, and read as one" {
    berth run --name long --log-opt max-size=20k --log-opt max-file=4 busybox \
        sh -c 'i=0; while [ $((i += 1)) -le 8000 ]; do printf "a line with some length and the number %06d\n" $i; done' >/dev/null
    [ "$(log_files long | wc -l)" -eq 4 ]
    [ "$(log_files long | grep -c '\.zst$')" -ge 1 ]
    for file in $(log_files long); do [ "$(stat -c %s "$file")" -le 20480 ]; done
    berth logs long >all
    count=$(wc -l <all)
    [ "$count" -gt 300 ]
    [ "$count" -lt 8000 ]
    diff all <(lines_of $((8001 - count)) 8000)
    diff <(berth logs --tail 250 long) <(lines_of 7751 8000)
    diff <(berth logs -n 3 long) <(lines_of 7998 8000)
    [ -z "$(berth logs -n 0 long)" ]
    # The stock client reads the same.
    diff all <(docker logs long)
    berth run --name plain --log-opt max-size=20k --log-opt compress=false busybox sh -c 'i=0; while [ $((i += 1)) -le 800 ]; do printf "a line with some length and the number %06d\n" $i; done' >/dev/null
    [ "$(log_files plain | grep -c '\.zst$')" -eq 0 ]
    diff <(berth logs plain) <(lines_of 1 800)
}

@test "since and until are bounds of time, streams stay apart" {
    berth run --name timed busybox sh -c 'echo one; sleep 0.3; echo two >&2; sleep 0.3; echo three' >/dev/null 2>&1
    berth logs -t timed >stamped 2>&1
    [ "$(awk '{print $2}' stamped | sort | paste -sd,)" = one,three,two ]
    second=$(awk '$2 == "two" {print $1}' stamped)
    [ "$(berth logs --since "$second" timed 2>&1 | sort | paste -sd,)" = three,two ]
    [ "$(berth logs --until "$second" timed 2>&1 | sort | paste -sd,)" = one,two ]
    [ "$(berth logs --since "$second" --until "$second" timed 2>&1)" = two ]
    [ -z "$(berth logs --until 1h timed 2>&1)" ]
    [ "$(berth logs --since 1h timed 2>/dev/null | paste -sd,)" = one,three ]
    [ "$(berth logs timed 2>&1 >/dev/null)" = two ]
    run berth logs --since nonsense timed
    [ "$status" -ne 0 ]
}

@test "following goes on through rotation, restarts and the engine's death" {
    # Files enough for all of it: who writes never waits for a reader, and one that is late finds what is still there.
    berth run -d --name busy --log-opt max-size=20k --log-opt max-file=20 busybox \
        sh -c 'i=0; while [ $((i += 1)) -le 2000 ]; do printf "a line with some length and the number %06d\n" $i; [ $((i % 50)) -ne 0 ] || sleep 0.02; done' >/dev/null
    timeout 60 berth logs -f busy >followed
    diff followed <(lines_of 1 2000)
    berth run -d --name again --restart on-failure:2 busybox sh -c 'echo run; exit 1' >/dev/null
    timeout 60 berth logs -f again >runs
    [ "$(paste -sd, runs)" = run,run,run ]
    berth run -d --name survivor busybox sh -c 'i=0; while [ $((i += 1)) -le 60 ]; do echo line $i; sleep 0.05; done' >/dev/null
    until_true sh -c 'berth logs survivor | grep -q "line 5"'
    berth_engine_kill
    berth_engine_start
    declare -p BERTH_ENGINE_PID | sed 's/^declare -[-x]* /export /' >>"$BATS_FILE_TMPDIR/engine"
    timeout 60 berth logs -f survivor >all
    diff all <(seq -f 'line %.0f' 60)
}

@test "log services get every line, and berth logs shows them all the same" {
    start_service unix "$PWD/syslog.sock" syslog
    start_service udp 127.0.0.1:12201 gelf
    start_service tcp 127.0.0.1:24224 fluentd
    start_service tcp 127.0.0.1:6514 stream
    say='echo hello from inside; echo wrong >&2'
    berth run --name sys --log-driver syslog --log-opt "syslog-address=unixgram://$PWD/syslog.sock" --log-opt syslog-facility=local3 --log-opt tag='app/{{.Name}}' busybox sh -c "$say" >/dev/null 2>&1
    berth run --name str --log-driver syslog --log-opt syslog-address=tcp://127.0.0.1:6514 --log-opt syslog-format=rfc5424 busybox sh -c "$say" >/dev/null 2>&1
    berth run --name gel --log-driver gelf --log-opt gelf-address=udp://127.0.0.1:12201 --label team=blue --log-opt labels=team busybox sh -c "$say" >/dev/null 2>&1
    berth run --name flu --log-driver fluentd busybox sh -c "$say" >/dev/null 2>&1
    until_true sh -c 'grep -q wrong syslog && grep -q wrong stream && grep -q wrong gelf && grep -q wrong fluentd'
    # 19 * 8 + 6 and + 3: local3, info and error.
    grep -q "<158>.* app/sys\[[0-9]*\]: hello from inside" syslog
    grep -q '<155>.*: wrong' syslog
    grep -q '<30>1 [0-9T:.-]*[^ ]* .* hello from inside' stream
    grep -q '"short_message":"hello from inside"' gelf
    grep -q '"_team":"blue"' gelf
    grep -q '"_container_name":"gel"' gelf
    grep -q 'container_name.*/flu.*source.*stdout.*hello from inside' fluentd
    for name in sys str gel flu; do [ "$(berth logs $name 2>/dev/null)" = "hello from inside" ]; done
    [ "$(docker inspect -f '{{.HostConfig.LogConfig.Type}}' gel)" = gelf ]
}

@test "a log service that is away keeps nobody waiting" {
    start=$(date +%s%N)
    run berth run --name alone --log-driver fluentd --log-opt fluentd-address=127.0.0.1:1 busybox echo said
    [ "$output" = said ]
    [ $((($(date +%s%N) - start) / 1000000)) -lt 5000 ]
    [ "$(berth logs alone)" = said ]
}

@test "log options that do not exist are refused" {
    run berth run --log-driver syslog --log-opt syslog-facility=nope busybox true
    [ "$status" -eq 125 ]
    run berth run --log-driver gelf busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *"gelf-address is a required parameter"* ]]
    run berth run --log-opt nope=1 busybox true
    [[ "$output" == *"unknown log opt 'nope' for json-file log driver"* ]]
    run berth run --log-driver none --name silent busybox echo x
    [ "$output" = x ]
    run berth logs silent
    [ "$status" -ne 0 ]
    [[ "$output" == *"does not support reading"* ]]
}
