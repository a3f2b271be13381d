# A large layer travels in parts beside one another, over as many connections as max-concurrent-downloads allows; also then it goes on
# where it was.
load ../lib/berth

setup() {
    FOLDER=$(mktemp -d)
    R=127.0.0.1:5123
    python3 "$BERTH_SOURCE/tests/registry/slow.py" 5123 "$FOLDER" 3>&- &
    REGISTRY_PID=$!
    timeout 20 bash -c 'until curl -fsS http://127.0.0.1:5123/v2/ >/dev/null 2>&1; do sleep 0.05; done'
}
teardown() {
    kill "$REGISTRY_PID"
    wait "$REGISTRY_PID" 2>/dev/null || true
    berth_engine_stop
    rm -rf "$FOLDER"
    berth_audit
}
sent() { awk '{sum += $2} END {print sum}' "$FOLDER/ranges"; }
layer_bytes=$((24 << 20)) # and a little

@test "three connections for one large layer, which comes once" {
    berth_engine_start
    berth pull -q "$R/app:1"
    cat "$FOLDER/ranges"
    [ "$(cat "$FOLDER/most")" = 3 ]
    [ "$(sent)" -gt "$layer_bytes" ]
    [ "$(sent)" -lt $((layer_bytes + (1 << 20))) ]
    run berth system check
    [[ $output == *"0 problems" ]]
}

@test "one connection where one blob at a time is allowed" {
    berth_engine_start --max-concurrent-downloads 1
    berth pull -q "$R/app:1"
    [ "$(cat "$FOLDER/most")" = 1 ]
}

@test "after the engine's end, a pull in parts goes on where it was" {
    berth_engine_start
    berth pull -q "$R/app:1" 3>&- &
    local pull=$!
    timeout 20 bash -c "until [ \"\$(du -s --block-size=1 '$BERTH_TEST_DIR/data/ingest' | cut -f1)\" -gt 9000000 ]; do sleep 0.02; done"
    berth_engine_kill
    wait "$pull" || true
    kept=$(find "$BERTH_TEST_DIR/data/ingest" -name 'key-*' -size +1M -printf '%s')
    # The connections of the killed engine have ended, and what they sent stands in the file.
    timeout 20 bash -c "until [ \"\$(tail -n 1 '$FOLDER/ranges' | wc -l)\" = 1 ]; do sleep 0.05; done"
    sleep 1
    : >"$FOLDER/ranges"
    berth_engine_start
    berth pull -q "$R/app:1"
    cat "$FOLDER/ranges"
    echo "kept $kept"
    [ "$(sort -n "$FOLDER/ranges" | head -n 1 | cut -d' ' -f1)" = "$kept" ]
    [ "$(sent)" -lt $((layer_bytes + (1 << 20) - kept)) ]
    run berth system check
    [[ $output == *"0 problems" ]]
}

@test "a pull in parts that is interrupted ends at once, and goes on where it was" {
    berth_engine_start
    timeout -s INT 2 berth pull -q "$R/app:1" || true
    timeout 5 bash -c "until [ \"\$(find '$BERTH_TEST_DIR/data/ingest' -name 'key-*' -size +1M | wc -l)\" = 1 ]; do sleep 0.05; done"
    berth pull -q "$R/app:1"
    run berth system check
    [[ $output == *"0 problems" ]]
}
