#!/usr/bin/env bash
# Berth side by side with Debian's Docker and Podman, in one run on one machine: medians of RUNS runs (10), and ratios.
#
#   bench/run.sh [--json FILE] [NAME ...]        NAME is a bench (run, pull) or a topic (start, images); all without one
#   bench/run.sh --list                          the names
#
# Everything lives in a scratch folder and in namespaces of its own; nothing stays. Each bench removes what it made.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
cd "$here/.."
if [ "${1:-}" = --list ]; then
    sed -n 's|^bench_\([a-z_]*\)() { *# \(.*\)|  \1\t\2|p' bench/topics/*.sh | expand -t 20
    exit
fi
if [ -z "${BERTH_BENCH_INSIDE:-}" ]; then
    export BERTH_BENCH_INSIDE=1
    exec unshare --net --mount --pid --fork --mount-proc --kill-child=TERM -- bash "$0" "$@"
fi
json_file=
if [ "${1:-}" = --json ]; then
    json_file=$(realpath -m "${2:?--json needs a file}")
    shift 2
fi
. bench/lib.sh
for topic in "$here"/topics/*.sh; do . "$topic"; done

# A topic stands for its benches.
wanted=()
for name in "$@"; do
    if [ -f "bench/topics/$name.sh" ]; then
        mapfile -t -O "${#wanted[@]}" wanted < <(sed -n 's/^bench_\([a-z_]*\)() {.*/\1/p' "bench/topics/$name.sh")
    elif declare -F "bench_$name" >/dev/null; then
        wanted+=("$name")
    else
        echo "bench: there is no bench or topic '$name'; bench/run.sh --list names them" >&2
        exit 2
    fi
done
if [ ${#wanted[@]} -eq 0 ]; then
    for topic in memory start many build compose images files registry; do
        mapfile -t -O "${#wanted[@]}" wanted < <(sed -n 's/^bench_\([a-z_]*\)() {.*/\1/p' "bench/topics/$topic.sh")
    done
fi
start_engines
load_images
heading
for name in "${wanted[@]}"; do "bench_$name" || echo "bench: $name broke off" >&2; done
[ -z "$json_file" ] || jq -s . "$work/rows.json" >"$json_file"
