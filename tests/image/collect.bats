# What nobody refers to goes: at once, or when what holds collections up has ended. Removal itself is a rename.
load ../lib/berth

setup() {
    berth_engine_start
    berth_busybox busybox:latest >/dev/null
}
teardown() {
    berth_engine_stop
    berth_audit
}

# until_equal COMMAND NUMBER: the end of a stream may be a moment before the end of the request that holds collections up.
until_equal() {
    local tries
    for tries in $(seq 400); do
        [ "$("$1")" != "$2" ] || return 0
        sleep 0.05
    done
    echo "$1: $("$1"), not $2"
    return 1
}
layers() { find "$BERTH_TEST_DIR/data/layers" -mindepth 1 -maxdepth 1 ! -name '.*' | wc -l; }
blobs() { find "$BERTH_TEST_DIR/data/blobs" -type f | wc -l; }
# Trash is emptied in the background.
until_tidy() { timeout 20 bash -c "until [ -z \"\$(find '$BERTH_TEST_DIR/data/layers' '$BERTH_TEST_DIR/data/trash' -mindepth 1 -maxdepth 1 \( -name '.*' -o -name 'blob-*' \))\" ]; do sleep 0.05; done"; }

@test "rmi right after save leaves no layer" {
    local round
    for round in 1 2 3 4 5 6 7 8; do
        printf 'FROM busybox\nRUN echo %s >/round\n' "$round" | berth build -q -t "app:$round" -
        berth builder prune -af >/dev/null
        berth save "app:$round" >/dev/null
        berth rmi "app:$round" >/dev/null
        until_equal layers 2 # busybox's and the engine's own
        until_equal blobs 3
    done
}

@test "a layer that is removed while a build runs goes when the build has ended" {
    printf 'FROM busybox\nRUN echo 1 >/one\n' | berth build -q -t old:1 -
    berth builder prune -af >/dev/null
    [ "$(layers)" = 3 ]
    printf 'FROM busybox\nRUN --network=none touch /begun; sleep 604; true\n' | berth build --no-cache -q -t new:1 - 3>&- &
    local build=$!
    timeout 20 bash -c "until [ -n \"\$(pgrep -x -f 'sleep 604')\" ]; do sleep 0.05; done"
    berth rmi old:1 >/dev/null
    [ "$(layers)" = 3 ]
    pkill -x -f 'sleep 604'
    wait "$build"
    # The build's own layer took the place of the old one.
    timeout 20 bash -c "until [ \"\$(find '$BERTH_TEST_DIR/data/layers' -mindepth 1 -maxdepth 1 ! -name '.*' | wc -l)\" = 3 ]; do sleep 0.05; done"
    [ "$(berth run --rm --network none new:1 ls /begun)" = /begun ]
}

@test "the space of large layers and blobs comes back, also what an engine that was killed left" {
    printf 'FROM busybox\nRUN head -c 60000000 /dev/urandom >/big\n' | berth build -q -t big:1 -
    berth run --rm --network none big:1 true
    berth builder prune -af >/dev/null
    berth rmi big:1 >/dev/null
    [ "$(layers)" = 2 ]
    until_tidy
    [ "$(du -sm "$BERTH_TEST_DIR/data" | cut -f1)" -lt 40 ]
    head -c 1000000 /dev/zero >"$BERTH_TEST_DIR/data/trash/blob-0123456789abcdef"
    berth_engine_kill
    berth_engine_start
    until_tidy
}
