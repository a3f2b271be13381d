#!/usr/bin/env bash
# Runs the integration tests: tests/AREA/*.bats with the release binaries, each file in throw-away namespaces.
#
#   tests/run.sh [AREA ...]
#
# A file whose head says "# network: host" stays in the host's network namespace, because it needs the distribution's
# package archive. All others get an empty network namespace with loopback. Every file has its own pid and mount namespace,
# so that whatever a failing test leaves behind ends with the file, and the leak audit sees just what the file made.
# "# limit: SECONDS" in the head is the file's own time limit, else 900.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
export BERTH_BIN=${BERTH_BIN:-$PWD/build/release/bin}
export BERTH_SOURCE=$PWD
export PATH=$BERTH_BIN:$PATH
passed=0 failed=0 skipped=0 broken=()

namespaces_for() {
    local flags=(--mount --pid --fork --mount-proc --kill-child)
    grep -q '^# network: host' "$1" || flags+=(--net)
    printf '%s\n' "${flags[@]}"
}

run_file() {
    local file=$1 log status ok bad limit
    log=$(mktemp)
    mapfile -t flags < <(namespaces_for "$file")
    echo "== $file"
    limit=$(sed -n 's/^# limit: \([0-9]*\)$/\1/p' "$file" | head -n 1)
    timeout --kill-after=10 "${BERTH_TEST_LIMIT:-${limit:-900}}" unshare "${flags[@]}" -- bash -c \
        'ip link set lo up 2>/dev/null; exec bats --tap --timing "$1"' _ "$file" </dev/null 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    ok=$(grep -c '^ok ' "$log")
    bad=$(grep -c '^not ok ' "$log")
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    passed=$((passed + ok)) failed=$((failed + bad))
    skipped=$((skipped + $(grep -c '^ok .* # skip' "$log")))
    [ "$bad" -eq 0 ] || broken+=("$file")
    rm -f "$log"
}

# The area "vm" is a machine of its own, with Debian's kernel: its files run inside. It runs when it is named, as an emulated
# processor takes a quarter of an hour for it.
run_machine() {
    local counts got
    counts=$(mktemp)
    BERTH_COUNTS=$counts bash tests/vm/run.sh || broken+=("vm")
    mapfile -t got <"$counts"
    passed=$((passed + ${got[0]:-0})) failed=$((failed + ${got[1]:-1}))
    rm -f "$counts"
}

areas=("$@")
[ ${#areas[@]} -gt 0 ] || mapfile -t areas < <(find tests -mindepth 2 -name '*.bats' -printf '%h\n' | sort -u | sed 's|^tests/||' | grep -v '^vm/')
for area in "${areas[@]}"; do
    [ "$area" != vm ] || { run_machine; continue; }
    for file in tests/"${area%.bats}"/*.bats tests/"$area"; do
        [ -f "$file" ] && run_file "$file"
    done
done
[ ${#broken[@]} -eq 0 ] || printf 'failed: %s\n' "${broken[@]}"
[ -z "${BERTH_COUNTS:-}" ] || printf '%d\n%d\n' "$passed" "$failed" >"$BERTH_COUNTS"
[ "$skipped" -eq 0 ] || echo "($skipped of the passed were skipped; each says why)"
echo "integration: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
