# What came to the runtime specification after 1.0: time namespaces, mapped owners, network devices, supervised system calls,
# schedulers and policies.
load helpers

@test "a time namespace with its offsets" {
    run_in '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {monotonic: {secs: 86400, nanosecs: 5}, boottime: {secs: 864000}}' \
        sh -c 'echo pid $$; cat /proc/uptime; cat /proc/self/timens_offsets; readlink /proc/self/ns/time'
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "pid 1" ]
    [ "${lines[1]%%.*}" -ge 864000 ]
    [[ "$output" == *monotonic*86400*5* && "$output" == *boottime*864000* ]]
    [[ "$output" != *"$(readlink /proc/self/ns/time)"* ]]
    [ "$(cut -d. -f1 /proc/uptime)" -lt 800000 ]
}

@test "exec is in the time namespace, and a second container joins it by path" {
    start_in '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 864000}}' sleep 100
    [ "$(runtime exec "$id" cut -d. -f1 /proc/uptime 2>/dev/null || runtime exec "$id" awk '{print int($1)}' /proc/uptime)" -ge 864000 ]
    init=$(runtime state "$id" | jq .pid)
    config ".linux.namespaces += [{type: \"time\", path: \"/proc/$init/ns/time\"}]"
    command_is readlink /proc/self/ns/time
    run runtime run --bundle "$bundle" "$id-second" </dev/null
    [ "$output" = "$(readlink "/proc/$init/ns/time")" ]
}

@test "a time namespace inside a user namespace" {
    chmod -R go+rX "$bundle"
    run_in '.linux.namespaces += [{type: "time"}, {type: "user"}] | .linux.timeOffsets = {boottime: {secs: 864000}} |
        .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] |
        .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 1000}]' awk '{print int($1)}' /proc/uptime
    [ "$status" -eq 0 ]
    [ "$output" -ge 864000 ]
}

@test "offsets without a new time namespace are refused" {
    run_in '.linux.timeOffsets = {monotonic: {secs: 1}}' true
    [ "$status" -eq 1 ]
    [[ "$output" == *"linux.timeOffsets needs a new time namespace"* ]]
}

@test "owners of a bind mount are mapped" {
    mkdir "$work/owned"
    touch "$work/owned/file"
    chown 100005:100006 "$work/owned/file"
    run_in ".mounts += [{destination: \"/mapped\", source: \"$work/owned\", options: [\"rbind\", \"ridmap\"],
        uidMappings: [{containerID: 100000, hostID: 0, size: 1000}], gidMappings: [{containerID: 100000, hostID: 0, size: 1000}]}]" \
        stat -c '%u:%g' /mapped/file
    [ "$status" -eq 0 ]
    [ "$output" = 5:6 ]
    run_in ".mounts += [{destination: \"/mapped\", source: \"$work/owned\", options: [\"bind\", \"idmap\"]}]" true
    [ "$status" -eq 1 ]
    [[ "$output" == *"needs uidMappings"* ]]
}

@test "recursive attributes" {
    mkdir -p "$work/source/below"
    mount -t tmpfs none "$work/source/below"
    run_in ".mounts += [{destination: \"/x\", source: \"$work/source\", options: [\"rbind\", \"rnosuid\", \"rnodev\", \"rnoexec\", \"rnoatime\"]}]" \
        grep ' /x' /proc/self/mountinfo
    umount "$work/source/below"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'nosuid,nodev,noexec,noatime' <<<"$output")" -eq 2 ]
}

@test "a network device moves in with its address and its new name" {
    ip link add berthtest0 type dummy || skip "no dummy network device here"
    ip addr add 192.0.2.7/24 dev berthtest0
    ip addr add 2001:db8::7/64 dev berthtest0 nodad 2>/dev/null || true
    run_in '.linux.netDevices = {berthtest0: {name: "in0"}}' sh -c 'ip -o addr show dev in0; ip -o link show dev in0'
    ip link del berthtest0 2>/dev/null || true
    [ "$status" -eq 0 ]
    [[ "$output" == *192.0.2.7/24* && "$output" == *"UP"* ]]
    run_in '.linux.netDevices = {nosuchdevice: {}}' true
    [ "$status" -eq 1 ]
    [[ "$output" == *nosuchdevice* ]]
    run_in '.linux.netDevices = {lo: {name: "a/b"}}' true
    [ "$status" -eq 1 ]
    [[ "$output" == *"is not the name of a network device"* ]]
}

@test "scheduler, I/O priority, personality and memory policy" {
    run_in '.process.scheduler = {policy: "SCHED_BATCH", nice: 5}' sh -c 'cut -d" " -f19,41 /proc/self/stat 2>/dev/null || awk "{print \$19, \$41}" /proc/self/stat'
    [ "$output" = "5 3" ]
    run_in '.process.scheduler = {policy: "SCHED_WHENEVER"}' true
    [ "$status" -eq 1 ]
    [[ "$output" == *"unknown scheduler policy SCHED_WHENEVER"* ]]
    run_in '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}' true
    [ "$status" -eq 0 ]
    run_in '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 9}' true
    [ "$status" -eq 1 ]
    run_in '.linux.personality = {domain: "LINUX32"}' cat /proc/self/personality
    [[ "$output" == *8 ]]
    run_in '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0"}' sh -c 'grep -q bind:0 /proc/self/numa_maps && echo bound'
    [ "$output" = bound ] || [[ "$output" == *ENOSYS* ]]
}

@test "exec runs on the processors it was given" {
    config .
    jq '.process | .args = ["grep", "Cpus_allowed_list", "/proc/self/status"] | .execCPUAffinity = {initial: "0", final: "0"} | .terminal = false' \
        "$bundle/config.json" >"$work/process.json"
    start_in . sleep 100
    run runtime exec --process "$work/process.json" "$id"
    [ "$status" -eq 0 ]
    [[ "$output" == *0 ]]
    jq '.execCPUAffinity = {initial: "x"}' "$work/process.json" >"$work/wrong.json"
    run runtime exec --process "$work/wrong.json" "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"is not a list such as 0-3,7"* ]]
}

# A supervisor that answers every mkdir with its own errno.
supervisor() {
    cat >"$work/supervisor.py" <<'END'
import array, fcntl, json, os, socket, struct, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listening", flush=True)
connection, _ = server.accept()
text, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4))
fd = array.array("i", ancillary[0][2][:4])[0]
open(sys.argv[2], "wb").write(text)
request = bytearray(80)
fcntl.ioctl(fd, 0xC0502100, request)
ident = struct.unpack_from("Q", request)[0]
fcntl.ioctl(fd, 0xC0182101, struct.pack("QqiI", ident, 0, -123, 0))
END
    python3 "$work/supervisor.py" "$work/listener" "$work/told" >"$work/supervisor.out" 2>&1 3>&- &
    supervisor=$!
    listening() { grep -q listening "$work/supervisor.out"; }
    eventually listening
}

@test "a supervisor decides about system calls: run, create and start, exec" {
    local profile=".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", listenerPath: \"$work/listener\", listenerMetadata: \"hello\",
        syscalls: [{names: [\"mkdir\", \"mkdirat\"], action: \"SCMP_ACT_NOTIFY\"}]}"
    supervisor
    run_in "$profile" mkdir /tmp/x
    wait "$supervisor"
    [[ "$output" == *"No medium found"* ]]
    [ "$(jq -r '.fds[0] + " " + .metadata + " " + .state.id' "$work/told")" = "seccompFd hello $id" ]
    [ "$(jq .pid "$work/told")" -gt 1 ]

    rm "$work/listener"
    supervisor
    config "$profile"
    command_is mkdir /tmp/x
    runtime create --bundle "$bundle" "$id" </dev/null >"$work/out" 2>&1 3>&-
    pid=$(runtime state "$id" | jq .pid)
    runtime start "$id"
    wait "$supervisor"
    said() { grep -q "No medium found" "$work/out"; }
    eventually said
    [ "$(jq .pid "$work/told")" = "$pid" ]
}

@test "a profile that cannot be supervised is refused" {
    run_in '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}]}' true
    [ "$status" -eq 1 ]
    [[ "$output" == *"needs listenerPath"* ]]
    run_in ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", listenerPath: \"$work/nobody\", syscalls: [{names: [\"sendmsg\"], action: \"SCMP_ACT_NOTIFY\"}]}" true
    [[ "$output" == *"cannot be used for sendmsg"* ]]
    run_in ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", listenerPath: \"$work/nobody\", syscalls: [{names: [\"mkdir\"], action: \"SCMP_ACT_NOTIFY\"}]}" true
    [ "$status" -eq 1 ]
    [[ "$output" == *"seccomp listener"* ]]
}

@test "the root's propagation, shared too" {
    for word in shared slave private unbindable; do
        run_in ".linux.rootfsPropagation = \"$word\"" awk '$5 == "/"' /proc/self/mountinfo
        [ "$status" -eq 0 ]
        case $word in
            shared) [[ "$output" == *shared:* ]] ;;
            unbindable) [[ "$output" == *unbindable* ]] ;;
            private) [[ "$output" != *shared:* && "$output" != *master:* ]] ;;
        esac
    done
}

@test "without a mount namespace of its own" {
    run_in '.linux.namespaces |= map(select(.type != "mount"))' sh -c 'readlink /proc/self/ns/mnt; ls /'
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "$(readlink /proc/self/ns/mnt)" ]
    [[ "$output" == *etc* ]]
}

@test "a limit below what is in use is refused when that is to be checked" {
    needs_controller memory
    start_in . sh -c 'x=$(head -c 20000000 /dev/zero | tr "\0" x); echo big; sleep 100; true'
    big() { grep -q big "$work/out"; }
    eventually big
    echo '{"memory": {"limit": 4194304, "checkBeforeUpdate": true}}' >"$work/resources"
    run runtime update --resources "$work/resources" "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"is below the"*"in use"* ]]
    [ "$(status_of)" = running ]
}
