# network: host
# Base images from the distribution's package archive.
load ../lib/berth

setup() { berth_engine_start; }
teardown() {
    berth_engine_stop
    berth_audit
}

@test "busybox comes from the host's static program and runs" {
    "$BERTH_BIN/berth" image bootstrap busybox
    run "$BERTH_BIN/berth" run --rm --network none busybox echo hello
    [ "$status" -eq 0 ]
    [ "$output" = hello ]
    first=$("$BERTH_BIN/berth" image inspect --format '{{.Id}}' busybox)
    "$BERTH_BIN/berth" rmi busybox
    "$BERTH_BIN/berth" image bootstrap busybox
    [ "$("$BERTH_BIN/berth" image inspect --format '{{.Id}}' busybox)" = "$first" ]
}

@test "an unknown suite is refused with the tool's words" {
    run "$BERTH_BIN/berth" image bootstrap debian:nosuch
    [ "$status" -ne 0 ]
    [[ $output == *nosuch* ]]
    run "$BERTH_BIN/berth" image bootstrap 'debian:--setup-hook=id'
    [ "$status" -ne 0 ]
    [[ $output == *"is no suite"* ]]
}

@test "an interrupted bootstrap leaves no process, file or image" {
    timeout --signal=INT 4 "$BERTH_BIN/berth" image bootstrap debian:bookworm || true
    for tries in $(seq 300); do pgrep -f 'mmdebstrap --variant=minbase' >/dev/null || break; sleep 0.1; done
    if pgrep -af 'mmdebstrap --variant=minbase'; then return 1; fi
    [ -z "$("$BERTH_BIN/berth" images -q)" ]
}
