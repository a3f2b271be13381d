# How many blobs travel at a time: max-concurrent-downloads and max-concurrent-uploads, over all pulls and pushes, as of now.
load helpers

setup() {
    REGISTRY_DIR=$(mktemp -d)
    echo 1 >"$REGISTRY_DIR/expected"
    python3 "$BERTH_SOURCE/tests/registry/counting.py" 5121 "$REGISTRY_DIR" 3>&- &
    counter=$!
    wait_for_port 5121
    R=localhost:5121
}
teardown() {
    kill "$counter"
    wait "$counter" || true
    rm -rf "$REGISTRY_DIR"
    berth_engine_stop
    berth_audit
}

expect() { echo "$1" >"$REGISTRY_DIR/expected"; rm -f "$REGISTRY_DIR/down" "$REGISTRY_DIR/up"; }
most() { cat "$REGISTRY_DIR/$1"; }

@test "without a setting three blobs come and five go at a time" {
    berth_engine_start --layer-blobs keep # else what goes would have to come first
    expect 3
    berth pull -q "$R/one:1"
    [ "$(most down)" = 3 ]
    expect 5
    berth push -q "$R/one:1"
    [ "$(most up)" = 5 ]
}

@test "the limits hold over all pulls and pushes together" {
    berth_engine_start --max-concurrent-downloads 2 --max-concurrent-uploads 1
    expect 2
    local pids=() name
    for name in one two three; do berth pull -q "$R/$name:1" 3>&- & pids+=($!); done
    for name in "${pids[@]}"; do wait "$name"; done
    [ "$(most down)" = 2 ]
    expect 1
    berth push -q "$R/one:1"
    [ "$(most up)" = 1 ]
}

@test "a reload changes them" {
    REGISTRY_CONFIG=$REGISTRY_DIR/daemon.json
    echo '{"max-concurrent-downloads": 1}' >"$REGISTRY_CONFIG"
    berth_engine_start --config-file "$REGISTRY_CONFIG"
    expect 1
    berth pull -q "$R/one:1"
    [ "$(most down)" = 1 ]
    echo '{"max-concurrent-downloads": 6}' >"$REGISTRY_CONFIG"
    kill -HUP "$BERTH_ENGINE_PID"
    timeout 30 bash -c "until grep -q 'configuration reloaded' '$BERTH_TEST_DIR/engine.log'; do sleep 0.05; done"
    expect 6
    berth pull -q "$R/two:1"
    [ "$(most down)" = 6 ]
}
