# One engine for all tests of a file, with a busybox image.
. "$BERTH_SOURCE/tests/lib/berth.bash"

start_engine() {
    berth_engine_start
    berth_busybox >/dev/null
    declare -p BERTH_TEST_DIR BERTH_ENGINE_PID BERTH_HOST DOCKER_HOST DOCKER_CONFIG DOCKER_BUILDKIT | sed 's/^declare -/export -/; s/^export -[-x]* /export /' >"$BATS_FILE_TMPDIR/engine"
}

use_engine() {
    . "$BATS_FILE_TMPDIR/engine"
    cd "$BATS_TEST_TMPDIR" || return 1
}

# Runs a command with a terminal; its output has \r\n line ends.
with_terminal() { script -qec "$*" /dev/null; }
