# Images: 800 MB and 60,000 files in six layers to and from a registry, loaded and removed; many small ones listed.
#
# Few runs: BIG_RUNS (3) for Berth and Docker, one for Podman, because each takes seconds to a minute.

BIG_RUNS=${BIG_RUNS:-3}

# A docker-archive of six layers in a file, made once.
big_archive() {
    [ -f "$work/big.tar" ] || python3 bench/big_image.py "${BIG_FILES:-60000}" "${BIG_MEGABYTES:-800}" >"$work/big.tar"
}
big_loaded() { # ENGINE: whether bench-big is there; loads it otherwise
    big_archive
    "$1" image inspect bench-big:latest >/dev/null 2>&1 || "$1" load -i "$work/big.tar" >/dev/null
}
forget_big() { # ENGINE ADDRESS
    "$1" rmi -f bench-big:latest "$2/big:latest" || true
    [ "$1" != berth ] || berth image prune -f
    sync
}
# What a command adds to an engine's folder, in hundredths of the big image's uncompressed layers.
disk_share() { # FOLDER COMMAND...
    local folder=$work/$1 before layers
    shift
    layers=$(tar -tvf "$work/big.tar" --wildcards '*.tar' | awk '{sum += $3} END {print sum}')
    settle "$folder"; before=$(du -s --block-size=1 "$folder" | cut -f1)
    "$@" >/dev/null 2>&1
    settle "$folder"; echo $((($(du -s --block-size=1 "$folder" | cut -f1) - before) * 100 / layers))
}
# What was removed gives its space back in the background.
settle() { # FOLDER
    while [ -n "$(find "$1/trash" "$1/layers" -mindepth 1 -maxdepth 1 \( -path '*/trash/*' -o -name '.*' \) 2>/dev/null)" ]; do sleep 0.1; done
    sync
}
reset_peak() { echo 5 >"/proc/${pids[berthd]}/clear_refs"; }
peak_kib() { awk '/^VmHWM/ {print $2}' "/proc/${pids[berthd]}/status"; }

bench_load() { # load of the big image from an archive, and rmi of it
    local d=nan p=nan b
    big_archive
    local_forget() { forget_big "$engine" none; }
    local engine=berth
    reset_peak
    b=$(median_of "$BIG_RUNS" local_forget berth load -i "$work/big.tar")
    fact 'memory: engine at most, load' "$(($(peak_kib) / 1024))" MB '< 80 MB'
    if has docker; then engine=docker_peer; d=$(median_of "$BIG_RUNS" local_forget docker_peer load -i "$work/big.tar"); fi
    if has podman; then engine=podman_peer; p=$(median_of 1 local_forget podman_peer load -i "$work/big.tar"); fi
    row "load, ${BIG_MEGABYTES:-800} MB, ${BIG_FILES:-60000} files" "$b" "$d" "$p" '5x'
    engine=berth local_forget >/dev/null 2>&1
    fact 'disk after load, of uncompressed layers' "$(disk_share berth berth load -i "$work/big.tar")" % ''
    local_load() { big_loaded "$engine"; }
    d=nan p=nan
    engine=berth; b=$(median_of "$BIG_RUNS" local_load berth rmi bench-big:latest)
    if has docker; then engine=docker_peer; d=$(median_of 1 local_load docker_peer rmi bench-big:latest); fi
    if has podman; then engine=podman_peer; p=$(median_of 1 local_load podman_peer rmi bench-big:latest); fi
    row 'rmi of it' "$b" "$d" "$p" '50x, < 0.1 s'
}

transfer_with() { # docker|berth: push and pull through that registry
    local registry=$1 address=127.0.0.1:5055 d=nan p=nan b engine
    empty_registry() { stop_registry "$registry" || true; start_registry "$registry" $address; }
    start_registry "$registry" $address
    # As just built: what was compressed for an earlier push is gone, and the registry is empty.
    fresh_push() { forget_big "$engine" $address; big_loaded "$engine"; "$engine" tag bench-big:latest $address/big:latest; sync; }
    with_registry() { empty_registry; fresh_push; }
    only_registry() { empty_registry; big_loaded "$engine"; "$engine" tag bench-big:latest $address/big:latest; sync; }
    if has docker; then
        engine=docker_peer
        d=$(median_of "${PUSH_PEER_RUNS:-1}" only_registry docker_peer push -q $address/big:latest)
        forget_big docker_peer $address >/dev/null 2>&1
    fi
    if has podman; then
        engine=podman_peer
        p=$(median_of 1 only_registry podman_peer push -q --tls-verify=false $address/big:latest)
        forget_big podman_peer $address >/dev/null 2>&1
    fi
    engine=berth
    b=$(push_series)
    row "push, just built, to $registry-registry" "$b" "$d" "$p" '8x, < 4 s'
    d=nan p=nan
    forget() { forget_big "$engine" $address; }
    reset_peak
    engine=berth; b=$(median_of "$BIG_RUNS" forget berth pull -q $address/big:latest)
    fact 'memory: engine at most, pull' "$(($(peak_kib) / 1024))" MB '< 80 MB'
    if has docker; then engine=docker_peer; d=$(median_of "$BIG_RUNS" forget docker_peer pull -q $address/big:latest); forget >/dev/null 2>&1; fi
    if has podman; then engine=podman_peer; p=$(median_of 1 forget podman_peer pull -q --tls-verify=false $address/big:latest); forget >/dev/null 2>&1; fi
    row "pull of it from $registry-registry" "$b" "$d" "$p" 'Docker 6x, Podman 12x, < 2.5 s'
    engine=berth forget >/dev/null 2>&1
    b=$(disk_share berth berth pull -q $address/big:latest) d=nan
    if has docker; then d=$(disk_share docker docker_peer pull -q $address/big:latest); engine=docker_peer forget >/dev/null 2>&1; fi
    fact 'disk after pull, of uncompressed layers' "$b" % '< 105 %' Docker "$d"
    engine=berth forget >/dev/null 2>&1
    stop_registry "$registry"
}
# In this shell: the registry that each preparation starts must be known to the end of the bench.
push_series() { median_of "$BIG_RUNS" with_registry berth push -q 127.0.0.1:5055/big:latest; }

bench_transfer() { # push and pull of the big image with Debian's docker-registry
    transfer_with docker
}
bench_transfer_own() { # the same with berth-registry
    transfer_with berth
}

# What has to be done in any case: inflate and hash what came.
bench_inflate() { # igzip -dc | sha256sum over the big image's layers
    [ -n "$(command -v igzip)" ] || return 0
    big_archive
    mkdir "$work/layers" && tar -C "$work/layers" -xf "$work/big.tar" --wildcards '*.tar'
    ls "$work"/layers/*.tar | xargs -P2 -n1 gzip -n -5
    inflate() { ls "$work"/layers/*.gz | xargs -P2 -I{} sh -c 'igzip -dc {} | sha256sum'; }
    row 'igzip -dc | sha256sum of its layers' "$(median_of "$BIG_RUNS" nothing inflate)" nan nan
    rm -rf "$work/layers"
}

bench_list() { # `images` with 200 small images in the store
    local d=nan p=nan b i
    for i in $(seq 200); do
        mkdir -p "$work/small"; echo "$i" >"$work/small/number"
        tar -C "$work/small" -cf "$work/small.tar" .
        berth import "$work/small.tar" "bench-small:$i" >/dev/null
        ! has docker || docker_peer import "$work/small.tar" "bench-small:$i" >/dev/null
    done
    has docker && d=$(median "$DOCKER images")
    b=$(median 'berth images')
    row 'images, 200 in the store' "$b" "$d" "$p" '< 10 ms'
    berth rmi $(seq -f 'bench-small:%.0f' 200) >/dev/null
    ! has docker || docker_peer rmi $(seq -f 'bench-small:%.0f' 200) >/dev/null
}
