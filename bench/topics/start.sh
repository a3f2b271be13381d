# One container at a time: run, exec, stop, and what lies below.

bench_run() { # run --rm of true, with a bridge network and without
    local d=nan p=nan
    has docker && d=$(median "$DOCKER run --rm bench:latest true")
    has podman && p=$(median "$PODMAN run --rm localhost/bench:latest true")
    row 'run --rm true, bridge' "$(median 'berth run --rm bench:latest true')" "$d" "$p" '15x (20x)'
    has docker && d=$(median "$DOCKER run --rm --network none bench:latest true")
    has podman && p=$(median "$PODMAN run --rm --network none localhost/bench:latest true")
    row 'run --rm true, no network' "$(median 'berth run --rm --network none bench:latest true')" "$d" "$p" '< crun, < 4x kernel'
}

bench_runtimes() { # the bare runtimes on one bundle, and a C program that does only the kernel's work
    local bundle=$work/bundle ours crun=- runc=- floor=-
    mkdir -p "$bundle/rootfs" "$work/floor" && tar -C "$bundle/rootfs" -xf "$work/busybox.tar"
    (cd "$bundle" && runc spec && jq '.process.terminal=false | .process.args=["true"] | .linux.resources={}' config.json >c && mv c config.json)
    ms() { awk -v s="$(median "$1")" 'BEGIN { printf "%.1f", s * 1000 }'; }
    [ -z "$(command -v crun)" ] || crun=$(ms "crun --root $work/crun run -b $bundle bench-crun")
    [ -z "$(command -v runc)" ] || runc=$(ms "runc --root $work/runc run -b $bundle bench-runc")
    cc -O2 -static -o "$work/kernel_floor" bench/kernel_floor.c && floor=$(ms "$work/kernel_floor $bundle/rootfs $work/floor /bin/true")
    ours=$(ms "berth-runtime --root $work/rt run -b $bundle bench-berth")
    fact 'bare runtime: run of true' "$ours" ms '' crun "$crun" runc "$runc" 'kernel alone' "$floor"
    fact 'berth version' "$(ms 'berth version')" ms '' 'docker version' "$(has docker && ms "$DOCKER version" || echo -)" 'berth --version' "$(ms 'berth --version')"
    rm -rf "$bundle" "$work/floor"
}

bench_exec() { # exec of true in a running container
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
    row 'exec true' "$b" "$d" "$p" '10x (20x)'
}

# The peers wait their ten seconds: once is enough to know.
bench_stop() { # stop of a container whose first process has no handler
    local d=nan p=nan b
    start_sleeper() { "$1" rm -f bench-stop; "$1" run -d --name bench-stop "$2" sleep 100000; }
    with_berth() { start_sleeper berth bench:latest; }
    with_docker() { start_sleeper docker_peer bench:latest; }
    with_podman() { podman_peer rm -f -t 0 bench-stop; podman_peer run -d --name bench-stop localhost/bench:latest sleep 100000; }
    b=$(median_of "$RUNS" with_berth berth stop bench-stop)
    berth rm -f bench-stop >/dev/null
    has docker && d=$(median_of 1 with_docker docker_peer stop bench-stop) && docker_peer rm -f bench-stop >/dev/null
    has podman && p=$(median_of 1 with_podman podman_peer stop bench-stop) && podman_peer rm -f bench-stop >/dev/null
    row 'stop, no handler' "$b" "$d" "$p" '< 0.2 s'
}
