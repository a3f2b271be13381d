# Helpers for integration tests: an engine of the test's own, and the leak audit.
#
#   setup()    { berth_engine_start; }
#   teardown() { berth_engine_stop; berth_audit; }
#
# The engine lives in $BERTH_TEST_DIR; BERTH_HOST and DOCKER_HOST point at it. BERTH_BIN is the folder of the binaries.

BERTH_BIN=${BERTH_BIN:-$(dirname "$(command -v berthd)")}

# Starts an engine with a data root of its own (or restarts it on the same one). Arguments go to berthd.
berth_engine_start() {
    if [ -z "${BERTH_TEST_DIR:-}" ]; then
        BERTH_TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/berth-test.XXXXXX")
        berth_state >"$BERTH_TEST_DIR/state-before"
    fi
    # Cgroups are the one thing that no namespace of the test's own keeps apart: they get a parent of their own.
    BERTH_CGROUP=$(basename "$BERTH_TEST_DIR")
    export BERTH_CGROUP
    export BERTH_TEST_DIR BERTH_HOST=unix://$BERTH_TEST_DIR/run/berth.sock DOCKER_HOST=unix://$BERTH_TEST_DIR/run/berth.sock
    export DOCKER_CONFIG=$BERTH_TEST_DIR/config DOCKER_BUILDKIT=0
    mkdir -p "$DOCKER_CONFIG"
    "$BERTH_BIN/berthd" --data-root "$BERTH_TEST_DIR/data" --exec-root "$BERTH_TEST_DIR/run" -H "$BERTH_HOST" --cgroup-parent "$BERTH_CGROUP" "$@" \
        >>"$BERTH_TEST_DIR/engine.log" 2>&1 3>&- &
    BERTH_ENGINE_PID=$!
    local tries
    for tries in $(seq 600); do
        "$BERTH_BIN/berth" version >/dev/null 2>&1 && return 0
        kill -0 "$BERTH_ENGINE_PID" 2>/dev/null || break
        sleep 0.05
    done
    echo "engine did not come up:" >&2
    cat "$BERTH_TEST_DIR/engine.log" >&2
    return 1
}

# Ends the engine as a service manager would, and waits for it.
berth_engine_halt() {
    kill -TERM "$BERTH_ENGINE_PID" 2>/dev/null
    wait "$BERTH_ENGINE_PID" 2>/dev/null
    BERTH_ENGINE_PID=
}

# Ends the engine at an arbitrary instruction.
berth_engine_kill() {
    kill -KILL "$BERTH_ENGINE_PID" 2>/dev/null
    wait "$BERTH_ENGINE_PID" 2>/dev/null || true  # 137, which is what was asked for
    BERTH_ENGINE_PID=
}

# Removes every container, network and volume, then ends the engine.
berth_engine_stop() {
    [ -n "${BERTH_ENGINE_PID:-}" ] || return 0
    local ids
    ids=$("$BERTH_BIN/berth" ps -aq 2>/dev/null)
    [ -z "$ids" ] || "$BERTH_BIN/berth" rm -f -v $ids >/dev/null 2>&1
    "$BERTH_BIN/berth" network prune -f >/dev/null 2>&1
    "$BERTH_BIN/berth" volume prune -a -f >/dev/null 2>&1
    berth_engine_halt
}

# What a container platform can leave on a host: mounts, links, cgroups, processes, firewall tables, loop devices.
berth_state() (
    set +e +o pipefail  # a host without any of one kind is no failure
    awk '{print "mount", $5, $9}' /proc/self/mountinfo | grep -v "${BERTH_TEST_DIR:-/nonexistent}/keep" | sort
    ip -o link 2>/dev/null | awk -F': ' '{print "link", $2}' | sed 's/@.*//' | grep -E 'link (veth|br-|berth)' | sort
    [ -z "${BERTH_CGROUP:-}" ] || find /sys/fs/cgroup -mindepth 2 -type d -path "*/$BERTH_CGROUP/*" 2>/dev/null | sed 's/^/cgroup /' | sort
    ps -eo args= 2>/dev/null | grep -oE '[b]erth-(shim|runtime|registry)' | sed 's/^/process /' | sort
    nft list tables 2>/dev/null | grep -i berth | sed 's/^/nft /' | sort
    # Loop devices belong to no namespace: others' tests have theirs.
    losetup -a 2>/dev/null | grep -F "${BERTH_TEST_DIR:-/nonexistent}/" | sed 's/^/loop /'
)

# Fails when the host is not what it was before berth_engine_start. An engine that ends without containers takes its default
# bridge and its table with it; the links of the last containers follow within moments.
berth_audit() {
    local status=0 tries
    # What ends by itself (a shim, a namespace with its links) gets a moment to do so; on a busy machine the kernel takes seconds.
    for tries in $(seq 300); do
        berth_state >"$BERTH_TEST_DIR/state-after"
        diff "$BERTH_TEST_DIR/state-before" "$BERTH_TEST_DIR/state-after" >"$BERTH_TEST_DIR/leaks" && break
        sleep 0.05
    done
    if [ -s "$BERTH_TEST_DIR/leaks" ]; then
        echo "left behind (>) or lost (<):" >&2
        cat "$BERTH_TEST_DIR/leaks" >&2
        status=1
    fi
    rmdir /sys/fs/cgroup/*/"$BERTH_CGROUP" /sys/fs/cgroup/"$BERTH_CGROUP" 2>/dev/null
    rm -rf "$BERTH_TEST_DIR"
    unset BERTH_TEST_DIR
    return $status
}

# A tiny image from the host's static busybox: berth_busybox [TAG]
berth_busybox() {
    local root
    root=$(mktemp -d)
    chmod 755 "$root" # mktemp makes it private, and it becomes the root directory of the image
    mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/root" "$root/var"
    cp /bin/busybox "$root/bin/busybox"
    local applet
    for applet in $(/bin/busybox --list | grep -vx busybox); do ln -sf busybox "$root/bin/$applet"; done
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
    chmod 1777 "$root/tmp"
    tar -C "$root" --owner=0 --group=0 --numeric-owner -c . |
        "$BERTH_BIN/berth" import -c 'CMD ["sh"]' -c 'ENV PATH=/bin' - "${1:-busybox:latest}"
    local status=$?
    rm -rf "$root"
    return $status
}

# The docker command that is not ours: the newest one found.
stock_docker() {
    local docker
    for docker in /usr/local/bin/docker /usr/bin/docker; do
        if [ -x "$docker" ] && ! "$docker" --version | grep -qi berth; then
            "$docker" "$@"
            return
        fi
    done
    echo "no docker command here" >&2
    return 1
}
