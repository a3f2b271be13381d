#!/usr/bin/env bats
# Roots, bundles and racing processes that attack berth-runtime, beyond tests/runtime/attack.bats. Where Debian's runc or crun
# falls to a case, that is shown first: a case that nobody falls to proves little. BERTH_ATTACK_ROUNDS is the number of rounds
# of each race, else 60.
load ../runtime/helpers

ROUNDS=${BERTH_ATTACK_ROUNDS:-60}
setup_file() {
    cc -O2 -Wall -Wextra -Werror -static -o "$BATS_FILE_TMPDIR/inside" "$BATS_TEST_DIRNAME/../hostile/inside.c"
}

# The runtime under attack: Berth's, or the one that PEER names.
runtime() {
    case ${PEER:-} in
        '') "$BERTH_BIN/berth-runtime" --root "$work/state" "$@" ;;
        runc) runc --root "$work/runc" "$@" ;;
        # Debian's crun refuses a hybrid layout of cgroups.
        crun) unshare --mount sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec crun --cgroup-manager=disabled "$@"' _ \
            --root "$work/crun" "$@" ;;
    esac
}

# attempt JQ WORD...: a container from start to end; what became of it is in "$work/said" and in $status.
attempt() {
    PEER='' config '.ociVersion = "1.0.2" | '"$1"
    shift
    command_is "$@"
    status=0
    timeout 60 bash -c "$(declare -f runtime); PEER=${PEER:-} BERTH_BIN=$BERTH_BIN work=$work runtime run --bundle '$bundle' '$id'" \
        </dev/null >"$work/said" 2>&1 || status=$?
    runtime delete --force "$id" >/dev/null 2>&1 || true
    [ "$status" -ne 124 ]
}

# falls PEER ATTACK CHECK [RACE]: the peer, where it is installed, is shown to be reached: CHECK fails after ATTACK. A race that
# is not won in its rounds is only told.
falls() {
    command -v "$1" >/dev/null || { echo "# no $1 here to show it on" >&3; return 0; }
    PEER=$1
    "$2"
    if "$3"; then
        echo "# $1 was not reached" >&3
        [ "${4:-}" = race ] || return 1
    fi
    PEER=
    restore
}

# What tests change in the canary and the root, put back.
restore() {
    rm -rf "${canary:?}" "${rootfs:?}"/{dev,proc,sys,etc,run,data}
    mkdir -p "$canary/dir" "$rootfs"/{dev,proc,sys,etc,run}
    echo untouched >"$canary/file"
    : >"$canary/canary-of-the-host"
    host_state >"$work/before"
}
canary_is_untouched() {
    [ "$(ls -A "$canary" "$canary/dir")" = "$canary:
canary-of-the-host
dir
file

$canary/dir:" ] && [ "$(cat "$canary/file")" = untouched ]
}

# Without the mounts that cover the image's own /dev.
bare_dev='del(.mounts[] | select(.destination == "/dev" or (.destination | startswith("/dev/"))))'

dev_as_link() {
    rm -rf "${rootfs:?}/dev"
    ln -s "$canary/dir" "$rootfs/dev"
    attempt . true
}
# CVE-2026-41579, CVE-2026-47766
@test "/dev of an image as a link to a folder of the host" {
    restore
    falls runc dev_as_link canary_is_untouched
    falls crun dev_as_link canary_is_untouched
    dev_as_link
    canary_is_untouched
}

null_as_link() {
    ln -s /proc/version "$rootfs/dev/null"
    attempt "$bare_dev" sh -c 'cat /proc/keys >/tmp/keys'
}
masks_hold() { [ "$(cat "$rootfs/tmp/keys")" != "$(cat /proc/version)" ]; }
# CVE-2025-31133
@test "/dev/null of an image as a link to a file of the kernel" {
    restore
    falls runc null_as_link masks_hold
    null_as_link
    masks_hold
    [ "$status" -eq 0 ]
}

# A folder and a link to the canary change places while containers start whose mount points lie below.
start_with_swapped_target() {
    mkdir -p "$work/shared/target" "$work/volume"
    ln -sfn "$canary/dir" "$work/shared/link"
    "$BATS_FILE_TMPDIR/inside" swap "$work/shared/target" "$work/shared/link" 3>&- &
    local swapper=$! round
    for round in $(seq "$ROUNDS"); do
        attempt ".mounts += [{destination: \"/shared\", type: \"bind\", source: \"$work/shared\", options: [\"rbind\"]},
            {destination: \"/shared/target/made\", type: \"bind\", source: \"$work/volume\", options: [\"bind\"]},
            {destination: \"/shared/target/file\", type: \"bind\", source: \"$work/before\", options: [\"bind\"]}]" true
        "$1" || break
    done
    kill "$swapper"
    wait "$swapper" || true
    rm -rf "$work/shared" "$work/volume"
}
swapped_target() { start_with_swapped_target canary_is_untouched; }
# CVE-2021-30465, CVE-2024-45310
@test "mount points that are missing and whose parent is swapped for a link" {
    restore
    falls runc swapped_target canary_is_untouched race
    swapped_target
    canary_is_untouched
}

# CVE-2025-31133, the race: the node is right when it is made, and another thing when it is used.
@test "/dev/null of an image that is swapped all the time" {
    restore
    ln -s "$canary/file" "$rootfs/dev/other"
    mknod "$rootfs/dev/null" c 1 3
    "$BATS_FILE_TMPDIR/inside" swap "$rootfs/dev/null" "$rootfs/dev/other" 3>&- &
    local swapper=$! round
    for round in $(seq "$ROUNDS"); do
        attempt "$bare_dev" sh -c 'cat /proc/keys /proc/interrupts; echo evil >/proc/keys; echo evil >&0; cat <&0; echo evil >&2'
        if grep untouched "$work/said"; then break; fi
    done
    kill "$swapper"
    wait "$swapper" || true
    run grep untouched "$work/said"
    [ "$status" -eq 1 ]
    rm -f "$rootfs/dev/null" "$rootfs/dev/other"
    canary_is_untouched
}

null_of_host() { stat -c '%a %u:%g' /dev/null; }
# The null device that covers files and stands in for streams is one that the container may call its own, or cannot change.
@test "nothing that is the host's null device can be given away" {
    restore
    local before harmed=0 stream
    before=$(null_of_host)
    harmless() {
        [ "$(null_of_host)" = "$before" ] && return
        echo "$1 changed the host's /dev/null" >&2
        chmod "${before%% *}" /dev/null
        chown "${before##* }" /dev/null
        harmed=1
    }
    local owner='.process.capabilities |= with_entries(.value += ["CAP_CHOWN", "CAP_FOWNER"])'
    attempt "$owner" sh -c 'for f in /proc/keys /proc/interrupts /proc/timer_list; do chmod 600 $f; chown 7 $f; done'
    harmless 'a mask'
    for stream in 0 1 2; do
        attempt "$owner" sh -c "chmod 600 /proc/self/fd/$stream; chown 7 /proc/self/fd/$stream"
        harmless "descriptor $stream, and /dev/null was the caller's"
    done
    attempt "$owner | $bare_dev" sh -c 'chmod 600 /proc/self/fd/0 /proc/keys; chown 7 /proc/self/fd/0'
    harmless 'a root without a /dev of its own'
    start_in "$owner" sleep 100
    for stream in 0 1 2; do
        runtime exec "$id" sh -c "chmod 600 /proc/self/fd/$stream; chown 7 /proc/self/fd/$stream" </dev/null >/dev/null 2>&1 || true
        harmless "descriptor $stream of an exec"
    done
    # Not even when there is no such device inside.
    runtime exec "$id" sh -c 'rm /dev/null; ln -s /etc/passwd /dev/null'
    runtime exec "$id" sh -c 'chmod 600 /proc/self/fd/0; chown 7 /proc/self/fd/0; echo x >&0' </dev/null || true
    harmless 'an exec without a /dev/null'
    [ "$harmed" -eq 0 ]
}

# In a user namespace devices are the host's own nodes, and root of one that is root of the host owns them.
root_of_host='.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] |
    .linux.gidMappings = .linux.uidMappings | .process.capabilities |= with_entries(.value += ["CAP_CHOWN", "CAP_FOWNER"])'
node_is_changed_by_its_owner() {
    rm -f "$work/node"
    mknod -m 666 "$work/node" c 1 5
    attempt "$root_of_host | .linux.devices += [{type: \"c\", path: \"$work/node\", major: 1, minor: 5, fileMode: 438, uid: 0, gid: 0}]" \
        sh -c "head -c 4 $work/node | wc -c; chmod 600 $work/node; chown 7 $work/node"
}
node_is_the_same() { [ "$(stat -c '%a %u' "$work/node")" = '666 0' ]; }
@test "root of a user namespace who is root of the host changes no device of the host's" {
    restore
    falls runc node_is_changed_by_its_owner node_is_the_same
    node_is_changed_by_its_owner
    node_is_the_same
    [ "$(head -n 1 "$work/said")" = 4 ]
    nodes() { stat -c '%n %a %u:%g' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty; }
    nodes >"$work/nodes"
    local attack='for f in /dev/null /dev/zero /dev/full /dev/*random /dev/tty /proc/keys /proc/self/fd/[012]; do chmod 600 $f; chown 7 $f; done'
    attempt "$root_of_host" sh -c "$attack; echo x >/dev/null && head -c 3 /dev/zero | wc -c"
    diff <(nodes) "$work/nodes"
    [ "$(tail -n 1 "$work/said")" = 3 ]
    start_in "$root_of_host" sleep 100
    runtime exec "$id" sh -c "$attack; echo x >/dev/null; echo x >&1" </dev/null >/dev/null 2>&1
    diff <(nodes) "$work/nodes"
    # Nor by streams, when there is no null device inside for them.
    runtime delete --force "$id"
    start_in "$root_of_host | .process.capabilities |= with_entries(.value += [\"CAP_SYS_ADMIN\"])" sleep 100
    runtime exec "$id" sh -c 'umount -l /dev/null && rm /dev/null'
    [ "$(runtime exec "$id" sh -c 'cat; stat -Lc %t:%T /proc/self/fd/0' </dev/null)" = 1:3 ]
    runtime exec "$id" sh -c 'for f in /proc/self/fd/[012]; do chmod 600 $f; chown 7 $f; done' </dev/null >/dev/null 2>&1 || true
    diff <(nodes) "$work/nodes"
}

@test "streams from /dev/null are the null device, with and without one inside" {
    restore
    attempt . sh -c 'cat; stat -Lc %t:%T /proc/self/fd/0'
    [ "$(cat "$work/said")" = 1:3 ]
    start_in . sleep 100
    [ "$(runtime exec "$id" sh -c 'cat; stat -Lc %t:%T /proc/self/fd/0' </dev/null)" = 1:3 ]
    runtime exec "$id" rm /dev/null
    [ "$(runtime exec "$id" sh -c 'cat; stat -Lc %t:%T /proc/self/fd/0' </dev/null)" = 1:3 ]
    runtime exec "$id" busybox mkfifo /dev/null
    [ "$(timeout 10 "$BERTH_BIN/berth-runtime" --root "$work/state" exec "$id" sh -c 'cat; stat -Lc %t:%T /proc/self/fd/0' </dev/null)" = 1:3 ]
}

# CVE-2019-5736, CVE-2020-14298
@test "a loop that opens every program in sight for writing, during execs" {
    cp "$BATS_FILE_TMPDIR/inside" "$rootfs/bin/inside"
    # Run as its own interpreter the runtime's program can be looked at, however it hides while it enters.
    printf '#!/proc/self/exe\n' >"$rootfs/bin/self"
    chmod +x "$rootfs/bin/self"
    start_in . /bin/inside executables 600
    local round
    for round in $(seq $((ROUNDS * 20))); do
        runtime exec "$id" true </dev/null || return 1
        runtime exec "$id" /bin/self </dev/null >/dev/null 2>&1 || true
        # As often as it takes the attacker to see one, and not less often than was asked for.
        [ "$round" -lt "$ROUNDS" ] || ! grep -q SEEN "$work/out" || break
    done
    runtime kill "$id" KILL
    grep -q SEEN "$work/out"
    run grep WRITABLE "$work/out"
    [ "$status" -eq 1 ]
}

# CVE-2016-9962
@test "a process that enters is neither looked into nor attached to" {
    restore
    cp "$BATS_FILE_TMPDIR/inside" "$rootfs/bin/inside"
    start_in . /bin/inside newcomers 600
    local round
    for round in $(seq $((ROUNDS * 20))); do
        runtime exec "$id" true </dev/null >/dev/null 2>&1 || return 1
        [ "$round" -lt "$ROUNDS" ] || ! grep -q SEEN "$work/out" || break
    done
    runtime kill "$id" KILL
    grep -q SEEN "$work/out"
    run grep -E 'HOST|ATTACHED' "$work/out"
    [ "$status" -eq 1 ]
}

# CVE-2025-52565, and the links at every name of the terminals at once.
@test "links at all names of terminals, with and without a devpts" {
    restore
    local name extra
    for extra in . 'del(.mounts[] | select(.destination == "/dev/pts"))' "$bare_dev"; do
        rm -rf "${rootfs:?}/dev"
        mkdir -p "$rootfs/dev/pts"
        for name in console ptmx tty pts/0 pts/ptmx stdin stdout stderr fd; do ln -s "$canary/file" "$rootfs/dev/$name"; done
        config ".process.terminal = true | $extra"
        command_is sh -c 'echo evil >/dev/console; echo evil >/dev/tty; chmod 777 /dev/console'
        timeout 20 script -qec "'$BERTH_BIN/berth-runtime' --root '$work/state' run --bundle '$bundle' '$id'" /dev/null </dev/null >"$work/said" || [ $? -ne 124 ]
        runtime delete --force "$id" >/dev/null 2>&1 || true
        canary_is_untouched
    done
    restore
}

# CVE-2024-21626 and its relatives; CVE-2026-55686
@test "working directories that lead outward are made and entered inside only" {
    restore
    ln -s "$canary/dir" "$rootfs/data"
    local cwd
    for cwd in /data /data/made/deep /proc/self/fd/3 /proc/1/root /proc/self/cwd/../../.. /../../../.."$canary"/made /bin/sh/made; do
        attempt ".process.cwd = \"$cwd\"" sh -c 'cat ./file ./canary-of-the-host ../file; echo evil >./escaped'
        run grep untouched "$work/said"
        [ "$status" -eq 1 ]
        canary_is_untouched
    done
    rm -rf "${rootfs:?}/data"
}

# CVE-2025-23266, CVE-2024-0132
@test "hooks get nothing of the image's environment, nor of its working directory" {
    restore
    cat >"$work/hook" <<END
#!/bin/sh
{ echo "kind \$1"; pwd; env; ls -l /proc/self/fd; } >>$work/hooked
END
    chmod +x "$work/hook"
    mkdir -p "$rootfs/data"
    local kind hooks='.hooks = {'
    for kind in prestart createRuntime createContainer poststart poststop; do
        hooks+="$kind: [{path: \"$work/hook\", args: [\"hook\", \"$kind\"], env: [\"PATH=/usr/bin:/bin\"]}], "
    done
    GIVEN=by-the-caller attempt "$hooks} | .process.cwd = \"/data\" | .process.env += [\"LD_PRELOAD=/evil.so\", \"LD_AUDIT=/evil.so\", \"BASH_ENV=/evil\",
        \"ENV=/evil\", \"GCONV_PATH=/evil\"]" true
    [ "$(grep -c '^kind' "$work/hooked")" -eq 5 ]
    run grep -E 'evil|GIVEN|^/data' "$work/hooked"
    [ "$status" -eq 1 ]
}

# runc 1.5.2: a path that only begins like the container's
@test "a process that enters stays in the container's cgroup" {
    start_in . sleep 100
    local wanted path
    wanted=$(sort "/proc/$(runtime state "$id" | jq .pid)/cgroup")
    for path in / ../ "../$id-sibling" "$id-sibling" /../..; do
        rm -f "$work/pid"
        runtime exec --detach --pid-file "$work/pid" --cgroup "$path" "$id" sleep 100 </dev/null >/dev/null 2>&1 || continue
        [ "$(sort "/proc/$(cat "$work/pid")/cgroup")" = "$wanted" ]
    done
}

# CVE-2019-19921, CVE-2023-27561: what is protected is the kernel's, not what the image has in its place.
@test "a volume with links where paths are masked and made read-only" {
    restore
    mkdir -p "$work/volume"
    ln -s "$canary/dir" "$work/volume/sys"
    ln -s "$canary/file" "$work/volume/keys"
    attempt "(.mounts[] | select(.destination == \"/proc\")) |= {destination: \"/proc\", type: \"bind\", source: \"$work/volume\", options: [\"rbind\"]} |
        .linux.sysctl = {\"kernel.msgmax\": \"9001\"}" sh -c 'mount; echo evil >/proc/keys'
    [ -z "$(find "$work/volume" -newer "$work/before" -type f)" ]
    canary_is_untouched
    awk '{print $5}' /proc/self/mountinfo >"$work/mounts"
    run grep -F "$canary" "$work/mounts"
    [ "$status" -eq 1 ]
}

# CVE-2021-43784: lengths beyond sixteen bits between the runtime's own processes
@test "maps of a hundred thousand bytes do not become namespaces" {
    restore
    chmod -R go+rX "$bundle"
    attempt '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [range(340) | {containerID: ., hostID: (100000 + .), size: 1}] |
        .linux.gidMappings = .linux.uidMappings | .annotations = {long: ("x" * 200000)} | .hostname = ("h" * 60)' \
        sh -c 'wc -l </proc/self/uid_map; readlink /proc/self/ns/net'
    if [ "$status" -eq 0 ]; then
        [ "$(head -n 1 "$work/said")" -eq 340 ]
        [[ "$(cat "$work/said")" != *"$(readlink /proc/self/ns/net)"* ]]
    fi
}
