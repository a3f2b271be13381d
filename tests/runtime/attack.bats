# Images and processes that attack their runtime. Every test ends with the audit of the canary tree, the host's mounts
# and the runtime's own binary (helpers.bash).
load helpers

# CVE-2019-5736, CVE-2020-14298
@test "the runtime's binary cannot be reached for writing" {
    cat >"$rootfs/bin/self" <<'END'
#!/proc/self/exe
END
    chmod +x "$rootfs/bin/self"
    run_in . /bin/self
    start_in . sh -c 'while :; do for p in /proc/[0-9]*; do
        case $(readlink $p/exe) in /bin/busybox|"") ;; *) echo "sees $(readlink $p/exe)"; echo evil >$p/exe && echo WROTE;; esac
        done; done 2>/dev/null'
    for i in $(seq 30); do runtime exec "$id" true; done
    run runtime exec "$id" /bin/self
    run grep WROTE "$work/out"
    [ "$status" -eq 1 ]
}

# CVE-2016-9962
@test "a process being started shows neither descriptors nor memory to the container" {
    start_in '.process.capabilities.bounding += ["CAP_KILL"]' sh -c 'while :; do for p in /proc/[0-9]*; do
        for f in $p/fd/*; do case $(readlink $f) in /tmp/berth-*|/work*|/run/*) echo "LEAK $(readlink $f)";; esac; done
        done; done 2>/dev/null'
    for i in $(seq 30); do runtime exec "$id" true </dev/null >/dev/null 2>&1; done
    run grep LEAK "$work/out"
    # Its own output file is the one thing of the host it was given.
    [ -z "$(grep -v "$work/out" <<<"$output")" ]
}

# CVE-2024-21626
@test "no descriptor of the host serves as the working directory, even if the caller leaked some" {
    for fd in $(seq 3 60); do
        run_in ".process.cwd = \"/proc/self/fd/$fd\"" sh -c 'cat /proc/self/cwd/canary/file ../../../canary/file; pwd' 9<"$canary" 15</
        [ "$status" -ne 0 ]
        [[ "$output" != *untouched* ]]
    done
}

@test "leaked descriptors do not reach the program" {
    config .
    command_is ls /proc/self/fd
    run bash -c "exec 7<'$canary/file' 30</; '$BERTH_BIN/berth-runtime' --root '$work/state' run --bundle '$bundle' '$id' </dev/null"
    [ "$status" -eq 0 ]
    [ "$(tr '\n' ' ' <<<"$output")" = "0 1 2 3 " ]
    run bash -c "exec 3<'$canary/file' 7</; '$BERTH_BIN/berth-runtime' --root '$work/state' run --preserve-fds 1 --bundle '$bundle' '$id' </dev/null"
    [ "$(tr '\n' ' ' <<<"$output")" = "0 1 2 3 4 " ]
}

# CVE-2026-41579, CVE-2026-47766, CVE-2025-54867
@test "/dev, /proc, /sys, /etc and /run as links do not lead out" {
    for name in dev proc sys etc run; do
        for target in "$canary" "../../../../../../../../$canary" /nowhere/at/all "/$name" .; do
            rm -rf "${rootfs:?}/$name"
            ln -s "$target" "$rootfs/$name"
            run_in '.mounts += [{destination: "/etc/hosts", source: "'"$work"'/before", options: ["bind", "ro"]},
                {destination: "/run/secrets", type: "tmpfs", source: "tmpfs"}]' true
            rm -f "$rootfs/$name"
            mkdir "$rootfs/$name"
            [ "$(ls "$canary")" = "dir
file" ]
            [ -z "$(ls "$canary/dir")" ]
        done
    done
}

# CVE-2015-3627, CVE-2024-45310, CVE-2026-41568
@test "links at mount targets stay inside the root" {
    mkdir -p "$rootfs/data"
    ln -s "$canary/dir" "$rootfs/data/absolute"
    ln -s ../../../../../../../../../../"$canary"/up "$rootfs/data/upward"
    ln -s "$canary/new-file" "$rootfs/data/file"
    mkdir "$work/volume"
    run_in ".mounts += [
        {destination: \"/data/absolute/made\", source: \"$work/volume\", options: [\"bind\"]},
        {destination: \"/data/upward\", source: \"$work/volume\", options: [\"bind\"]},
        {destination: \"/data/file\", source: \"$work/before\", options: [\"bind\"]}]" \
        sh -c 'touch /data/absolute/made/a /data/upward/b; head -c 5 /data/file'
    [ "$status" -eq 0 ]
    [ "$output" = mount ]
    [ "$(ls "$work/volume" | tr '\n' ' ')" = "a b " ]
    [ ! -e "$canary/new-file" ]
}

# CVE-2021-30465
@test "a target that is swapped for a link all the time" {
    mkdir -p "$work/shared/target" "$work/volume"
    ln -s "$canary" "$work/shared/link"
    cat >"$work/swap.py" <<'END'
import ctypes, sys
libc = ctypes.CDLL(None)
a, b = (sys.argv[1] + "/target").encode(), (sys.argv[1] + "/link").encode()
while True:
    libc.renameat2(-100, a, -100, b, 2)
END
    python3 "$work/swap.py" "$work/shared" 3>&- &
    swapper=$!
    for i in $(seq 40); do
        run_in ".mounts += [{destination: \"/shared\", source: \"$work/shared\", options: [\"rbind\"]},
            {destination: \"/shared/target/dir/x\", source: \"$work/volume\", options: [\"bind\"]},
            {destination: \"/shared/target/file2\", source: \"$work/before\", options: [\"bind\"]}]" true
    done
    kill "$swapper"
    wait "$swapper" || true
    [ ! -e "$canary/dir/x" ]
    [ ! -e "$canary/file2" ]
}

# CVE-2019-16884, CVE-2019-19921, CVE-2025-52881
@test "nothing is mounted over parts of /proc" {
    for target in /proc/self/attr /proc/sys/kernel /proc/1 /proc/self; do
        run_in ".mounts += [{destination: \"$target\", source: \"$canary/dir\", options: [\"bind\"]}]" true
        [ "$status" -ne 0 ]
    done
    run_in ".mounts += [{destination: \"/proc/uptime\", source: \"$canary/file\", options: [\"bind\", \"ro\"]}]" cat /proc/uptime
    [ "$output" = untouched ]
}

@test "sysctls go to the kernel, not to what the image put there" {
    rm -r "$rootfs/proc"
    mkdir "$rootfs/elsewhere"
    ln -s elsewhere "$rootfs/proc"
    run_in '.linux.sysctl = {"kernel.msgmax": "9001"}' true
    [ "$status" -ne 0 ]
    [ -z "$(find "$rootfs/elsewhere" -type f)" ]
    rm "$rootfs/proc"
    mkdir "$rootfs/proc"
    run_in '.linux.sysctl = {"../../../kernel.msgmax": "1"}' true
    [ "$status" -ne 0 ]
}

# CVE-2025-31133, CVE-2025-62161
@test "an image with a /dev/null of its own does not change what masks" {
    for kind in link file device; do
        rm -rf "${rootfs:?}/dev"
        mkdir "$rootfs/dev"
        case $kind in
            link) ln -s /proc/sys/kernel/core_pattern "$rootfs/dev/null" ;;
            file) echo evil >"$rootfs/dev/null" ;;
            device) mknod "$rootfs/dev/null" c 1 11 ;;
        esac
        run_in 'del(.mounts[] | select(.destination == "/dev" or .destination == "/dev/pts" or .destination == "/dev/shm" or .destination == "/dev/mqueue"))' \
            sh -c 'stat -c "%t:%T" /dev/null /proc/keys; wc -c </proc/keys'
        [ "$status" -eq 0 ]
        [ "${lines[0]}" = 1:3 ]
        [ "${lines[1]}" = 1:3 ]
        [ "${lines[2]}" = 0 ]
    done
}

# CVE-2025-52565
@test "links at the console and the terminals" {
    for name in console ptmx pts; do
        rm -rf "${rootfs:?}/dev"
        mkdir "$rootfs/dev"
        ln -s "$canary/file" "$rootfs/dev/$name"
        config '.process.terminal = true | del(.mounts[] | select(.destination == "/dev"))'
        command_is sh -c 'tty; echo fine'
        run script -qec "'$BERTH_BIN/berth-runtime' --root '$work/state' run --bundle '$bundle' '$id'" /dev/null
        runtime delete --force "$id"
    done
    start_in . sleep 100
    runtime exec "$id" sh -c 'ln -sf /etc/passwd /dev/ptmx'
    run script -qec "'$BERTH_BIN/berth-runtime' --root '$work/state' exec --tty '$id' tty" /dev/null
    [[ "$output" == */dev/pts/* ]]
}

# CVE-2022-0492, CVE-2023-25809
@test "a cgroup's release agent is out of reach" {
    run_in . sh -c 'for f in /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/*/notify_on_release; do
        [ -e $f ] && echo 1 >$f && echo WROTE $f; done; mkdir /tmp/c; mount -t cgroup none /tmp/c && echo MOUNTED; true'
    [[ "$output" != *WROTE* && "$output" != *MOUNTED* ]]
}

# CVE-2021-43784
@test "very long lists arrive whole" {
    config '.process.env = ([range(3000)] | map("V\(.)=" + ("x" * 40))) + ["PATH=/bin"] |
        .mounts += [range(300) | {destination: "/many/\(.)", type: "tmpfs", source: "tmpfs", options: ["size=4k"]}]'
    command_is sh -c 'env | grep -c ^V; ls /many | wc -l'
    run runtime run --bundle "$bundle" "$id" </dev/null
    [ "${lines[0]}" = 3000 ]
    [ "${lines[1]}" = 300 ]
}

# CVE-2024-40635 and its like: numbers that are no user
@test "user ids beyond the range are refused" {
    for uid in -1 4294967296 18446744073709551616 '"0"' 1.5; do
        config .
        jq '.process.user.uid = 12345678' "$bundle/config.json" | sed "s/12345678/$uid/" >"$bundle/config.new"
        mv "$bundle/config.new" "$bundle/config.json"
        run runtime run --bundle "$bundle" "$id" </dev/null
        [ "$status" -ne 0 ]
    done
}
