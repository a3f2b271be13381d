#!/usr/bin/env bats
# Registries that lie, break, refuse or never answer: what was wrong, where, what to do; nothing half pulled is named.
load ../lib/hostile

setup_file() { shared_engine_start; }
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    hostile_registry
    R=127.0.0.1:$REGISTRY_PORT
}
teardown() {
    stop_hostile_registry
    if [ -n "${BERTH_REGISTRY_PID:-}" ]; then
        kill "$BERTH_REGISTRY_PID"
        wait "$BERTH_REGISTRY_PID" || true
    fi
    audit_data && still_works || return
    berth rmi "$R/good:1" >/dev/null 2>&1 || true
    [ -z "$(berth images -q --filter reference="$R/*")" ]
}

# pull_fails MODE TEXT...: status 1, the words, no image.
pull_fails() {
    fails_with 1 berth pull "$R/$1:1"
    says "${@:2}"
    if berth image inspect "$R/$1:1" >/dev/null 2>&1; then return 1; fi
}
pull_works() {
    timeout 60 berth pull -q "$R/$1:1"
    [ "$(berth image inspect -f '{{len .RootFS.Layers}}' "$R/$1:1")" = 2 ]
    berth rmi "$R/$1:1" >/dev/null
    berth system prune -f >/dev/null
}

@test "a connection that breaks again and again is resumed where it broke" {
    pull_works cut
    # Every byte of the layer came once: the requests' ranges go on, each from a later place.
    [ "$(grep -c 'range=bytes=' "$REGISTRY_LOG")" -ge 4 ]
    [ -z "$(grep -oE 'range=bytes=[0-9]+' "$REGISTRY_LOG" | sort | uniq -d)" ]
    pull_works cut-stubborn
}

@test "a connection that always breaks at the same place ends in a clear message, and bytes are kept for the next try" {
    pull_fails cut-always "$R" 'of 3'
    [ "$(find "$BERTH_TEST_DIR/data/ingest" -name 'key-*' -size +0 | wc -l)" -eq 1 ]
    # The same blob from elsewhere goes on from there.
    : >"$REGISTRY_LOG"
    timeout 60 berth pull -q "$R/good:1"
    grep -q 'range=bytes=65536-' "$REGISTRY_LOG"
    [ -z "$(find "$BERTH_TEST_DIR/data/ingest" -type f)" ]
    berth create --name whole "$R/good:1" >/dev/null
    [ "$(berth cp whole:/big - | tar -xO | wc -c)" -eq $((3 << 20)) ]
    berth rm whole
}

@test "what is kept of a broken download goes with a prune" {
    pull_fails cut-always "$R"
    [ -n "$(find "$BERTH_TEST_DIR/data/ingest" -name 'key-*')" ]
    berth system prune -f
    [ -z "$(find "$BERTH_TEST_DIR/data/ingest" -type f)" ]
}

@test "answers that are no manifests" {
    pull_fails garbage 'text/html' "$R"
    pull_fails no-json 'manifest' "$R"
    pull_fails lying-digest 'digest'
    pull_fails both 'manifest'
    pull_fails bad-digest 'digest'
    pull_fails huge 'large'
    pull_fails many 'larger than'
}

@test "layers that are not what was promised" {
    pull_fails wrong-blob 'digest' 'instead of'
    pull_fails long-blob 'more'
    pull_fails short-blob 'of 3'
    # Nothing of it is kept: an honest registry's copy is taken afresh.
    pull_works good
}

@test "error statuses are told with the status and the registry's name" {
    pull_fails error-500 '500' "$R"
    pull_fails error-503 '503' "$R"
    pull_fails error-429 'too many requests' "$R"
    pull_fails error-403 'denied' "$R"
    pull_fails error-404 'not found' "$R"
}

@test "a server error now and then, and a request to wait, are met with patience" {
    pull_works flaky-500
    SECONDS=0
    pull_works retry-after
    [ "$SECONDS" -ge 1 ]
}

@test "redirects in a circle and out of HTTP end" {
    pull_fails loop 'redirects'
    [ "$(grep -c 'GET /v2/loop/blobs' "$REGISTRY_LOG")" -lt 200 ]
    pull_fails redirect-out 'file'
}

@test "a registry that falls silent can be left with Ctrl-C" {
    env --default-signal=INT berth pull "$R/never:1" >"$BATS_TEST_TMPDIR/out" 2>&1 &
    local pid=$!
    until_true 20 grep -q 'blobs/sha256' "$REGISTRY_LOG"
    sleep 0.3
    kill -INT $pid
    SECONDS=0
    local status=0
    wait $pid || status=$?
    [ "$SECONDS" -lt 20 ]
    [ "$status" -eq 130 ]
    # The layer is free for the next who wants it.
    timeout 60 berth pull -q "$R/good:1"
}

@test "no registry in reach, an unknown host, a port where nobody listens" {
    fails_with 1 berth pull 127.0.0.1:1/x:1
    says '127.0.0.1:1' 'connect'
    fails_with 1 berth pull nosuch.host.invalid/x:1
    says 'nosuch.host.invalid'
    fails_with 1 berth pull nosuchimage:1
    says 'nosuchimage:1' 'berth image bootstrap'
    fails_with 125 berth run --rm nosuchimage:1 true
    says "Unable to find image 'nosuchimage:1' locally"
    fails_with 1 berth pull 'Bad Name'
    says 'Bad Name'
}

@test "pushes that are refused, lost, or sent elsewhere" {
    local mode
    for mode in refuse-push full lost-push no-upload bad-location; do berth tag busybox "$R/$mode:1"; done
    fails_with 1 berth push "$R/refuse-push:1"
    says 'denied' "$R"
    fails_with 1 berth push "$R/full:1"
    says 'no space left on device'
    fails_with 1 berth push "$R/lost-push:1"
    says "$R"
    fails_with 1 berth push "$R/no-upload:1"
    says 'upload'
    fails_with 1 berth push "$R/bad-location:1"
    says '127.0.0.1:1'
    for mode in refuse-push full lost-push no-upload bad-location; do berth rmi "$R/$mode:1" >/dev/null; done
    fails_with 1 berth push "$R/absent:1"
    says 'does not exist locally' "$R/absent"
}

@test "a wrong password, no password, a password for another place" {
    htpasswd -Bbn alice right >"$BATS_TEST_TMPDIR/users"
    "$BERTH_BIN/berth-registry" --addr 127.0.0.1:5191 --root "$BATS_TEST_TMPDIR/store" --htpasswd "$BATS_TEST_TMPDIR/users" \
        >"$BATS_TEST_TMPDIR/berth-registry.log" 2>&1 3>&- &
    BERTH_REGISTRY_PID=$!
    until_true 10 bash -c 'exec 9<>/dev/tcp/127.0.0.1/5191' 2>/dev/null
    fails_with 1 berth login -u alice -p wrong 127.0.0.1:5191
    says '127.0.0.1:5191' 'incorrect username or password'
    [ ! -s "$DOCKER_CONFIG/config.json" ] || ! grep -q 5191 "$DOCKER_CONFIG/config.json"
    berth tag busybox 127.0.0.1:5191/x:1
    fails_with 1 berth push 127.0.0.1:5191/x:1
    says '127.0.0.1:5191' 'no basic auth credentials' 'berth login 127.0.0.1:5191'
    fails_with 1 berth pull 127.0.0.1:5191/x:1
    says 'pull access denied for 127.0.0.1:5191/x' 'docker login'
    echo right | berth login -u alice --password-stdin 127.0.0.1:5191
    berth push 127.0.0.1:5191/x:1
    berth logout 127.0.0.1:5191
    fails_with 1 berth pull 127.0.0.1:5191/x:1
    berth rmi 127.0.0.1:5191/x:1
}
