# Helpers for tests with peers: Debian's podman, dockerd and containerd in folders of the test's own.
load ../lib/berth

DEBIAN_DOCKER=/usr/bin/docker

# A folder of the test's own and the state of the host before, for tests that start no engine of ours.
peers_begin() {
    BERTH_TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/berth-test.XXXXXX")
    BERTH_CGROUP=$(basename "$BERTH_TEST_DIR")
    export BERTH_TEST_DIR BERTH_CGROUP
    berth_state >"$BERTH_TEST_DIR/state-before"
}

# Waits until a command succeeds, half a minute at most: wait_until COMMAND...
wait_until() {
    local tries
    for tries in $(seq 600); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    echo "never succeeded: $*" >&2
    return 1
}

# Runs a command with a terminal as its standard input, output and error: on_terminal COMMAND...
on_terminal() { # carriage returns are the terminal's, and NULs are script(1)'s
    script -qec "$(printf '%q ' "$@")" /dev/null </dev/null | tr -d '\r\0'
    return "${PIPESTATUS[0]}"
}

# The files of a tiny root: busybox_root DIRECTORY
busybox_root() {
    local applet
    mkdir -p "$1"/{bin,etc,tmp,root,var}
    cp /bin/busybox "$1/bin/busybox"
    for applet in $(/bin/busybox --list | grep -vx busybox); do ln -sf busybox "$1/bin/$applet"; done
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$1/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$1/etc/group"
    chmod 1777 "$1/tmp"
}

# From the test's folder, because conmon writes a file named oom into the working directory. Debian's crun refuses
# hybrid cgroups.
podman_peer() (
    cd "$BERTH_TEST_DIR" && env -u DOCKER_CONFIG podman --root "$BERTH_TEST_DIR/podman" --runroot "$BERTH_TEST_DIR/podman-run" --tmpdir "$BERTH_TEST_DIR/podman-tmp" \
        --cgroup-manager cgroupfs --events-backend file --runtime runc "$@"
)

# Debian's dockerd, at $BERTH_TEST_DIR/docker.sock. Arguments go to it. Its command is docker_peer.
dockerd_start() {
    dockerd --data-root "$BERTH_TEST_DIR/docker" --exec-root "$BERTH_TEST_DIR/docker-run" -H "unix://$BERTH_TEST_DIR/docker.sock" \
        -p "$BERTH_TEST_DIR/docker.pid" "$@" >"$BERTH_TEST_DIR/dockerd.log" 2>&1 3>&- &
    DOCKERD_PID=$!
    wait_until docker_peer version || { cat "$BERTH_TEST_DIR/dockerd.log" >&2; return 1; }
}
docker_peer() { "${DOCKER_CLIENT:-docker}" -H "unix://$BERTH_TEST_DIR/docker.sock" "$@"; }
dockerd_stop() {
    [ -n "${DOCKERD_PID:-}" ] || return 0
    kill -TERM "$DOCKERD_PID"
    wait "$DOCKERD_PID" || true
    DOCKERD_PID=
    ip link delete docker0 2>/dev/null || true
}

# What a peer leaves mounted in the test's folder: peers_unmount
peers_unmount() {
    local target
    awk -v d="$BERTH_TEST_DIR/" 'index($5, d) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r target; do umount -l "$target"; done
    # Podman keeps network namespaces as files on a shared mount of its own.
    umount /run/netns 2>/dev/null || true
}
