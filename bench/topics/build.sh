# Builds: everything cached, and one line of one file changed with a RUN after it.

bench_build() { # a fully cached build, and one after a change
    local context=$work/context d=nan p=nan b i
    mkdir -p "$context/src"
    for i in $(seq 50); do echo "file $i" >"$context/src/$i.txt"; done
    printf 'FROM bench:latest\nWORKDIR /app\nRUN echo first > first.txt\nCOPY src/ src/\nRUN cat src/*.txt > all.txt\nENV A=1\nCMD ["cat", "all.txt"]\n' >"$context/Dockerfile"
    sed 's|bench:latest|localhost/bench:latest|' "$context/Dockerfile" >"$context/Containerfile"
    local ours="berth build -q -t bench-build $context" theirs="$DOCKER build -q -t bench-build $context"
    local podmans="$PODMAN build -q --layers -f $context/Containerfile -t bench-build $context"
    export DOCKER_BUILDKIT=0
    has docker && d=$(median "$theirs")
    has podman && p=$(median "$podmans")
    b=$(median "$ours")
    row 'build, everything cached' "$b" "$d" "$p" '5x, < 20 ms'
    change() { echo "$EPOCHREALTIME" >"$context/src/7.txt"; }
    d=nan p=nan
    b=$(median_of "$RUNS" change $ours)
    has docker && d=$(median_of "$RUNS" change $theirs)
    has podman && p=$(median_of 3 change $podmans)
    row 'build, one file changed' "$b" "$d" "$p" '< 80 ms'
    unset DOCKER_BUILDKIT
    berth rmi -f bench-build >/dev/null 2>&1 || true
    rm -rf "$context"
}
