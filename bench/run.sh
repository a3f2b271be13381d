#!/usr/bin/env bash
# Berth side by side with Debian's Docker and Podman, in one run on one machine: medians of RUNS runs, and ratios.
#
#   bench/run.sh [run] [exec] [build] [pull] [compose] [memory]      (all without arguments)
#
# Everything lives in a scratch folder and in network namespaces of its own; nothing stays. RUNS=10 by default.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
BIN=$PWD/build/release/bin
RUNS=${RUNS:-10}
export PATH=$BIN:$PATH
if [ -z "${BERTH_BENCH_INSIDE:-}" ]; then
    export BERTH_BENCH_INSIDE=1
    exec unshare --net --mount --pid --fork --mount-proc --kill-child -- bash "$0" "$@"
fi
ip link set lo up
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-bench.XXXXXX")
rows=$work/rows
declare -A pids
cleanup() {
    for name in "${!pids[@]}"; do kill "${pids[$name]}" 2>/dev/null || true; done
    wait 2>/dev/null || true
    umount -R "$work"/* 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

wait_for() { # command...: until it succeeds, 20 s at most
    local i
    for i in $(seq 200); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done
    echo "bench: gave up waiting for: $*" >&2
    return 1
}

start_engines() {
    berthd --data-root "$work/berth" --exec-root "$work/berth-run" -H "unix://$work/berth.sock" >"$work/berthd.log" 2>&1 &
    pids[berthd]=$!
    export BERTH_HOST=unix://$work/berth.sock
    wait_for berth version
    if command -v dockerd >/dev/null; then
        dockerd --data-root "$work/docker" --exec-root "$work/docker-run" -H "unix://$work/docker.sock" -p "$work/docker.pid" \
            --insecure-registry 127.0.0.1:5055 >"$work/dockerd.log" 2>&1 &
        pids[dockerd]=$!
        wait_for docker_peer version || { tail -5 "$work/dockerd.log" >&2; unset "pids[dockerd]"; }
    fi
}
docker_peer() { DOCKER_BUILDKIT=${PEER_BUILDKIT:-0} docker -H "unix://$work/docker.sock" "$@"; }
podman_peer() { podman --root "$work/podman" --runroot "$work/podman-run" --tmpdir "$work/podman-tmp" --cgroup-manager cgroupfs --events-backend none "$@"; }
has() { case $1 in docker) [ -n "${pids[dockerd]:-}" ];; podman) command -v podman >/dev/null;; *) true;; esac; }
DOCKER="docker -H unix://$work/docker.sock"
PODMAN="podman --root $work/podman --runroot $work/podman-run --tmpdir $work/podman-tmp --cgroup-manager cgroupfs --events-backend none"

busybox_tar() {
    local root=$work/busybox
    mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/data"
    cp /bin/busybox "$root/bin/"
    for applet in sh true sleep cat echo wget nc httpd; do ln -sf busybox "$root/bin/$applet"; done
    echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
    tar -C "$root" -cf "$work/busybox.tar" .
}

load_images() {
    busybox_tar
    berth import -c 'CMD ["sh"]' "$work/busybox.tar" bench:latest >/dev/null
    ! has docker || docker_peer import -c 'CMD ["sh"]' "$work/busybox.tar" bench:latest >/dev/null
    ! has podman || podman_peer import -q -c 'CMD=["sh"]' "$work/busybox.tar" localhost/bench:latest >/dev/null
}

median() { # command -> median seconds over RUNS runs after two warm-ups
    hyperfine --style none --warmup 2 --runs "$RUNS" --export-json "$work/h.json" "${@:2}" "$1" >/dev/null 2>"$work/h.err" ||
        { echo "bench: $1 failed: $(tail -3 "$work/h.err")" >&2; echo nan; return; }
    jq -r '.results[0].median' "$work/h.json"
}

row() { # name berth docker podman: seconds each, nan for absent
    awk -v n="$1" -v b="$2" -v d="$3" -v p="$4" 'function ms(x) { return x == "nan" ? "-" : sprintf("%.1f ms", x * 1000) }
        function r(x) { return x == "nan" ? "-" : sprintf("%.1fx", x / b) }
        BEGIN { printf "%-34s %12s %12s %8s %12s %8s\n", n, ms(b), ms(d), r(d), ms(p), r(p) }' | tee -a "$rows"
}

bench_run() {
    local d=nan p=nan
    has docker && d=$(median "$DOCKER run --rm bench:latest true")
    has podman && p=$(median "$PODMAN run --rm localhost/bench:latest true")
    row 'run --rm true, bridge' "$(median 'berth run --rm bench:latest true')" "$d" "$p"
    has docker && d=$(median "$DOCKER run --rm --network none bench:latest true")
    has podman && p=$(median "$PODMAN run --rm --network none localhost/bench:latest true")
    row 'run --rm true, no network' "$(median 'berth run --rm --network none bench:latest true')" "$d" "$p"
    bench_runtimes
}

bench_runtimes() {
    local bundle=$work/bundle crun=nan runc=nan ours
    mkdir -p "$bundle/rootfs" && tar -C "$bundle/rootfs" -xf "$work/busybox.tar"
    (cd "$bundle" && runc spec && jq '.process.terminal=false | .process.args=["true"] | .linux.resources={}' config.json >c && mv c config.json)
    command -v crun >/dev/null && crun=$(median "crun --root $work/crun run -b $bundle bench-crun")
    command -v runc >/dev/null && runc=$(median "runc --root $work/runc run -b $bundle bench-runc")
    ours=$(median "berth-runtime --root $work/rt run -b $bundle bench-berth")
    awk -v b="$ours" -v c="$crun" -v r="$runc" 'BEGIN { printf "%-34s %12s   crun %.1f ms (%.2fx)   runc %.1f ms (%.2fx)\n", "bare runtime, run of true",
        sprintf("%.1f ms", b * 1000), c * 1000, c / b, r * 1000, r / b }' | tee -a "$rows"
}

bench_exec() {
    local d=nan p=nan b
    berth run -d --name bench-exec bench:latest sleep 100000 >/dev/null
    b=$(median 'berth exec bench-exec true')
    berth rm -f bench-exec >/dev/null
    if has docker; then
        docker_peer run -d --name bench-exec bench:latest sleep 100000 >/dev/null
        d=$(median "$DOCKER exec bench-exec true")
        docker_peer rm -f bench-exec >/dev/null
    fi
    if has podman; then
        podman_peer run -d --name bench-exec localhost/bench:latest sleep 100000 >/dev/null
        p=$(median "$PODMAN exec bench-exec true")
        podman_peer rm -f -t 0 bench-exec >/dev/null
    fi
    row 'exec true' "$b" "$d" "$p"
}

bench_build() {
    local context=$work/context d=nan p=nan i
    mkdir -p "$context/src"
    for i in $(seq 50); do echo "file $i" >"$context/src/$i.txt"; done
    printf 'FROM %s\nWORKDIR /app\nCOPY src/ src/\nRUN cat src/*.txt > all.txt\nENV A=1\nRUN echo done\nCMD ["cat", "all.txt"]\n' bench:latest >"$context/Dockerfile"
    sed 's|bench:latest|localhost/bench:latest|' "$context/Dockerfile" >"$context/Containerfile"
    berth build -q -t bench-build "$context" >/dev/null
    has docker && d=$(DOCKER_BUILDKIT=0 median "$DOCKER build -q -t bench-build $context")
    has podman && p=$(median "$PODMAN build -q --layers -f $context/Containerfile -t bench-build $context")
    row 'build, everything cached' "$(median "berth build -q -t bench-build $context")" "$d" "$p"
}

bench_pull() {
    local registry=127.0.0.1:5055 d=nan p=nan b i
    mkdir -p "$work/registry" "$work/big"
    printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\nhttp: {addr: "%s"}\n' "$work/registry" $registry >"$work/registry.yml"
    docker-registry serve "$work/registry.yml" >/dev/null 2>&1 &
    pids[registry]=$!
    wait_for curl -fs http://$registry/v2/
    # 60,000 files of mixed sizes in 6 layers, made of what this machine has so that they compress as programs do.
    make_big_image | berth load >/dev/null
    berth tag bench-big:latest $registry/big:latest
    berth push -q $registry/big:latest >/dev/null
    b=$(median "berth pull -q $registry/big:latest" --runs "${PULL_RUNS:-10}" --warmup 1 --prepare "berth rmi -f $registry/big:latest bench-big:latest; berth image prune -f; sync")
    has docker && d=$(median "$DOCKER pull -q $registry/big:latest" --runs "${PULL_RUNS:-10}" --warmup 1 --prepare "$DOCKER rmi -f $registry/big:latest; sync")
    has podman && p=$(median "$PODMAN pull -q --tls-verify=false $registry/big:latest" --runs 3 --warmup 0 --prepare "$PODMAN rmi -f $registry/big:latest; sync")
    row 'pull, 60,000 files' "$b" "$d" "$p"
    kill "${pids[registry]}"
    unset "pids[registry]"
}

# A docker-archive of six layers on standard output.
make_big_image() { python3 bench/big_image.py "${BIG_FILES:-60000}" "${BIG_MEGABYTES:-800}"; }

bench_compose() {
    local project=$work/project d=nan b
    mkdir -p "$project"
    cat >"$project/compose.yaml" <<'YAML'
version: "2.4"
services:
  a:
    image: bench:latest
    command: sh -c "sleep 0.01; echo ok > /tmp/ready; sleep 100000"
    healthcheck: &check {test: [CMD, cat, /tmp/ready], interval: 1s, retries: 30}
  b:
    image: bench:latest
    command: sh -c "sleep 0.01; echo ok > /tmp/ready; sleep 100000"
    healthcheck: *check
    depends_on: {a: {condition: service_healthy}}
  c:
    image: bench:latest
    command: sh -c "echo ok > /tmp/ready; sleep 100000"
    depends_on: {b: {condition: service_healthy}}
YAML
    b=$(cd "$project" && median 'berth compose up -d' --prepare 'berth compose down -t 0')
    (cd "$project" && berth compose down -t 0 >/dev/null 2>&1)
    if has docker && command -v docker-compose >/dev/null; then
        d=$(cd "$project" && DOCKER_HOST=unix://$work/docker.sock median 'docker-compose up -d' --prepare 'docker-compose down -t 0')
        (cd "$project" && DOCKER_HOST=unix://$work/docker.sock docker-compose down -t 0 >/dev/null 2>&1)
    fi
    row 'compose up, 3 services, healthy' "$b" "$d" nan
}

resident_kib() { awk '/^Rss:/ {print $2}' "/proc/$1/smaps_rollup"; }
private_kib() { awk '/^Private/ {s += $2} END {print s}' "/proc/$1/smaps_rollup"; }

bench_memory() {
    berth run -d --name bench-memory bench:latest sleep 100000 >/dev/null
    local shim
    shim=$(pgrep -x berth-shim | head -1)
    printf '%-34s %s KiB resident, %s KiB private\n' 'memory: shim of one container' "$(resident_kib "$shim")" "$(private_kib "$shim")" | tee -a "$rows"
    printf '%-34s %s KiB resident' 'memory: engine' "$(resident_kib "${pids[berthd]}")" | tee -a "$rows"
    has docker && printf '   (dockerd %s KiB)' "$(resident_kib "${pids[dockerd]}")" | tee -a "$rows"
    echo | tee -a "$rows"
    berth rm -f bench-memory >/dev/null
}

wanted=("$@")
[ ${#wanted[@]} -gt 0 ] || wanted=(memory run exec build compose pull)
start_engines
load_images
printf '%-34s %12s %12s %8s %12s %8s\n' "median of $RUNS" Berth Docker ratio Podman ratio | tee "$rows"
for name in "${wanted[@]}"; do "bench_$name"; done
