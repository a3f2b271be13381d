# A pull goes on where it was, also after the engine's end; what several pulls need comes once.
load ../lib/berth
load ../lib/hostile

setup() {
    berth_engine_start
    hostile_registry
    R=127.0.0.1:$REGISTRY_PORT
}
teardown() {
    stop_hostile_registry
    berth_engine_stop
    berth_audit
}

big_requests() { grep "GET /v2/$1/blobs/" "$REGISTRY_LOG" | sort | uniq -c | sort -rn; }

@test "a pull goes on where it was when the engine was killed" {
    berth pull -q "$R/pause:1" 3>&- &
    local pull=$! tries
    for tries in $(seq 600); do
        [ "$(du -s --block-size=1 "$BERTH_TEST_DIR/data/ingest" | cut -f1)" -gt 1000000 ] && break
        sleep 0.05
    done
    [ "$(du -s --block-size=1 "$BERTH_TEST_DIR/data/ingest" | cut -f1)" -gt 1000000 ]
    berth_engine_kill
    wait "$pull" || true
    berth_engine_start
    berth pull -q "$R/pause:1"
    # What was there was not asked for again: at least a mebibyte less what the socket still held.
    local from
    from=$(grep -oE 'range=bytes=[0-9]+' "$REGISTRY_LOG" | tail -1 | cut -d= -f3)
    [ "$from" -ge 900000 ]
    [ "$(berth image inspect -f '{{len .RootFS.Layers}}' "$R/pause:1")" = 2 ]
    berth system check
}

@test "pulls of one image at a time fetch each blob once" {
    local pids=() i
    for i in 1 2 3 4; do berth pull -q "$R/good:1" 3>&- & pids+=($!); done
    for i in "${pids[@]}"; do wait "$i"; done
    run big_requests good
    echo "$output"
    [ "${#lines[@]}" -ge 2 ]
    [ "$(grep 'GET /v2/good/blobs/' "$REGISTRY_LOG" | grep -vc "$(config_digest)")" = 2 ]
}
config_digest() { berth image inspect -f '{{.Id}}' "$R/good:1" >/dev/null; python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); from image import Image, digest_of; print(digest_of(Image(3).config))' "$BERTH_SOURCE/tests/hostile"; }

@test "a finished layer is not fetched again, also after the engine was killed" {
    berth pull -q "$R/good:1"
    berth_engine_kill
    berth_engine_start
    : >"$REGISTRY_LOG"
    berth pull -q "$R/good:1"
    [ "$(grep -c 'GET /v2/good/blobs/' "$REGISTRY_LOG")" = 0 ]
}
