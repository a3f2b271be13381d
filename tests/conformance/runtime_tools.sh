#!/usr/bin/env bash
# The public validation suite of the runtime specification (opencontainers/runtime-tools), once with Debian's runc and once with
# berth-runtime, file by file in one run, as a table. Fails where runc passes and berth-runtime does not.
#
#   tests/conformance/runtime_tools.sh [FILE ...]      e.g. linux_devices process_user
#
# The suite comes from the Go module proxy and is built once into build/conformance. Its last release has no go.mod, so the
# versions of what it uses are named here.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
bin=${BERTH_BIN:-$PWD/build/release/bin}
cache=$PWD/build/conformance
suite=github.com/opencontainers/runtime-tools
version=v0.9.0
requirements=(github.com/opencontainers/runtime-spec@v1.0.2 github.com/mndrix/tap-go@v0.0.0-20171203230836-629fa407e90b
    github.com/satori/go.uuid@v1.2.0 github.com/syndtr/gocapability@v0.0.0-20200815063812-42c35b437635
    github.com/sirupsen/logrus@v1.9.3 github.com/hashicorp/go-multierror@v1.1.1 github.com/urfave/cli@v1.22.10
    github.com/mrunalp/fileutils@v0.5.0 github.com/opencontainers/selinux@v1.2.2 github.com/xeipuuv/gojsonschema@v1.2.0
    github.com/blang/semver@v3.5.1+incompatible golang.org/x/sys@v0.15.0 github.com/stretchr/testify@v1.7.0)

skip() {
    echo "runtime-tools: skipped: $*"
    exit 0
}
command -v go >/dev/null || skip "Go is not installed"
command -v runc >/dev/null || skip "runc is not installed"

build_suite() {
    [ -x "$cache/bin/runtimetest" ] && [ -e "$cache/complete" ] && return 0
    rm -rf "$cache" && mkdir -p "$cache/bin"
    local source test name
    (cd "$cache" && go mod download -json "$suite@$version") >"$cache/download" 2>/dev/null || return 1
    source=$(sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p' "$cache/download")
    cp -r "$source" "$cache/source" && chmod -R u+w "$cache/source"
    cd "$cache/source" || return 1
    printf 'module %s\n\ngo 1.21\n' "$suite" >go.mod
    export GOFLAGS=-mod=mod CGO_ENABLED=0
    local requirement
    for requirement in "${requirements[@]}"; do go get "$requirement" >/dev/null 2>&1 || return 1; done
    go build -o "$cache/bin/runtimetest" ./cmd/runtimetest || return 1
    for test in validation/*/; do
        name=$(basename "$test")
        [ "$name" = util ] || go build -o "$cache/bin/$name.t" "./$test" || return 1
    done
    cp rootfs-*.tar.gz "$cache/bin/"
    touch "$cache/complete"
    cd - >/dev/null || return 1
}

# verdict RUNTIME FILE: pass, fail or skip, and the number of failed checks. A file runs in its own pid and mount namespace, so that
# what it leaves ends with it; the suite's own 10 seconds for a container bound it.
verdict() {
    local out=$cache/out/$2.$(basename "$1") failed
    timeout --kill-after=5 90 env RUNTIME="$1" TMPDIR="$cache/tmp" \
        unshare --mount --pid --fork --mount-proc --kill-child -- "$cache/bin/$2.t" </dev/null >"$out" 2>&1
    local status=$?
    # Output of the program inside is part of the stream, with leading spaces when it is a diagnostic.
    failed=$(grep -cE '^not ok' "$out")
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        echo "fail (exit $status)"
    elif [ "$failed" -gt 0 ]; then
        echo "fail ($failed)"
    elif ! grep -qE '^ok' "$out"; then
        echo "fail (no checks)"
    elif [ "$(grep -E '^ok' "$out" | grep -cv '# SKIP')" -eq 0 ]; then
        echo skip
    else
        echo pass
    fi
}

build_suite || skip "the suite cannot be fetched from the Go module proxy"
cd "$cache/bin" || exit 1
mkdir -p "$cache/out" "$cache/tmp"
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(ls -- *.t | sed 's/\.t$//')
worse=0 passes_runc=0 passes_berth=0
printf '%-34s %-16s %s\n' "file" "runc $(runc --version | sed -n '1s/.* //p')" "berth-runtime"
for file in "${files[@]}"; do
    theirs=$(verdict "$(command -v runc)" "$file")
    ours=$(verdict "$bin/berth-runtime" "$file")
    [ "$theirs" != pass ] || passes_runc=$((passes_runc + 1))
    [ "$ours" != pass ] || passes_berth=$((passes_berth + 1))
    note=
    if [ "$theirs" = pass ] && [ "$ours" != pass ]; then note='  <- worse' worse=$((worse + 1)); fi
    printf '%-34s %-16s %s%s\n' "$file" "$theirs" "$ours" "$note"
done
echo "passed of ${#files[@]} files: runc $passes_runc, berth-runtime $passes_berth; $worse where only runc passes"
[ "$worse" -eq 0 ]
