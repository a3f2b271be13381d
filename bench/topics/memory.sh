# What an engine at rest and one container cost in memory.

bench_memory() { # resident memory of the engine at rest and of one container's shim
    local shim_of_one with
    fact 'memory: idle engine' "$(resident_kib "${pids[berthd]}")" KiB '< 30 MB (20 MB)' \
        dockerd "$(has docker && resident_kib "${pids[dockerd]}" || echo -)" \
        containerd "$(has docker && resident_kib "$(pgrep -P "${pids[dockerd]}" -x containerd)" || echo -)"
    berth run -d --name bench-memory bench:latest sleep 100000 >/dev/null
    sleep 2 # a second after the start, the shim gives back the pages that only the start needed
    shim_of_one=$(shims | head -1)
    with=()
    if has docker; then
        docker_peer run -d --name bench-memory bench:latest sleep 100000 >/dev/null
        with+=(containerd-shim "$(resident_kib "$(pgrep -f "containerd-shim-runc-v2.*$work" | head -1)")")
        docker_peer rm -f bench-memory >/dev/null
    fi
    if has podman; then
        podman_peer run -d --name bench-memory localhost/bench:latest sleep 100000 >/dev/null
        with+=(conmon "$(resident_kib "$(pgrep -x conmon | head -1)")")
        podman_peer rm -f -t 0 bench-memory >/dev/null
    fi
    fact 'memory: shim, resident' "$(resident_kib "$shim_of_one")" KiB '< 1 MB (0.6 MB)' "${with[@]}"
    fact 'memory: shim, its own (private)' "$(private_kib "$shim_of_one")" KiB ''
    berth rm -f bench-memory >/dev/null
}
