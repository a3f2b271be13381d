# What the benches share: engines of the bench's own, one small image for all, medians, the table.
# Sourced by run.sh inside namespaces of its own.

BIN=${BERTH_BIN:-$PWD/build/release/bin}
RUNS=${RUNS:-10}
export PATH=$BIN:$PATH
ip link set lo up
# crun, and podman with it, refuses v1 hierarchies beside a v2 one that has a controller: then all contestants get v1 alone.
if [ -d /sys/fs/cgroup/memory ] && grep -q . /sys/fs/cgroup/unified/cgroup.controllers 2>/dev/null; then umount /sys/fs/cgroup/unified; fi
work=$(mktemp -d "${BENCH_DIR:-/var/tmp}/berth-bench.XXXXXX")
: >"$work/rows.json"
declare -A pids=()

cleanup() {
    local name ids
    ids=$(berth ps -aq 2>/dev/null) && [ -n "$ids" ] && berth rm -f $ids >/dev/null 2>&1
    if has docker; then
        ids=$(docker_peer ps -aq 2>/dev/null) && [ -n "$ids" ] && docker_peer rm -f $ids >/dev/null 2>&1
    fi
    for name in "$work"/registry-*.pid; do [ ! -f "$name" ] || kill "$(cat "$name")" 2>/dev/null; done
    for name in "${!pids[@]}"; do kill "${pids[$name]}" 2>/dev/null; done
    wait "${pids[@]}" 2>/dev/null
    awk -v at="$work/" 'index($5, at) == 1 {print $5}' /proc/self/mountinfo | sort -r | xargs -r umount -l 2>/dev/null
    rmdir /sys/fs/cgroup/*/"$(basename "$work")" /sys/fs/cgroup/"$(basename "$work")" 2>/dev/null
    rm -rf --one-file-system "$work"
}
trap 'set +e; cleanup' EXIT
trap 'exit 143' TERM INT HUP

wait_for() { # command...: until it succeeds, 20 s at most
    local i
    for i in $(seq 400); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
    echo "bench: gave up waiting for: $*" >&2
    return 1
}

# Debian's client for Debian's engine, whatever else is on PATH.
docker_client=/usr/bin/docker
[ -x $docker_client ] || docker_client=docker
DOCKER="$docker_client -H unix://$work/docker.sock"
PODMAN="podman --root $work/podman --runroot $work/podman-run --tmpdir $work/podman-tmp --cgroup-manager cgroupfs --events-backend none"
docker_peer() { DOCKER_BUILDKIT=0 $DOCKER "$@"; }
podman_peer() { $PODMAN "$@"; }
has() { case $1 in docker) [ -n "${pids[dockerd]:-}" ] ;; podman) command -v podman >/dev/null && [ -z "${NO_PODMAN:-}" ] ;; esac; }

start_engines() {
    # Its cgroups get a parent of their own, as they are the one thing that no namespace keeps apart.
    berthd --data-root "$work/berth" --exec-root "$work/berth-run" -H "unix://$work/berth.sock" \
        --cgroup-parent "$(basename "$work")" >"$work/berthd.log" 2>&1 &
    pids[berthd]=$!
    export BERTH_HOST=unix://$work/berth.sock
    wait_for berth version
    engine_at_rest=$(resident_kib "${pids[berthd]}")
    if [ -x "$(command -v dockerd)" ] && [ -z "${NO_DOCKER:-}" ]; then
        /usr/sbin/dockerd --data-root "$work/docker" --exec-root "$work/docker-run" -H "unix://$work/docker.sock" -p "$work/docker.pid" \
            --insecure-registry 127.0.0.1/32 >"$work/dockerd.log" 2>&1 &
        pids[dockerd]=$!
        wait_for docker_peer version || { tail -5 "$work/dockerd.log" >&2; unset "pids[dockerd]"; }
    fi
}

# The same image for all three: one static program under several names, in one layer.
load_images() {
    local root=$work/busybox
    mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/data"
    cp /bin/busybox "$root/bin/"
    for applet in sh true sleep cat echo wget nc httpd tar; do ln -sf busybox "$root/bin/$applet"; done
    echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
    tar -C "$root" -cf "$work/busybox.tar" .
    berth import -c 'CMD ["sh"]' "$work/busybox.tar" bench:latest >/dev/null
    ! has docker || docker_peer import -c 'CMD ["sh"]' "$work/busybox.tar" bench:latest >/dev/null
    ! has podman || podman_peer import -q -c 'CMD=["sh"]' "$work/busybox.tar" localhost/bench:latest >/dev/null
}

# Median seconds of a command (no shell around it) over RUNS runs after two warm-ups; more options for hyperfine may follow.
median() { # COMMAND [OPTION...]
    hyperfine -N --style none --warmup 2 --runs "$RUNS" --export-json "$work/h.json" "${@:2}" "$1" >/dev/null 2>"$work/h.err" ||
        { echo "bench: $1: $(tail -3 "$work/h.err")" >&2; echo nan; return; }
    jq -r '.results[0].median' "$work/h.json"
}

# Median seconds of a function or command over COUNT runs, with PREPARE before each.
median_of() { # COUNT PREPARE COMMAND...
    local count=$1 prepare=$2 i start end
    shift 2
    for i in $(seq "$count"); do
        "$prepare" >/dev/null 2>&1 </dev/null || true
        start=$EPOCHREALTIME
        "$@" >/dev/null 2>"$work/m.err" </dev/null || { echo "bench: $*: $(tail -3 "$work/m.err")" >&2; echo nan; return; }
        end=$EPOCHREALTIME
        echo $(((${end/./} - ${start/./})))
    done | sort -n | awk '{v[NR] = $1} $1 == "nan" {print "nan"; bad = 1; exit}
        END {if (!bad) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 / 1e6}'
}
nothing() { :; }

heading() { printf '%-40s %12s %12s %8s %12s %8s  %s\n' "median of $RUNS" Berth Docker ratio Podman ratio goal; }

# One line of the table, and one of the JSON: seconds each, nan for what is absent.
row() { # NAME BERTH DOCKER PODMAN [GOAL]
    awk -v n="$1" -v b="$2" -v d="$3" -v p="$4" -v g="${5:-}" '
        function t(x) { return x == "nan" ? "-" : x >= 10 ? sprintf("%.1f s", x) : x >= 1 ? sprintf("%.2f s", x) : sprintf("%.1f ms", x * 1000) }
        function r(x) { return x == "nan" || b == "nan" || b == 0 ? "-" : sprintf("%.1fx", x / b) }
        BEGIN { printf "%-40s %12s %12s %8s %12s %8s  %s\n", n, t(b), t(d), r(d), t(p), r(p), g }'
    jq -cn --arg name "$1" --arg berth "$2" --arg docker "$3" --arg podman "$4" --arg goal "${5:-}" \
        'def n: if . == "nan" then null else tonumber end; {name: $name, unit: "s", berth: ($berth | n), docker: ($docker | n), podman: ($podman | n), goal: $goal}' >>"$work/rows.json"
}

# A line of another kind: a value with its unit, beside what it is compared with.
fact() { # NAME VALUE UNIT GOAL [OTHER-NAME OTHER-VALUE]...
    local name=$1 value=$2 unit=$3 goal=$4 others=
    shift 4
    while [ $# -gt 1 ]; do others+="${others:+, }$1 $2 $unit"; shift 2; done
    printf '%-40s %12s %-40s  %s\n' "$name" "$value $unit" "${others:+($others)}" "$goal"
    jq -cn --arg name "$name" --arg value "$value" --arg unit "$unit" --arg goal "$goal" --arg others "$others" \
        '{name: $name, unit: $unit, berth: ($value | tonumber? // $value), others: $others, goal: $goal}' >>"$work/rows.json"
}

resident_kib() { awk '/^Rss:/ {print $2}' "/proc/$1/smaps_rollup"; }
private_kib() { awk '/^Private/ {s += $2} END {print s}' "/proc/$1/smaps_rollup"; }
share_kib() { awk '/^Pss:/ {print $2}' "/proc/$1/smaps_rollup"; } # pages in common counted in parts
shims() { pgrep -f "^berth-shim $work/" || true; } # only this bench's

# A registry of Debian's or of ours at an address, with its blobs in the scratch folder.
start_registry() { # docker|berth ADDRESS
    mkdir -p "$work/registry-$1"
    if [ "$1" = docker ]; then
        printf 'version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\nhttp: {addr: "%s"}\n' \
            "$work/registry-docker" "$2" >"$work/registry.yml"
        docker-registry serve "$work/registry.yml" >/dev/null 2>&1 &
    else
        berth-registry --addr "$2" --root "$work/registry-berth" >"$work/registry-berth.log" 2>&1 &
    fi
    echo $! >"$work/registry-$1.pid" # in a file, as a preparation that runs in a subshell may start it anew
    wait_for curl -fs "http://$2/v2/"
}
stop_registry() { # docker|berth
    local pid
    pid=$(cat "$work/registry-$1.pid")
    kill "$pid" 2>/dev/null || true
    while [ -e "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.02; done
    rm -rf "$work/registry-$1" "$work/registry-$1.pid"
}
