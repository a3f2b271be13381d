#!/usr/bin/env bash
# The main job, end to end: builds, ships and runs examples/focus, and prints what each step took.
#
#   ./dev demo [--keep]        (--keep leaves the working folder for a look)
#
# Every step checks what it did; the first thing that is not as it should be ends the run with status 1.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
export BERTH_BIN=$PWD/build/release/bin
export PATH=$BERTH_BIN:$PATH
source tests/lib/berth.bash
keep=
[ "${1:-}" != --keep ] || keep=1
ADDRESS=127.0.0.1
PORT=${FOCUS_PORT:-8080}
REGISTRY=127.0.0.1:${FOCUS_REGISTRY_PORT:-5001}
URL=http://$ADDRESS:$PORT
export FOCUS_PORT=$PORT
# The data root must not lie on a tmpfs or an overlay, which cannot carry an overlay of its own.
BERTH_TEST_DIR=$(mktemp -d "${BERTH_DEMO_DIR:-/var/tmp}/berth-demo.XXXXXX")
export BERTH_TEST_DIR
report=$BERTH_TEST_DIR/report
log=$BERTH_TEST_DIR/log
project=$BERTH_TEST_DIR/focus
host_ca=()
registry_pid=

fail() {
    echo "demo: $*" >&2
    echo "--- the last lines of $log" >&2
    tail -40 "$log" >&2
    exit 1
}
current=
finish() {
    local status=$?
    if [ -n "$current" ]; then
        echo "demo: step $step_number ($current) went wrong; the last lines of $log:" >&2
        tail -40 "$log" >&2
    fi
    [ -z "$registry_pid" ] || kill "$registry_pid" 2>/dev/null || true
    [ -z "${load_pid:-}" ] || kill "$load_pid" 2>/dev/null || true
    berth_engine_stop 2>/dev/null || true
    if [ -z "$keep" ] && [ $status -eq 0 ]; then rm -rf "$BERTH_TEST_DIR"; else echo "demo: left in $BERTH_TEST_DIR" >&2; fi
}
trap finish EXIT

now_ms() { echo $(($(date +%s%N) / 1000000)); }
disk() { du -sh --apparent-size "$1" 2>/dev/null | cut -f1; }
step_number=0
step() { # name function: runs it, and notes its time
    step_number=$((step_number + 1))
    printf '%d. %s\n' "$step_number" "$1" >&2
    local start size
    start=$(now_ms)
    size=
    current=$1
    # Called plainly: behind "||" the shell would go on after a failing check.
    "$2" >>"$log" 2>&1
    current=
    printf '%d. %-58s %8d ms   %s\n' "$step_number" "$1" $(($(now_ms) - start)) "${size:-}" >>"$report"
}
get() { curl -fsS --max-time 10 "$URL$1"; }
until_true() { # seconds command...
    local deadline=$(($(date +%s) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}
compose() { (cd "$project" && berth compose "${host_ca_compose[@]}" "$@"); }
id_of() { berth inspect -f '{{.Id}}' "focus-$1-1"; }
image_digest() { berth image inspect -f '{{index .RepoDigests 0}}' "$1"; }

# Machines behind an inspecting proxy have certificates of their own.
host_ca_compose=()
if compgen -G '/usr/local/share/ca-certificates/*' >/dev/null; then host_ca=(--host-ca); fi

images=(focus/node:18 focus/postgres:15 focus/redis:7 focus/api:latest focus/worker:latest focus/migrate:latest)

bootstrap() {
    berth image bootstrap debian:bookworm
    size=$(berth images --format '{{.Size}}' debian:bookworm)
}
build_images() {
    cp -r examples/focus "$project"
    local app=$project/app
    berth build "${host_ca[@]}" -t focus/node:18 "$project/node"
    berth build "${host_ca[@]}" -t focus/postgres:15 "$project/postgres"
    berth build "${host_ca[@]}" -t focus/redis:7 "$project/redis"
    berth build "${host_ca[@]}" -t focus/api:latest --target api "$app"
    berth build "${host_ca[@]}" -t focus/worker:latest --target worker "$app"
    berth build "${host_ca[@]}" -t focus/migrate:latest --target migrate "$app"
    size="$(disk "$BERTH_TEST_DIR/data") in the data root"
}
push_images() {
    berth-registry --addr "$REGISTRY" --root "$BERTH_TEST_DIR/registry" &
    registry_pid=$!
    until_true 10 curl -fs "http://$REGISTRY/v2/"
    for image in "${images[@]}"; do
        berth tag "$image" "$REGISTRY/$image"
        berth push "$REGISTRY/$image"
    done
    size="$(disk "$BERTH_TEST_DIR/registry") in the registry"
}
pull_elsewhere() {
    local other=$BERTH_TEST_DIR/other image digest
    mkdir -p "$other"
    berthd --data-root "$other/data" --exec-root "$other/run" -H "unix://$other/berth.sock" >>"$other/engine.log" 2>&1 &
    local engine=$!
    until_true 10 berth -H "unix://$other/berth.sock" version
    for image in "${images[@]}"; do
        digest=$(berth image inspect -f '{{range .RepoDigests}}{{println .}}{{end}}' "$REGISTRY/$image" | grep "^$REGISTRY/" | head -1)
        berth -H "unix://$other/berth.sock" pull "$digest"
        [ "$(berth -H "unix://$other/berth.sock" image inspect -f '{{.Id}}' "$digest")" = "$(berth image inspect -f '{{.Id}}' "$image")" ]
    done
    digest=$(berth image inspect -f '{{range .RepoDigests}}{{println .}}{{end}}' "$REGISTRY/focus/node:18" | grep "^$REGISTRY/" | head -1)
    berth -H "unix://$other/berth.sock" run --rm "$digest" node --version | grep '^v18'
    size="$(disk "$other/data") in the second data root"
    kill -TERM $engine
    wait $engine || true
}
bring_up() {
    compose up -d --wait
    size="$(compose ps -q | wc -l) containers"
}
use_it() {
    get / | grep 'one session at a time'
    local i
    for i in 1 2 3; do
        curl -fsS -d "{\"habit\": \"reading\", \"minutes\": $((i * 10))}" "$URL/sessions"
    done
    get /sessions | jq -e 'length == 3'
    until_true 15 bash -c "curl -fsS $URL/habits/reading | jq -e '.sessions == 3 and .minutes == 60'"
    # The database is out of reach of the front network and of the host's published ports.
    [ -z "$(berth port focus-db-1)" ]
    size='3 sessions through API, Redis, worker and PostgreSQL'
}
load() { # requests until told to stop; counts what failed
    local good=0 bad=0
    while [ ! -e "$BERTH_TEST_DIR/stop-load" ]; do
        if curl -fsS --max-time 5 -o /dev/null "$URL/sessions"; then good=$((good + 1)); else bad=$((bad + 1)); fi
    done
    echo "$good $bad" >"$BERTH_TEST_DIR/load"
}
kill_engine() {
    local before after
    before=$(berth ps --format '{{.Names}}' | sort)
    load &
    load_pid=$!
    sleep 0.5
    berth_engine_kill
    sleep 2
    curl -fsS -d '{"habit": "writing", "minutes": 5}' "$URL/sessions"
    berth_engine_start "${engine_flags[@]}"
    sleep 0.5
    touch "$BERTH_TEST_DIR/stop-load"
    wait $load_pid
    load_pid=
    local good bad
    read -r good bad <"$BERTH_TEST_DIR/load"
    echo "$good requests went well, $bad failed"
    [ "$bad" -eq 0 ]
    [ "$good" -gt 20 ]
    after=$(berth ps --format '{{.Names}}' | sort)
    [ "$before" = "$after" ]
    [ "$(berth ps --filter health=healthy -q | wc -l)" -eq 4 ]
    berth logs focus-api-1 | grep listening
    berth exec focus-api-1 node -e 'console.log(6 * 7)' | grep -x 42
    until_true 15 bash -c "curl -fsS $URL/habits/writing | jq -e '.sessions == 1'"
    size="$good requests, $bad failed"
}
change_api() {
    local db api worker
    db=$(id_of db) api=$(id_of api) worker=$(id_of worker)
    sed -i 's/one session at a time/one session after another/' "$project/app/api/main.ts"
    compose up -d --wait --build
    get / | grep 'one session after another'
    [ "$(id_of db)" = "$db" ]
    [ "$(id_of worker)" = "$worker" ]
    [ "$(id_of api)" != "$api" ]
    get /sessions | jq -e 'length == 4'
    size='only the API was replaced'
}
take_down() {
    compose down -v
    [ -z "$(berth ps -aq)" ]
    [ -z "$(berth volume ls -q)" ]
    kill "$registry_pid"
    wait "$registry_pid" || true
    registry_pid=
    berth_engine_halt
    local link
    for link in $(ip -o link | awk -F': ' '{print $2}' | grep -E '^berth' | sed 's/@.*//'); do ip link delete "$link"; done
    nft list tables | awk '/inet berth/ {print $2, $3}' | while read -r family table; do nft delete table "$family" "$table"; done
    berth_state >"$BERTH_TEST_DIR/state-after"
    diff "$BERTH_TEST_DIR/state-before" "$BERTH_TEST_DIR/state-after"
    size='nothing left'
}

berth_state >"$BERTH_TEST_DIR/state-before"
engine_flags=("${host_ca[@]}")
berth_engine_start "${engine_flags[@]}" || fail 'the engine does not start'
printf 'the main job: examples/focus\n' >"$report"
begin=$(now_ms)
step 'bootstrap debian:bookworm from packages' bootstrap
step 'build the images' build_images
step 'push them to berth-registry' push_images
step 'pull them by digest into an empty data root' pull_elsewhere
step 'compose up -d --wait' bring_up
step 'real requests' use_it
step 'kill -9 the engine under requests, restart it' kill_engine
step 'change one line, compose up --build' change_api
step 'compose down -v, leak audit' take_down
printf 'all of it %61d ms\n' $(($(now_ms) - begin)) >>"$report"
cat "$report"
