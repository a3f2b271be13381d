# Namespaces, mounts, users, capabilities, filters and limits as the process inside sees them.
load helpers

@test "every namespace asked for is new, and the others are the host's" {
    run_in . sh -c 'cd /proc/self/ns; for n in mnt pid net ipc uts cgroup user; do readlink $n; done'
    [ "$status" -eq 0 ]
    for name in mnt pid net ipc uts cgroup; do
        [[ "$output" != *"$(readlink /proc/self/ns/$name)"* ]]
    done
    [[ "$output" == *"$(readlink /proc/self/ns/user)"* ]]
}

@test "init is pid 1 and alone" {
    run_in . sh -c 'echo $$; ps | wc -l'
    [ "${lines[0]}" = 1 ]
    [ "${lines[1]}" -le 4 ]
}

@test "namespaces can be joined by path" {
    start_in . sleep 100
    other=$(runtime state "$id" | jq .pid)
    config ".linux.namespaces |= map(if .type == \"network\" or .type == \"ipc\" or .type == \"uts\" or .type == \"pid\"
        then .path = \"/proc/$other/ns/\" + ({network: \"net\"}[.type] // .type) else . end)
        | .hostname = \"\""
    command_is sh -c 'readlink /proc/self/ns/net; readlink /proc/self/ns/pid; ps'
    run runtime run --bundle "$bundle" "$id-second" </dev/null
    [ "$status" -eq 0 ]
    [[ "$output" == *"$(readlink /proc/$other/ns/net)"* && "$output" == *"$(readlink /proc/$other/ns/pid)"* ]]
    [[ "$output" == *"sleep 100"* ]]
}

@test "a mount namespace can be joined by path, and mounts show in their order" {
    unshare --mount sleep 100 3>&- &
    other=$!
    eventually sh -c "[ \$(readlink /proc/$other/ns/mnt) != \$(readlink /proc/self/ns/mnt) ]"
    run_in '.linux.namespaces |= map(if .type == "mount" then .path = "/proc/'$other'/ns/mnt" else . end)
        | .mounts += [{destination: "/bound", source: "/etc", options: ["bind"]}, {destination: "/after", type: "tmpfs", source: "tmpfs"}]' \
        sh -c 'readlink /proc/self/ns/mnt; test -e /bound/passwd && echo found'
    joined=$(readlink "/proc/$other/ns/mnt")
    kill "$other"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "$joined" ]
    [ "${lines[1]}" = found ]
    run_in '.mounts += [{destination: "/first", type: "tmpfs", source: "tmpfs"}, {destination: "/second", source: "/etc", options: ["bind"]},
        {destination: "/third", type: "tmpfs", source: "tmpfs"}]' awk '$5 ~ /first|second|third/ {print $5}' /proc/self/mountinfo
    [ "$(printf '%s\n' "${lines[@]}" | paste -sd,)" = /first,/second,/third ]
}

@test "a file that is no namespace is refused" {
    run_in '.linux.namespaces |= map(if .type == "network" then .path = "/etc/passwd" else . end)' true
    [ "$status" -eq 1 ]
    [[ "$output" == *"is not a namespace"* ]]
}

@test "host name, domain name, sysctls" {
    run_in '.hostname = "sail" | .linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9000"}' \
        sh -c 'hostname; cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax'
    [ "${lines[0]}" = sail ]
    [ "${lines[1]}" = 1 ]
    [ "${lines[2]}" = 9000 ]
}

@test "the loopback of a new network namespace is up" {
    run_in . ip -o link
    [[ "$output" == *"LOOPBACK,UP"* ]]
}

@test "/dev has the usual nodes and links, and nothing else" {
    run_in . sh -c 'ls /dev; stat -c "%n %t:%T %a" /dev/null /dev/zero /dev/tty; readlink /dev/fd; readlink /dev/ptmx; echo x >/dev/null'
    [ "$status" -eq 0 ]
    [[ "$output" == *"/dev/null 1:3 666"* && "$output" == *"/dev/zero 1:5 666"* && "$output" == *"/dev/tty 5:0 666"* ]]
    [[ "$output" == *"/proc/self/fd"* && "$output" == *"pts/ptmx"* ]]
    [[ "$output" != *kmsg* && "$output" != *console* ]]
}

@test "devices of the specification" {
    run_in '.linux.devices = [{type: "c", path: "/dev/net/tun", major: 10, minor: 200, fileMode: 384, uid: 7, gid: 8}]' \
        stat -c '%t:%T %a %u:%g' /dev/net/tun
    [ "$output" = "a:c8 600 7:8" ]
}

@test "bind mounts: read-only, recursive, files, missing targets" {
    mkdir -p "$work/source/below"
    echo deep >"$work/source/below/file"
    mount -t tmpfs none "$work/source/below"
    echo lower >"$work/source/below/file"
    run_in ".mounts += [
        {destination: \"/plain/dir\", source: \"$work/source\", options: [\"bind\"]},
        {destination: \"/deep\", source: \"$work/source\", options: [\"rbind\", \"ro\"]},
        {destination: \"/deepest\", source: \"$work/source\", options: [\"rbind\", \"rro\"]},
        {destination: \"/etc/one/file\", source: \"$canary/file\", options: [\"bind\", \"ro\"]}]" \
        sh -c 'cat /plain/dir/below/file; cat /deep/below/file; touch /deep/x; touch /deep/below/ok && echo writable
               touch /deepest/below/x; cat /etc/one/file; echo y >/etc/one/file'
    umount "$work/source/below"
    [ "${lines[0]}" = deep ]
    [ "${lines[1]}" = lower ]
    [[ "${lines[2]}" == *"Read-only"* ]]
    [ "${lines[3]}" = writable ]
    [[ "${lines[4]}" == *"Read-only"* ]]
    [ "${lines[5]}" = untouched ]
    [[ "${lines[6]}" == *"Read-only"* ]]
}

@test "mounts made on the host afterwards follow only where that was asked for, and none gets out" {
    mkdir -p "$work/source"
    mount -t tmpfs none "$work/source"
    mount --make-shared "$work/source"
    mkdir "$work/source/late" "$work/source/mine"
    start_in ".mounts += [
        {destination: \"/private\", source: \"$work/source\", options: [\"rbind\", \"rprivate\"]},
        {destination: \"/slave\", source: \"$work/source\", options: [\"rbind\", \"rslave\"]}] |
        .process.capabilities.bounding += [\"CAP_SYS_ADMIN\"] | .process.capabilities.effective += [\"CAP_SYS_ADMIN\"] |
        .process.capabilities.permitted += [\"CAP_SYS_ADMIN\"]" sleep 100
    mount -t tmpfs none "$work/source/late"
    touch "$work/source/late/here"
    run runtime exec "$id" ls /private/late /slave/late
    runtime exec "$id" mount -t tmpfs none /slave/mine
    runtime exec "$id" touch /slave/mine/inside
    leaked=$(ls "$work/source/mine")
    umount -R "$work/source"
    [ "$(grep -c here <<<"$output")" -eq 1 ]
    [ -z "$leaked" ]
}

@test "tmpfs: size, mode, copy up, read-only" {
    echo image >"$rootfs/tmp/from-image"
    chmod 1777 "$rootfs/tmp"
    run_in '.mounts += [
        {destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "tmpcopyup", "size=1m"]},
        {destination: "/run", type: "tmpfs", source: "tmpfs", options: ["ro", "mode=711"]}]' \
        sh -c 'cat /tmp/from-image; stat -c %a /tmp /run; touch /run/x; dd if=/dev/zero of=/tmp/big bs=1M count=2 2>&1 | grep -o "No space"'
    [ "${lines[0]}" = image ]
    [ "${lines[1]}" = 1777 ]
    [ "${lines[2]}" = 711 ]
    [[ "${lines[3]}" == *"Read-only"* ]]
    [ "${lines[4]}" = "No space" ]
    [ ! -e "$rootfs/tmp/big" ]
}

@test "a read-only root" {
    run_in '.root.readonly = true' sh -c 'touch /x; touch /dev/x && echo dev'
    [[ "${lines[0]}" == *"Read-only"* ]]
    [ "${lines[1]}" = dev ]
}

@test "masked paths are empty, read-only paths are" {
    run_in . sh -c 'wc -c </proc/keys; ls -A /sys/firmware | wc -l; echo 1 >/proc/sys/vm/swappiness; echo x >/proc/sys/kernel/core_pattern; true'
    [ "${lines[0]}" = 0 ]
    [ "${lines[1]}" = 0 ]
    [[ "${lines[2]}" == *"Read-only"* && "${lines[3]}" == *"Read-only"* ]]
}

@test "cgroups inside: one's own, read-only" {
    run_in . sh -c 'cat /proc/self/cgroup; ls /sys/fs/cgroup; mkdir /sys/fs/cgroup/memory/x /sys/fs/cgroup/x'
    [[ "$output" != *berth-test* ]]
    [[ "$output" == *"Read-only"* ]]
}

@test "user, groups and umask" {
    run_in '.process.user = {uid: 1000, gid: 1001, additionalGids: [5, 6], umask: 63}' sh -c 'id; touch /tmp/x; umask'
    [[ "$output" == *"uid=1000 gid=1001 groups=5"*"6"* ]]
    [[ "$output" == *0077* ]]
}

@test "the five sets of capabilities" {
    run_in '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"], permitted: ["CAP_CHOWN", "CAP_KILL"],
        effective: ["CAP_CHOWN"], inheritable: [], ambient: []}' grep Cap /proc/self/status
    [ "$(awk '{print $1 $2}' <<<"$output" | tr '\n' ' ')" = \
        "CapInh:0000000000000000 CapPrm:0000000000000021 CapEff:0000000000000021 CapBnd:0000000000000021 CapAmb:0000000000000000 " ]
    # Another user than root gets what is ambient, and nothing else.
    run_in '.process.user.uid = 7 | .process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"], permitted: ["CAP_CHOWN", "CAP_KILL"],
        effective: ["CAP_CHOWN"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}' grep -E 'CapPrm|CapEff' /proc/self/status
    [[ "$output" == *"CapPrm:"*"20"*"CapEff:"*"20"* ]]
    run_in 'del(.process.capabilities)' grep CapBnd /proc/self/status
    [[ "$output" == *0000000000000000 ]]
}

@test "no_new_privs as asked" {
    run_in '.process.noNewPrivileges = true' grep NoNewPrivs /proc/self/status
    [[ "$output" == *1 ]]
    run_in '.process.noNewPrivileges = false' grep NoNewPrivs /proc/self/status
    [[ "$output" == *0 ]]
}

@test "limits, and one that cannot be raised stays" {
    run_in '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 64, hard: 128}]' sh -c 'ulimit -Sn; ulimit -Hn'
    [ "${lines[0]}" = 64 ]
    [ "${lines[1]}" = 128 ]
    run_in '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 9000000, hard: 9000000}]' sh -c 'ulimit -Hn'
    [ "$status" -eq 0 ]
    run_in '.process.rlimits = [{type: "RLIMIT_NONSENSE", soft: 1, hard: 1}]' true
    [[ "$output" == *RLIMIT_NONSENSE* ]]
}

@test "a seccomp profile of the specification" {
    run_in '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
        syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 123}]}' \
        sh -c 'grep Seccomp: /proc/self/status; mkdir /tmp/x'
    [[ "$output" == *"Seccomp:"*2* ]]
    [[ "$output" == *"No medium found"* ]]
}

@test "the default profile, without and with CAP_SYS_ADMIN, from the cache and not" {
    for round in compiled cached; do
        run_in '.annotations = {"org.berth.seccomp": "default"} | .process.noNewPrivileges = false' \
            sh -c 'grep Seccomp: /proc/self/status; ls >/dev/null && echo works'
        [[ "$output" == *2*works* ]]
    done
    [ "$(ls "$work/state/.seccomp" | wc -l)" -eq 1 ]
    run_in '.annotations = {"org.berth.seccomp": "default"} | .process.noNewPrivileges = false |
        .process.capabilities.bounding += ["CAP_SYS_ADMIN"] | .process.capabilities.effective += ["CAP_SYS_ADMIN"] |
        .process.capabilities.permitted += ["CAP_SYS_ADMIN"]' sh -c 'mount -t tmpfs none /tmp && echo mounted'
    [[ "$output" == *mounted* ]]
}

@test "a damaged filter in the cache is not used" {
    run_in '.annotations = {"org.berth.seccomp": "default"}' true
    for file in "$work"/state/.seccomp/*; do head -c 100 /dev/zero >"$file"; done
    run_in '.annotations = {"org.berth.seccomp": "default"}' grep Seccomp: /proc/self/status
    [[ "$output" == *2 ]]
}

@test "limits of the cgroup hold" {
    needs_controller memory
    needs_controller pids
    run_in '.linux.resources.pids = {limit: 5} | .linux.resources.memory = {limit: 33554432}' \
        sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done 2>/dev/null; true'
    [[ "$output" == *"fork"* ]] || [ "$status" -ne 0 ]
    run_in '.linux.resources.memory = {limit: 33554432, swap: 33554432}' \
        sh -c 'dd if=/dev/zero of=/dev/null bs=64M count=1'
    [ "$status" -eq 137 ] || [[ "$output" == *"out of memory"* ]]
}

@test "devices that are not allowed cannot be opened" {
    run_in '.process.capabilities.bounding += ["CAP_MKNOD"] | .process.capabilities.effective += ["CAP_MKNOD"] |
        .process.capabilities.permitted += ["CAP_MKNOD"]' \
        sh -c 'mknod /tmp/kmsg c 1 11; cat /tmp/kmsg; mknod /tmp/zero c 1 5; head -c 2 /tmp/zero | wc -c'
    [[ "$output" == *"Operation not permitted"* ]]
    [[ "$output" == *2 ]]
}

@test "a user namespace with its maps" {
    chmod -R go+rX "$bundle"
    run_in '.linux.namespaces += [{type: "user"}] |
        .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] |
        .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 1000}]' \
        sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id; echo x >/dev/null && echo null; stat -c %u /dev /dev/shm /dev/mqueue /proc/1'
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" == *0*100000*1000* && "${lines[1]}" == *0*200000*1000* ]]
    [[ "${lines[2]}" == "uid=0"* ]]
    [ "${lines[3]}" = null ]
    [ "$(printf '%s' "${lines[@]:4}")" = 0000 ]
}

@test "a first process that is slow to tell of its successor is waited for" {
    command -v strace >/dev/null || skip "strace is not installed"
    chmod -R go+rX "$bundle"
    config '.linux.namespaces += [{type: "user"}] |
        .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] |
        .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 1000}]'
    command_is sh -c 'echo pid $$'
    # Its second message is that word: held up for half a second, while the successor could do all of its work.
    run timeout 60 strace -f -qq -o "$work/trace" -e trace=sendmsg -e inject=sendmsg:delay_enter=500000:when=2 \
        "$BERTH_BIN/berth-runtime" --root "$work/state" run --bundle "$bundle" "$id" </dev/null
    cat "$work/trace"
    [ "$status" -eq 0 ]
    [ "$output" = "pid 1" ]
    grep -q DELAYED "$work/trace"
}

@test "the working directory is made when it is missing" {
    run_in '.process.cwd = "/new/work"' sh -c pwd
    [ "$output" = /new/work ]
}

@test "the environment is what the specification says" {
    run_in '.process.env = ["PATH=/bin", "ONLY=this"]' env
    [[ "$output" == *ONLY=this* ]]
    [[ "$output" != *HOME=* ]]
}

@test "a user namespace and a network namespace of the host's together" {
    chmod -R go+rX "$bundle"
    start_in . sleep 100
    other=$(runtime state "$id" | jq .pid)
    config ".linux.namespaces |= map(if .type == \"network\" then .path = \"/proc/$other/ns/net\" else . end) |
        .linux.namespaces += [{type: \"user\"}] |
        .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] |
        .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 1000}]"
    command_is sh -c 'readlink /proc/self/ns/net; echo pid $$; ls /sys/class/net'
    run runtime run --bundle "$bundle" "$id-second" </dev/null
    [ "$status" -eq 0 ]
    [[ "$output" == *"$(readlink /proc/$other/ns/net)"*"pid 1"*lo* ]]
}

@test "a user namespace joined by path" {
    chmod -R go+rX "$bundle"
    local maps='.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] |
        .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 1000}]'
    start_in ".linux.namespaces += [{type: \"user\"}] | $maps" sleep 100
    other=$(runtime state "$id" | jq .pid)
    config ".linux.namespaces |= map(if .type == \"network\" or .type == \"ipc\"
            then .path = \"/proc/$other/ns/\" + ({network: \"net\"}[.type] // .type) else . end) |
        .linux.namespaces += [{type: \"user\", path: \"/proc/$other/ns/user\"}]"
    command_is sh -c 'readlink /proc/self/ns/user; readlink /proc/self/ns/net; echo pid $$; id -u'
    run runtime run --bundle "$bundle" "$id-second" </dev/null
    [ "$status" -eq 0 ]
    [[ "$output" == *"$(readlink /proc/$other/ns/user)"*"$(readlink /proc/$other/ns/net)"*"pid 1"*0 ]]
}

@test "without root: a user namespace of the caller's own" {
    command -v setpriv >/dev/null || skip "setpriv is not installed"
    chmod 755 "$BERTH_BIN" 2>/dev/null || true
    mkdir "$work/xdg"
    rm "$bundle/config.json" 2>/dev/null || true
    chown -R 1000:1000 "$bundle" "$work/xdg"
    cp "$BERTH_BIN/berth-runtime" "$work/berth-runtime"
    user() { XDG_RUNTIME_DIR=$work/xdg setpriv --reuid 1000 --regid 1000 --clear-groups "$work/berth-runtime" "$@"; }
    user spec --rootless --bundle "$bundle"
    jq '.process.terminal = false' "$bundle/config.json" >"$bundle/config.new"
    mv "$bundle/config.new" "$bundle/config.json"
    command_is sh -c 'id -u; echo x >/dev/null && echo null; cat /proc/self/uid_map'
    run user run --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = 0 ]
    [ "${lines[1]}" = null ]
    [[ "${lines[2]}" == *0*1000*1* ]]
}
