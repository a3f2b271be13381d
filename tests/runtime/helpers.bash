# A bundle with a busybox root in a directory of the test's own, and the audit of what a container leaves behind.

BERTH_BIN=${BERTH_BIN:-$(dirname "$(command -v berth-runtime)")}

runtime() { "$BERTH_BIN/berth-runtime" --root "$work/state" "$@"; }

# config JQ: the default specification without a terminal and with a writable root, changed by a jq filter.
config() {
    rm -f "$bundle/config.json"
    runtime spec --bundle "$bundle"
    jq '.process.terminal = false | .root.readonly = false | '"${1:-.}" "$bundle/config.json" >"$bundle/config.new"
    mv "$bundle/config.new" "$bundle/config.json"
}

# command_is WORD...: the program to run.
command_is() {
    local words
    words=$(jq -cn '$ARGS.positional' --args -- "$@")
    jq --argjson words "$words" '.process.args = $words' "$bundle/config.json" >"$bundle/config.new"
    mv "$bundle/config.new" "$bundle/config.json"
}

# run_in JQ WORD...: one container from start to end, as bats' `run`.
run_in() {
    config "$1"
    shift
    command_is "$@"
    run runtime run --bundle "$bundle" "$id" </dev/null
}

# start_in JQ WORD...: a container that goes on in the background.
start_in() {
    config "$1"
    shift
    command_is "$@"
    runtime run --detach --bundle "$bundle" "$id" </dev/null >"$work/out" 2>&1 3>&-
}

status_of() { runtime state "$id" | jq -r .status; }

# Waits for a condition that an event brings about within moments.
eventually() {
    local tries
    for tries in $(seq 1000); do
        "$@" && return 0
        sleep 0.02
    done
    return 1
}

# Some machines lend a controller to nobody: limits of it cannot be tested there.
needs_controller() {
    [ -d "/sys/fs/cgroup/$1" ] || grep -qw "$1" /sys/fs/cgroup/cgroup.controllers 2>/dev/null || skip "no cgroup controller $1"
}

host_state() {
    awk '{print "mount", $5, $9}' /proc/self/mountinfo | sort
    find /sys/fs/cgroup -mindepth 1 -type d -path "*/$id*" 2>/dev/null | sort
    ip -o link 2>/dev/null | awk '{print "link", $2}' | sort
    find "$canary" -printf '%p %m %U %s %y %l\n' | sort
    find "$canary" -type f -exec sha256sum {} + | sort
    sha256sum "$BERTH_BIN/berth-runtime"
    cat /proc/sys/kernel/core_pattern
}

same_host_state() { host_state >"$work/after" && cmp -s "$work/before" "$work/after"; }
nothing_runs() { ! pgrep -f "$work" >/dev/null; }

setup() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/berth-runtime.XXXXXX")
    chmod 755 "$work"
    bundle=$work/bundle
    rootfs=$bundle/rootfs
    canary=$work/canary
    id=berth-test-$BATS_TEST_NUMBER-$$
    mkdir -p "$rootfs"/{bin,etc,tmp,proc,sys,dev,run} "$canary/dir"
    echo untouched >"$canary/file"
    cp /bin/busybox "$rootfs/bin/busybox"
    local name
    for name in sh ls cat true false sleep echo id mount touch mkdir rm ln stat grep ps hostname env tty stty head wc kill \
        readlink mknod dd test umask ip awk chmod od ulimit sync find sort tr seq; do
        ln -s busybox "$rootfs/bin/$name"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$rootfs/etc/passwd"
    host_state >"$work/before"
}

teardown() {
    runtime delete --force "$id" >/dev/null 2>&1
    local outcome=0
    eventually same_host_state || { diff "$work/before" "$work/after"; outcome=1; }
    [ -z "$(runtime list --quiet)" ] || outcome=1
    # Nothing of ours still runs.
    eventually nothing_runs || { pgrep -af "$work"; outcome=1; }
    rm -rf "$work"
    return $outcome
}
