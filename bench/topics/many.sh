# Many containers: one after another, at once, and a thousand that stay.


sequence_of() { # ENGINE IMAGE: prints "start stop remove" in seconds for 40 containers
    local engine=$1 image=$2 i marks=("$EPOCHREALTIME")
    for i in $(seq 40); do $engine run -d --name "bench-$i" "$image" sleep 100000; done >/dev/null
    marks+=("$EPOCHREALTIME")
    for i in $(seq 40); do $engine stop -t 0 "bench-$i"; done >/dev/null 2>&1
    marks+=("$EPOCHREALTIME")
    for i in $(seq 40); do $engine rm "bench-$i"; done >/dev/null
    marks+=("$EPOCHREALTIME")
    awk -v a="${marks[0]}" -v b="${marks[1]}" -v c="${marks[2]}" -v d="${marks[3]}" 'BEGIN { print b - a, c - b, d - c }'
}

bench_sequence() { # 40 containers started, stopped (-t 0) and removed one after another
    local b d='nan nan nan' p='nan nan nan'
    b=$(sequence_of berth bench:latest)
    has docker && d=$(sequence_of docker_peer bench:latest)
    has podman && p=$(sequence_of podman_peer localhost/bench:latest)
    set -- $b $d $p
    row '40 started one after another' "$1" "$4" "$7" '20x'
    row '40 stopped (-t 0) one after another' "$2" "$5" "$8"
    row '40 removed one after another' "$3" "$6" "$9" '20x'
}

start_many() { # COUNT WIDTH COMMAND...: COUNT containers, WIDTH commands at a time
    local count=$1 width=$2
    shift 2
    seq "$count" | xargs -P "$width" -I{} "$@" run -d --name bench-{} bench:latest sleep 100000 >/dev/null
}

bench_parallel() { # 64 containers started at once, and removed by force in one command
    local b=() r=() d=nan dr=nan i t0 t1 t2
    for i in 1 2 3; do
        t0=$EPOCHREALTIME; start_many 64 64 berth
        t1=$EPOCHREALTIME; berth rm -f $(seq -f 'bench-%.0f' 64) >/dev/null
        t2=$EPOCHREALTIME
        b+=($(((${t1/./} - ${t0/./})))) r+=($(((${t2/./} - ${t1/./}))))
    done
    middle() { printf '%s\n' "$@" | sort -n | awk 'NR == 2 {print $1 / 1e6}'; }
    if has docker; then
        t0=$EPOCHREALTIME; start_many 64 64 $DOCKER
        t1=$EPOCHREALTIME; docker_peer rm -f $(seq -f 'bench-%.0f' 64) >/dev/null
        t2=$EPOCHREALTIME
        d=$(awk -v x="$t1" -v y="$t0" 'BEGIN {print x - y}') dr=$(awk -v x="$t2" -v y="$t1" 'BEGIN {print x - y}')
    fi
    row '64 started at once' "$(middle "${b[@]}")" "$d" nan '< 1 s'
    row 'rm -f of 64' "$(middle "${r[@]}")" "$dr" nan '< 0.5 s'
}

# No peer: a thousand of Docker's need 13 GB for the shims alone.
bench_thousand() { # COUNT (1,000) running containers: time to start them, memory of each in shim and engine
    local count=${COUNT:-1000} before=$engine_at_rest t0 t1 shims_kib own_kib engine
    t0=$EPOCHREALTIME; start_many "$count" 8 berth; t1=$EPOCHREALTIME
    row "$count started, 8 at a time" "$(awk -v x="$t1" -v y="$t0" 'BEGIN {print x - y}')" nan nan '< 20 s'
    engine=$(resident_kib "${pids[berthd]}")
    read -r shims_kib own_kib < <(for pid in $(shims); do echo "$(resident_kib "$pid") $(share_kib "$pid")"; done |
        awk '{r += $1; p += $2} END {print r / NR, p / NR}')
    fact "memory of each of $count" "$(awk -v s="$shims_kib" -v e="$engine" -v b="$before" -v n="$count" 'BEGIN {printf "%.0f", s + (e - b) / n}')" KiB '< 0.6 MB' \
        'shim resident' "${shims_kib%.*}" 'its share' "${own_kib%.*}" 'engine each' "$(((engine - before) / count))"
    t0=$EPOCHREALTIME; berth ps -q >/dev/null; t1=$EPOCHREALTIME
    row "ps of $count" "$(awk -v x="$t1" -v y="$t0" 'BEGIN {print x - y}')" nan nan
    t0=$EPOCHREALTIME; berth rm -f $(seq -f 'bench-%.0f' "$count") >/dev/null; t1=$EPOCHREALTIME
    row "rm -f of $count" "$(awk -v x="$t1" -v y="$t0" 'BEGIN {print x - y}')" nan nan
}
