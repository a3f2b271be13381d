# What the API tests share: one engine for a file, plain HTTP by curl, and the stock docker command.
load ../lib/berth

start_engine() {
    berth_engine_start "$@"
    berth_busybox busybox:latest >/dev/null
    declare -p BERTH_TEST_DIR BERTH_ENGINE_PID BERTH_HOST DOCKER_HOST DOCKER_CONFIG DOCKER_BUILDKIT |
        sed 's/^declare -[-x]* /export /' >"$BATS_FILE_TMPDIR/engine"
}

# In setup(): variables of setup_file() that bats does not hand on.
use_engine() { . "$BATS_FILE_TMPDIR/engine"; }

# api METHOD PATH [curl arguments]: prints the body, then the status on a line of its own.
api() {
    local method=$1 path=$2
    shift 2
    [ "$method" = HEAD ] && set -- -I "$@" || set -- -X "$method" "$@"
    curl -sS --max-time 30 --unix-socket "${BERTH_HOST#unix://}" -w '\n%{http_code}' "$@" "http://berth$path"
}

# status METHOD PATH [curl arguments]: only the status.
status() { api "$@" | tail -n 1; }

# post PATH JSON
post() { api POST "$1" -H 'Content-Type: application/json' -d "$2"; }
