#!/usr/bin/env bash
# The main job, end to end: builds, ships and runs examples/focus, and prints what each step took.
#
#   ./dev demo [--keep] [--peers]
#
# --keep leaves the working folder for a look; --peers lets Debian's docker and docker-compose do parts of it, too.
#
# Every step checks what it did; the first thing that is not as it should be ends the run with status 1.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
export BERTH_BIN=$PWD/build/release/bin
export PATH=$BERTH_BIN:$PATH
source tests/lib/berth.bash
keep= peers=
for option in "$@"; do
    case $option in
        --keep) keep=1 ;;
        --peers) peers=1 ;;
        *) echo "demo: unknown option $option" >&2; exit 125 ;;
    esac
done
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
    # The step that ends the run has its output in the log.
    exec >&8 2>&9
    if [ -n "$current" ]; then
        echo "demo: step $step_number ($current) went wrong; the last lines of $log:" >&2
        tail -40 "$log" >&2
        cat "$report"
    fi
    [ -z "$registry_pid" ] || kill "$registry_pid" 2>/dev/null || true
    [ -z "${load_pid:-}" ] || kill "$load_pid" 2>/dev/null || true
    berth_engine_stop 2>/dev/null || true
    rmdir /sys/fs/cgroup/*/"$BERTH_CGROUP" /sys/fs/cgroup/"$BERTH_CGROUP" 2>/dev/null || true
    if [ -z "$keep" ] && [ $status -eq 0 ]; then rm -rf "$BERTH_TEST_DIR"; else echo "demo: left in $BERTH_TEST_DIR" >&2; fi
}
exec 8>&1 9>&2
trap finish EXIT

now_ms() { echo $(($(date +%s%N) / 1000000)); }
# Files that go while du looks are no failure.
disk() { { du -sh --apparent-size "$1" 2>/dev/null || true; } | cut -f1; }
step_number=0
step() { # name function: runs it, and notes its time
    step_number=$((step_number + 1))
    measured "$step_number." "$@"
}
measured() { # number name function
    local number=$1
    shift
    printf '%s %s\n' "$number" "$1" >&2
    local start size
    start=$(now_ms)
    size=
    current=$1
    # Called plainly: behind "||" the shell would go on after a failing check.
    "$2" >>"$log" 2>&1
    current=
    printf '%s %-58s %8d ms   %s\n' "$number" "$1" $(($(now_ms) - start)) "${size:-}" >>"$report"
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
    berth-registry --addr "$REGISTRY" --root "$BERTH_TEST_DIR/registry" 8>&- 9>&- &
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
    berthd --data-root "$other/data" --exec-root "$other/run" -H "unix://$other/berth.sock" >>"$other/engine.log" 2>&1 8>&- 9>&- &
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
    # The database is out of reach of the front network, by name and by address, and of the host's published ports.
    [ -z "$(berth port focus-db-1)" ]
    local address
    address=$(berth inspect -f '{{.NetworkSettings.Networks.focus_back.IPAddress}}' focus-db-1)
    reaches back db
    reaches back "$address"
    ! reaches front db
    ! reaches front "$address"
    size='3 sessions through API, Redis, worker and PostgreSQL'
}
reaches() { # network host: whether a container in that network of the project can connect to PostgreSQL there
    berth run --rm --network "focus_$1" debian:bookworm timeout 2 bash -c "</dev/tcp/$2/5432"
}
load() { # requests until told to stop; counts what failed
    local good=0 bad=0
    while [ ! -e "$BERTH_TEST_DIR/stop-load" ]; do
        if curl -fsS --max-time 5 -o /dev/null "$URL/sessions"; then good=$((good + 1)); else bad=$((bad + 1)); fi
    done
    echo "$good $bad" >"$BERTH_TEST_DIR/load"
}
all_healthy() { [ "$(berth ps --filter health=healthy -q | wc -l)" -eq 4 ]; }
kill_engine() {
    local before after
    before=$(berth ps --format '{{.Names}}' | sort)
    load &
    load_pid=$!
    sleep 0.5
    berth_engine_kill
    sleep 2
    curl -fsS -d '{"habit": "writing", "minutes": 5}' "$URL/sessions"
    berth_engine_start "${engine_flags[@]}" 8>&- 9>&-
    sleep 0.5
    touch "$BERTH_TEST_DIR/stop-load"
    wait $load_pid
    load_pid=
    local good bad
    read -r good bad <"$BERTH_TEST_DIR/load"
    echo "$good requests went well, $bad failed"
    [ "$bad" -eq 0 ]
    [ "$good" -gt 5 ]
    after=$(berth ps --format '{{.Names}}' | sort)
    [ "$before" = "$after" ]
    until_true 20 all_healthy
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
# With no container, image, build step, network or volume left in the database, the data root must hold what it held before
# the first step: a file that no row had named would still be there. The logs of the latest builds stay, a bounded number.
data_files() { (cd "$BERTH_TEST_DIR/data" && find . \( ! -type d -o -path './*/*' \) ! -path './berth.db*' ! -path './builds/*' | sort); }
no_stray_file() {
    data_files >"$BERTH_TEST_DIR/files-after"
    diff "$BERTH_TEST_DIR/files-before" "$BERTH_TEST_DIR/files-after" >"$BERTH_TEST_DIR/stray"
}
data_root_is_empty() {
    berth images -aq | sort -u | xargs -r berth rmi -f
    berth builder prune -a -f
    [ -z "$(berth images -aq)" ]
    # What was removed lies in the trash until it is unlinked in the background.
    until_true 20 no_stray_file && return 0
    echo 'files that no row names (>) or that are lost (<):'
    cat "$BERTH_TEST_DIR/stray"
    return 1
}
# The audit looks, and cleans nothing up. What ends by itself behind the engine (the last shim's namespaces) gets a moment.
host_is_clean() {
    local tries
    for tries in $(seq 300); do
        berth_state >"$BERTH_TEST_DIR/state-after"
        diff "$BERTH_TEST_DIR/state-before" "$BERTH_TEST_DIR/state-after" >"$BERTH_TEST_DIR/leaks" && return 0
        sleep 0.05
    done
    echo 'left behind (>) or lost (<):'
    cat "$BERTH_TEST_DIR/leaks"
    return 1
}
docker_builds() {
    local app=$project/app target
    for target in node postgres redis; do docker_builds_the_same "$project/$target" "$(image_of $target)"; done
    for target in api worker migrate; do docker_builds_the_same "$app" "focus/$target:latest" --target "$target"; done
    stock_docker build --no-cache -t focus/api:docker --target api "$app"
    [ "$(stock_docker run --rm focus/api:docker node -p '6 * 7')" = 42 ]
    stock_docker rmi focus/api:docker
    size='all six, and the API without cache'
}
image_of() { printf '%s\n' "${images[@]}" | grep "/$1:"; }
docker_builds_the_same() { # context image options...
    local context=$1 image=$2 before
    shift 2
    before=$(berth image inspect -f '{{.Id}}' "$image")
    stock_docker build -t "$image" "$@" "$context"
    [ "$(berth image inspect -f '{{.Id}}' "$image")" = "$before" ]
}
# The hyphened docker-compose of Debian 12, which talks to the socket through Docker's library for Python.
old_compose() { (cd "$project" && docker-compose -p focus "$@"); }
docker_compose_instead() {
    compose down
    old_compose up -d
    until_true 60 bash -c "curl -fsS $URL/sessions | jq -e 'length == 4'"
    old_compose ps | grep -E 'focus_api_1 .*Up'
    old_compose logs --no-color migrate | grep migrate
    old_compose exec -T redis redis-cli ping | grep -x PONG
    [ "$(old_compose ps -q | wc -l)" -eq 5 ]
    old_compose run --rm admin -Atc 'SELECT count(*) FROM session' | tr -d '\r' | grep -x 4
    old_compose restart worker
    curl -fsS -d '{"habit": "chess", "minutes": 7}' "$URL/sessions"
    until_true 15 bash -c "curl -fsS $URL/habits/chess | jq -e '.sessions == 1'"
    old_compose down
    [ -z "$(berth ps -aq)" ]
    size='the same data, docker-compose 1.29'
}
take_down() {
    compose down -v
    [ -z "$(berth ps -aq)" ]
    [ -z "$(berth volume ls -q)" ]
    data_root_is_empty
    kill "$registry_pid"
    wait "$registry_pid" || true
    registry_pid=
    berth_engine_halt
    host_is_clean
    size='nothing left'
}

berth_state >"$BERTH_TEST_DIR/state-before"
engine_flags=("${host_ca[@]}")
berth_engine_start "${engine_flags[@]}" 8>&- 9>&- || fail 'the engine does not start'
data_files >"$BERTH_TEST_DIR/files-before"
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
if [ -n "$peers" ]; then
    measured '  ' 'the stock docker builds the same images' docker_builds
    measured '  ' "Debian's docker-compose up and down" docker_compose_instead
fi
step 'compose down -v, leak audit' take_down
printf 'all of it %61d ms\n' $(($(now_ms) - begin)) >>"$report"
cat "$report"
