# What log services read of a container's output: a real journald, and receivers that decode the others' protocols to the letter.
bats_require_minimum_version 1.5.0
load helpers

JOURNALD=/lib/systemd/systemd-journald

setup_file() {
    # A journal of the test's own, where the host has one or none. The engine sees what is mounted before it starts.
    mkdir -p /run/systemd /run/log
    mount -t tmpfs tmpfs /run/systemd
    mount -t tmpfs tmpfs /run/log
    mkdir -p /run/systemd/journal
    start_engine
}
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() {
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f -v $ids >/dev/null
    for pid in "${services[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
    true
}

services=()

start_journald() {
    [ -x $JOURNALD ] || skip "no systemd-journald here"
    $JOURNALD >journald.out 2>&1 3>&- &
    services+=($!)
    until_true test -S /run/systemd/journal/socket
}
# journal FIELD=VALUE...: entries as JSON, oldest first.
journal() { journalctl --directory "$(echo /run/log/journal/*)" -o json --all --no-pager "$@" 2>/dev/null; }
has_entries() { [ "$(journal "${@:2}" | wc -l)" -ge "$1" ]; }

# receive PROTOCOL ADDRESS FILE: its process is the last of services.
receive() {
    rm -f "$3.ready"
    python3 "$BERTH_SOURCE/tests/container/log_receivers.py" "$@" 3>&- &
    services+=($!)
    until_true grep -q '"ready"' "$3"
}
stop_last_service() {
    kill "${services[-1]}"
    wait "${services[-1]}" 2>/dev/null || true
    unset 'services[-1]'
}
nothing_broken() { if grep broken "$@"; then return 1; fi; }
has_lines() { [ "$(grep -vc '"ready"' "$2")" -ge "$1" ]; }
# A line of 20,000 characters, twice.
long_line='for i in 1 2; do head -c 20000 /dev/zero | tr "\0" "$i"; echo; done'

@test "journald keeps each line with Docker's fields, and logs reads them" {
    start_journald
    berth run --name jour -h box --log-driver journald --label _team=blue --label com.example/role=web -e STAGE=test \
        --log-opt labels=com.example/role --log-opt labels-regex=^_te --log-opt env-regex='^STAGE$' --log-opt tag='app/{{.Name}}' \
        busybox sh -c 'echo hello from inside; echo wrong >&2; echo "A=B"; printf "no end"' >/dev/null 2>&1
    until_true has_entries 4 CONTAINER_NAME=jour
    journal CONTAINER_NAME=jour >entries
    [ "$(jq -r '.PRIORITY + " " + .MESSAGE' entries | sort | paste -sd,)" = '3 wrong,6 A=B,6 hello from inside,6 no end' ]
    [ "$(jq -r '[.CONTAINER_ID_FULL, .CONTAINER_ID, .CONTAINER_TAG, .SYSLOG_IDENTIFIER, .IMAGE_NAME, .TEAM, .COM_EXAMPLE_ROLE, .STAGE] | join(" ")' entries | sort -u)" = \
        "$(berth inspect -f '{{.Id}}' jour) $(berth inspect -f '{{.Id}}' jour | head -c 12) app/jour app/jour busybox blue web test" ]
    # The time of each is that of the line, to the microsecond at least.
    [[ "$(jq -r .SYSLOG_TIMESTAMP entries | sort -u | head -1)" == $(date -u +%Y-%m-%dT%H)*.*Z ]]
    [ "$(berth logs jour 2>/dev/null)" = $'hello from inside\nA=B\nno end' ]
    [ "$(docker logs jour 2>&1 >/dev/null)" = wrong ]
}

@test "a line longer than journald's pieces is put together again" {
    start_journald
    berth run --name long --log-driver journald busybox sh -c "$long_line" >/dev/null
    until_true has_entries 4 CONTAINER_NAME=long
    journal CONTAINER_NAME=long >entries
    [ "$(jq -r '(.MESSAGE | length | tostring) + " " + (.CONTAINER_PARTIAL_MESSAGE // "whole")' entries | paste -sd,)" = \
        '16384 true,3616 whole,16384 true,3616 whole' ]
    [ "$(jq -j .MESSAGE entries | md5sum)" = "$(berth logs long | tr -d '\n' | md5sum)" ]
}

@test "journald that is restarted gets what was said meanwhile" {
    start_journald
    berth run -d --name busy --log-driver journald busybox sh -c 'i=0; while [ $((i += 1)) -le 60 ]; do echo line $i; sleep 0.1; done' >/dev/null
    until_true has_entries 5 CONTAINER_NAME=busy
    stop_last_service
    rm -f /run/systemd/journal/socket
    sleep 1
    start_journald
    until_true has_ended busy
    until_true has_entries 60 CONTAINER_NAME=busy
    diff <(journal CONTAINER_NAME=busy | jq -r .MESSAGE) <(seq -f 'line %.0f' 60)
}

@test "syslog by its socket is understood by a real reader of it" {
    start_journald
    berth run --name sys --log-driver syslog --log-opt syslog-address=unixgram:///run/systemd/journal/dev-log --log-opt syslog-facility=local3 \
        --log-opt tag='app/{{.Name}}' busybox sh -c 'echo hello from inside; echo wrong >&2' >/dev/null 2>&1
    until_true has_entries 2 SYSLOG_IDENTIFIER=app/sys
    [ "$(journal SYSLOG_IDENTIFIER=app/sys | jq -r '[._TRANSPORT, .SYSLOG_FACILITY, .PRIORITY, .MESSAGE] | join(" ")' | sort | paste -sd,)" = \
        'syslog 19 3 wrong,syslog 19 6 hello from inside' ]
    [[ "$(journal SYSLOG_IDENTIFIER=app/sys | jq -r .SYSLOG_PID | head -1)" =~ ^[0-9]+$ ]]
}

@test "syslog over the network follows RFC 5424 and RFC 3164" {
    receive syslog-tcp 127.0.0.1:6514 stream
    receive syslog-udp 127.0.0.1:6515 datagrams
    for format in rfc5424 rfc5424micro; do
        berth run --rm --name $format --log-driver syslog --log-opt syslog-address=tcp://127.0.0.1:6514 --log-opt syslog-format=$format --log-opt tag=t \
            busybox sh -c 'echo "two  words"; echo wrong >&2' >/dev/null 2>&1
    done
    until_true has_lines 4 stream
    [ "$(grep -v ready stream | jq -r '[.priority, .app, .id, .text] | join("|")' | sort | uniq -c | awk '{$1=$1};1' | paste -sd,)" = '2 27|t|t|wrong,2 30|t|t|two words' ]
    [ "$(jq -r 'objects.time' stream | grep -c '\.[0-9]\{6\}Z')" -eq 2 ]
    berth run --rm --log-driver syslog --log-opt syslog-address=udp://127.0.0.1:6515 --log-opt tag=t busybox echo by datagram >/dev/null
    until_true has_lines 1 datagrams
    [ "$(grep -v ready datagrams | jq -r '[.priority, .tag, .text] | join("|")')" = '30|t|by datagram' ]
}

@test "fluentd reads whole records, with seconds or nanoseconds" {
    receive fluentd 127.0.0.1:24224 records
    berth run --name flu --log-driver fluentd --label team=blue --log-opt labels=team --log-opt tag='docker.{{.Name}}' busybox \
        sh -c "echo hello; echo wrong >&2; $long_line" >/dev/null 2>&1
    until_true has_lines 6 records
    [ "$(jq -r 'objects | select(.record.log | length < 99) | [.tag, .record.source, .record.log, .record.container_name, .record.team, (.time | type)] | join("|")' records | sort | paste -sd,)" = \
        'docker.flu|stderr|wrong|/flu|blue|number,docker.flu|stdout|hello|/flu|blue|number' ]
    [ "$(jq -r 'objects | .record.container_id' records | sort -u)" = "$(berth inspect -f '{{.Id}}' flu)" ]
    [ "$(jq -r 'objects | select(.record.log | length > 99) | .record | (.log | length | tostring) + (.partial_message // "")' records | sort | uniq -c | awk '{$1=$1};1' | paste -sd,)" = '2 16384true,2 3616' ]
    berth run --rm --log-driver fluentd --log-opt fluentd-sub-second-precision=true busybox echo precise >/dev/null
    until_true has_lines 7 records
    jq -e 'objects | select(.record.log == "precise") | .time | .seconds > 1700000000 and .nanoseconds < 1000000000' records
    nothing_broken records
}

@test "GELF is read by datagrams, in parts where it is long, and by stream" {
    receive gelf-udp 127.0.0.1:12201 datagrams
    receive gelf-tcp 127.0.0.1:12202 stream
    berth run --name udp --log-driver gelf --log-opt gelf-address=udp://127.0.0.1:12201 -e STAGE=test --log-opt env=STAGE busybox sh -c "echo hello; echo wrong >&2; $long_line" >/dev/null 2>&1
    berth run --name tcp --log-driver gelf --log-opt gelf-address=tcp://127.0.0.1:12202 busybox sh -c "printf 'tab\there \"quoted\" \\\\ \303\244\n'; $long_line" >/dev/null 2>&1
    until_true has_lines 6 datagrams
    until_true has_lines 5 stream
    [ "$(jq -r 'objects | select(.short_message | length < 99) | [.level, ._container_name, ._STAGE, .short_message] | join("|")' datagrams | sort | paste -sd,)" = '3|udp|test|wrong,6|udp|test|hello' ]
    [ "$(jq -r 'objects | .short_message | length' datagrams | sort -n | paste -sd,)" = 5,5,3616,3616,16384,16384 ]
    [ "$(jq -r 'objects | .short_message' stream | head -1)" = $'tab\there "quoted" \\ ä' ]
    nothing_broken datagrams stream
}

@test "a service that goes away and comes back gets what was said meanwhile" {
    local protocol option
    for protocol in fluentd syslog-tcp gelf-tcp; do
        case $protocol in
            fluentd) option="--log-driver fluentd --log-opt fluentd-address=127.0.0.1:5151" ;;
            syslog-tcp) option="--log-driver syslog --log-opt syslog-address=tcp://127.0.0.1:5151 --log-opt syslog-format=rfc5424" ;;
            gelf-tcp) option="--log-driver gelf --log-opt gelf-address=tcp://127.0.0.1:5151" ;;
        esac
        rm -f got
        receive $protocol 127.0.0.1:5151 got
        berth run -d --name busy $option busybox sh -c 'i=0; while [ $((i += 1)) -le 30 ]; do echo line $i; sleep 0.1; done' >/dev/null
        until_true has_lines 5 got
        stop_last_service
        sleep 1
        receive $protocol 127.0.0.1:5151 got
        until_true has_ended busy
        until_true has_lines 30 got
        diff <(jq -r 'objects | .record.log // .text // .short_message' got) <(seq -f 'line %.0f' 30)
        berth rm busy >/dev/null
        stop_last_service
    done
}
