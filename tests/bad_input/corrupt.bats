#!/usr/bin/env bats
# Bytes that changed where they lie: in the store, in a layer's file, in the database, in a registry's storage. Found before they
# are used, told with what to do, repaired by fetching again.
load ../lib/hostile

setup() {
    berth_engine_start
    berth_busybox >/dev/null
    cd "$BATS_TEST_TMPDIR"
}
teardown() {
    # Waited for: the next test's storage takes the same port.
    if [ -n "${STORAGE_PID:-}" ]; then
        kill "$STORAGE_PID"
        wait "$STORAGE_PID" || true
    fi
    berth_engine_stop
    berth_audit
}
flip() { python3 -c 'import sys; f=open(sys.argv[1],"r+b"); f.seek(int(sys.argv[2])); b=f.read(1); f.seek(-1,1); f.write(bytes([b[0]^255]))' "$1" "$2"; }
blob_of() { echo "$BERTH_TEST_DIR/data/blobs/sha256/${1#sha256:}"; }

@test "a flipped byte in manifest, configuration or layer is found, named and repaired by load" {
    berth save -o image.tar busybox
    berth tag busybox same:1
    local id config layer blob
    id=$(berth image inspect -f '{{.Id}}' busybox)
    config=$(jq -r .config.digest "$(blob_of "$id")")
    layer=$(jq -r '.layers[0].digest' "$(blob_of "$id")")
    for blob in "$id" "$config" "$layer"; do
        flip "$(blob_of "$blob")" 40
        fails_with 1 berth save -o damaged.tar busybox
        says "${blob#sha256:}" 'digest'
        [ ! -e damaged.tar ]
        [ "$blob" = "$layer" ] || { fails_with 125 berth run --rm busybox true; says "${blob#sha256:}"; }
        # Other commands live on.
        berth ps >/dev/null
        berth images >/dev/null
        berth system df >/dev/null
        berth load -i image.tar >/dev/null
        still_works
    done
}

@test "a damaged blob is not pushed" {
    "$BERTH_BIN/berth-registry" --addr 127.0.0.1:5196 --root "$BATS_TEST_TMPDIR/store" >registry.log 2>&1 3>&- &
    STORAGE_PID=$!
    until_true 10 bash -c 'exec 9<>/dev/tcp/127.0.0.1/5196' 2>/dev/null
    local id layer
    id=$(berth image inspect -f '{{.Id}}' busybox)
    layer=$(jq -r '.layers[0].digest' "$(blob_of "$id")")
    flip "$(blob_of "$layer")" 1000
    berth tag busybox 127.0.0.1:5196/x:1
    fails_with 1 berth push 127.0.0.1:5196/x:1
    says 'digest'
    [ "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:5196/v2/x/manifests/1)" = 404 ]
}

@test "a blob that went bad in a registry's storage is refused by pull" {
    "$BERTH_BIN/berth-registry" --addr 127.0.0.1:5196 --root "$BATS_TEST_TMPDIR/store" >registry.log 2>&1 3>&- &
    STORAGE_PID=$!
    until_true 10 bash -c 'exec 9<>/dev/tcp/127.0.0.1/5196' 2>/dev/null
    berth tag busybox 127.0.0.1:5196/x:1
    berth push 127.0.0.1:5196/x:1 >/dev/null
    local id layer stored
    id=$(berth image inspect -f '{{.Id}}' busybox)
    layer=$(jq -r '.layers[0].digest' "$(blob_of "$id")")
    stored=$(find store -type f -name "${layer#sha256:}" | head -1)
    [ -n "$stored" ] || stored=$(find store -path "*${layer#sha256:}*" -type f | head -1)
    [ -n "$stored" ]
    flip "$stored" 5000
    berth rmi 127.0.0.1:5196/x:1 busybox >/dev/null
    fails_with 1 berth pull 127.0.0.1:5196/x:1
    says "${layer:7:12}"
    [ -z "$(berth images -q)" ]
    audit_data
    # Mended there, it can be had.
    flip "$stored" 5000
    berth pull -q 127.0.0.1:5196/x:1
    berth run --rm --network none 127.0.0.1:5196/x:1 true
    # A manifest that went bad.
    stored=$(find store -type f -name "${id#sha256:}" | head -1)
    flip "$stored" 30
    berth rmi 127.0.0.1:5196/x:1 >/dev/null
    fails_with 1 berth pull 127.0.0.1:5196/x:1
    [ -z "$(berth images -q)" ]
}

@test "a layer's file that was cut or lost is made again from its blob" {
    local file
    file=$(find "$BERTH_TEST_DIR/data/layers" -type f | head -1)
    berth_engine_halt
    rm -rf "$(dirname "$file")"
    berth_engine_start
    still_works
    file=$(find "$BERTH_TEST_DIR/data/layers" -type f | head -1)
    berth_engine_halt
    truncate -s 4096 "$file"
    berth_engine_start
    still_works || { run berth run --rm busybox true; complain 'a cut layer is not made again'; }
}

@test "a lost blob is told with the way back" {
    berth save -o image.tar busybox
    local id
    id=$(berth image inspect -f '{{.Id}}' busybox)
    berth_engine_halt
    rm "$(blob_of "$id")"
    berth_engine_start
    fails_with 125 berth run --rm --pull never busybox true
    says "${id#sha256:}"
    berth images >/dev/null
    berth load -i image.tar >/dev/null
    still_works
}

@test "a damaged database is refused with its path, and left alone" {
    berth_engine_halt
    local database=$BERTH_TEST_DIR/data/berth.db
    cp "$database" kept.db
    head -c 8192 /dev/urandom | dd of="$database" conv=notrunc status=none
    run timeout 10 "$BERTH_BIN/berthd" --data-root "$BERTH_TEST_DIR/data" --exec-root "$BERTH_TEST_DIR/run" -H "$BERTH_HOST"
    [ "$status" -eq 1 ]
    says 'berth.db'
    cp kept.db "$database"
    rm -f "$database-wal" "$database-shm"
    berth_engine_start
    still_works
}
