# What the tests about mistakes, broken things, interruptions and attacks share.
load ../lib/berth

HOSTILE=${BERTH_SOURCE:-$BATS_TEST_DIRNAME/../..}/tests/hostile
export PYTHONDONTWRITEBYTECODE=1

# One engine with a busybox image for all tests of a file:
#   setup_file() { shared_engine_start; }   teardown_file() { shared_engine_stop; }   setup() { shared_engine_join; }
shared_engine_start() {
    berth_engine_start "$@"
    berth_busybox >/dev/null
    declare -p BERTH_TEST_DIR BERTH_ENGINE_PID BERTH_HOST DOCKER_HOST DOCKER_CONFIG BERTH_CGROUP |
        sed 's/^declare -[-x]* /export /' >"$BATS_FILE_TMPDIR/engine"
}
# Every test is a process of its own, and learns the engine from a file.
shared_engine_join() { . "$BATS_FILE_TMPDIR/engine"; }
shared_engine_stop() {
    shared_engine_join
    berth_engine_stop
    berth_audit
}
# Some may be going by themselves meanwhile.
no_container() {
    local ids
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f -v $ids >/dev/null
    [ -z "$(berth ps -aq)" ]
}
remove_containers() { until_true 20 no_container; }

# The output and status of the last `run` are shown when a check fails.
complain() {
    echo "$*" >&2
    echo "status ${status:-?}, output:" >&2
    printf '%s\n' "${output:-}" >&2
    return 1
}

# says TEXT ...: the last output has each of them.
says() {
    local text
    for text in "$@"; do
        [[ $output == *"$text"* ]] || complain "the message lacks: $text" || return 1
    done
}

# fails_with STATUS COMMAND...: runs it, bounded.
fails_with() {
    local wanted=$1
    shift
    run timeout -k 5 120 "$@"
    [ "$status" -eq "$wanted" ] || complain "wanted status $wanted of: $*" || return 1
    # A user never sees the name of an error code, a stack or a memory address.
    [[ $output != *'terminate called'* && $output != *'Assertion'* ]] || complain "an inner error showed"
}

# until_true SECONDS COMMAND...
until_true() {
    local tries=$(($1 * 20))
    shift
    while [ $((tries--)) -gt 0 ]; do
        "$@" && return 0
        sleep 0.05
    done
    echo "never became true: $*" >&2
    return 1
}

# What is in the data root and belongs to nothing: half received blobs, half made layers, roots of builds, trash, directories
# of containers that do not exist. Downloads to be resumed (key-*) are kept on purpose and listed only with "all".
strays() {
    local data=${1:-$BERTH_TEST_DIR/data} id
    (
        cd "$data" || exit
        find ingest -mindepth 1 -name 'new-*' 2>/dev/null
        find layers -mindepth 1 -maxdepth 1 -name '.*' 2>/dev/null
        find tmp/build trash -mindepth 1 -maxdepth 1 2>/dev/null
        find "$BERTH_TEST_DIR/run/steps" -mindepth 1 -maxdepth 1 2>/dev/null
        local known
        known=" $(berth ps -aq --no-trunc 2>/dev/null | tr '\n' ' ') "
        for id in containers/* "$BERTH_TEST_DIR"/run/shims/*; do
            [ -e "$id" ] || continue
            [[ $known == *" ${id##*/} "* ]] || echo "$id"
        done
        find /sys/fs/cgroup -type d -path "*/$BERTH_CGROUP/*" 2>/dev/null | while read -r group; do
            id=${group##*/}
            case $known in *" $id "*) ;; *) echo "$group" ;; esac
        done
    )
}
no_strays() { [ -z "$(strays)" ]; }

# Fails when something is left that belongs to nothing, after a moment for what ends by itself.
audit_data() {
    until_true 30 no_strays && return 0
    echo 'left behind in the data root:' >&2
    strays >&2
    return 1
}

# The engine answers, and the image that setup() made still runs.
still_works() {
    berth version >/dev/null && [ "$(timeout 20 berth run --rm --network none busybox echo works)" = works ]
}

# make_canary: a directory outside of everything the engine owns, with a file that nobody may touch.
make_canary() {
    CANARY=$(mktemp -d /var/tmp/canary.XXXXXX)
    echo precious >"$CANARY/victim"
    chmod 640 "$CANARY/victim"
    mkdir "$CANARY/inner"
    canary_state >"$BATS_TEST_TMPDIR/canary"
}
canary_state() {
    find "$CANARY" -printf '%P %y %m %U:%G %n %s %T@ %l\n' | sort
    cat "$CANARY/victim"
    python3 -c 'import os, sys; print(sorted(os.listxattr(sys.argv[1])))' "$CANARY/victim"
    stat -c '%n %a %u %t:%T' /tmp /etc /dev/null
}
canary_unchanged() {
    canary_state >"$BATS_TEST_TMPDIR/canary-now"
    diff "$BATS_TEST_TMPDIR/canary" "$BATS_TEST_TMPDIR/canary-now" >&2
}

# hostile_registry [PORT]: started, its log in $REGISTRY_LOG.
hostile_registry() {
    REGISTRY_PORT=${1:-5190}
    REGISTRY_LOG=$BATS_TEST_TMPDIR/registry.log
    python3 "$HOSTILE/registry.py" "$REGISTRY_PORT" "$REGISTRY_LOG" >"$BATS_TEST_TMPDIR/registry.out" 2>&1 3>&- &
    REGISTRY_PID=$!
    until_true 10 bash -c "exec 9<>/dev/tcp/127.0.0.1/$REGISTRY_PORT" 2>/dev/null
}
stop_hostile_registry() {
    [ -n "${REGISTRY_PID:-}" ] || return 0
    kill "$REGISTRY_PID" 2>/dev/null || true
    wait "$REGISTRY_PID" 2>/dev/null || true
    REGISTRY_PID=
}

# silent_server PORT: takes connections and says nothing.
silent_server() {
    python3 -c 'import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
time.sleep(600)' "$1" 3>&- &
    SILENT_PID=$!
    until_true 10 bash -c "exec 9<>/dev/tcp/127.0.0.1/$1" 2>/dev/null
}
stop_silent_server() {
    [ -n "${SILENT_PID:-}" ] || return 0
    kill "$SILENT_PID" 2>/dev/null || true
    wait "$SILENT_PID" 2>/dev/null || true
    SILENT_PID=
}
