# Further processes in a running container, and terminals.
load helpers

@test "exec: output, input, exit status, environment, user, directory" {
    start_in . sleep 100
    run runtime exec "$id" sh -c 'echo out; exit 7'
    [ "$status" -eq 7 ]
    [ "$output" = out ]
    [ "$(echo in | runtime exec "$id" cat)" = in ]
    [ "$(runtime exec -e A=b "$id" sh -c 'echo $A')" = b ]
    [[ "$(runtime exec -u 5:6 -g 9 "$id" id)" == "uid=5 gid=6 groups=9"* ]]
    [ "$(runtime exec --cwd /etc "$id" sh -c pwd)" = /etc ]
}

@test "exec is in every namespace and cgroup of the container" {
    start_in . sleep 100
    init=$(runtime state "$id" | jq .pid)
    run runtime exec "$id" sh -c 'for n in mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done'
    for name in mnt pid net ipc uts cgroup; do
        [[ "$output" == *"$(readlink /proc/$init/ns/$name)"* ]]
    done
    runtime exec --detach --pid-file "$work/pid" "$id" sleep 50 >/dev/null 2>&1 3>&-
    [ "$(cat /proc/"$(cat "$work/pid")"/cgroup)" = "$(cat /proc/"$init"/cgroup)" ]
    [ "$(runtime ps --format json "$id" | jq length)" -eq 2 ]
}

# The cgroup of process $1 in the hierarchy of controller $2 ("" is v2), below the container's own.
place_of() {
    local place
    place=$(awk -F: -v wanted="$2" '{n = split($2, c, ","); for (i = 1; i <= n || (n == 0 && i == 1); ++i) if (c[i] == wanted) print $3}' "/proc/$1/cgroup")
    echo "${place#*"/$id"}"
}
# The directories of the container's cgroup, one a hierarchy.
own_cgroups() { find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d -name "$id"; }

@test "exec --cgroup puts the process into a cgroup below the container's" {
    start_in '.linux.cgroupsPath = "/'"$id"'"' sleep 100
    init=$(runtime state "$id" | jq .pid)
    local directory controller
    own_cgroups | while read -r directory; do
        for directory in "$directory/below" "$directory/below/deeper"; do
            mkdir "$directory"
            # A new v1 cpuset takes nobody until it has something.
            for file in cpuset.cpus cpuset.mems; do
                [ ! -e "$directory/$file" ] || [ -e "$directory/cgroup.controllers" ] || cat "$directory/../$file" >"$directory/$file"
            done
        done
    done
    entered() {
        rm -f "$work/pid"
        runtime exec --detach --pid-file "$work/pid" "$@" "$id" sleep 100 </dev/null >/dev/null 2>&1 3>&-
        cat "$work/pid"
    }
    for directory in below/deeper /below/./deeper/../deeper below; do
        wanted=/$(realpath -m --relative-to=/ "/$directory")
        pid=$(entered --cgroup "$directory")
        for controller in $(cut -d: -f2 "/proc/$init/cgroup" | cut -d, -f1); do [ "$(place_of "$pid" "$controller")" = "$wanted" ]; done
        [ "$(place_of "$pid" "")" = "$wanted" ] || ! grep -q ^0:: "/proc/$init/cgroup"
    done
    pid=$(entered --cgroup /)
    [ "$(sort "/proc/$pid/cgroup")" = "$(sort "/proc/$init/cgroup")" ]
    # A controller by itself, where they have hierarchies of their own.
    if [ -d "/sys/fs/cgroup/memory/$id" ]; then
        pid=$(entered --cgroup memory:below --cgroup cpu,cpuacct:below/deeper)
        [ "$(place_of "$pid" memory)" = /below ]
        [ "$(place_of "$pid" cpu)" = /below/deeper ]
        [ "$(place_of "$pid" pids)" = "" ]
        [ "$(place_of "$init" memory)" = "" ]
        refused_cgroup --cgroup cpu:below --cgroup cpuacct:/ 'one cgroup for all its controllers' || [ ! -d "/sys/fs/cgroup/cpu,cpuacct" ]
    fi
}

# refused_cgroup FLAG... TEXT: exec fails, says so, and starts nothing.
refused_cgroup() {
    local text=${*: -1}
    run runtime exec "${@:1:$#-1}" "$id" echo started
    [ "$status" -ne 0 ] && [[ $output == *"$text"* && $output != *started* ]] || { echo "$*: $status $output" && return 1; }
}

@test "exec --cgroup refuses what is not below, or is not there" {
    start_in '.linux.cgroupsPath = "/'"$id"'"' sleep 100
    local path
    own_cgroups | while read -r path; do mkdir "$path-sibling"; done
    for path in .. ../ /../.. "../$id-sibling" below/../.. "../$id-sibling/../$id-sibling"; do
        refused_cgroup --cgroup "$path" 'is not a sub cgroup path'
    done
    refused_cgroup --cgroup nowhere 'no such file or directory'
    refused_cgroup --cgroup whaaat:/ 'unknown controller whaaat'
    refused_cgroup --cgroup :/ 'empty <controller> prefix'
    refused_cgroup --cgroup /a --cgroup /b 'missing <controller>: prefix'
    find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d -name "$id-sibling" -exec rmdir {} +
}

@test "exec has the container's filter and capabilities" {
    start_in '.annotations = {"org.berth.seccomp": "default"}' sleep 100
    run runtime exec "$id" grep -E 'Seccomp:|CapBnd|CapEff|NoNewPrivs' /proc/self/status
    [[ "$output" == *"CapBnd:	0000000020000420"* && "$output" == *"Seccomp:	2"* && "$output" == *"NoNewPrivs:	1"* ]]
}

@test "exec's errors have Docker's words" {
    start_in . sleep 100
    run runtime exec "$id" nothing
    [ "$status" -eq 1 ]
    [[ "$output" == *'exec: "nothing": executable file not found in $PATH'* ]]
    run runtime exec --cwd /nowhere "$id" true
    [[ "$output" == *'chdir to cwd ("/nowhere") set in config.json failed: no such file or directory'* ]]
    run runtime exec "$id"
    [ "$status" -eq 1 ]
    for user in -1 4294967295 4294967296 0x0 "1 " root 1: 1:x; do
        run runtime exec --user "$user" "$id" id
        [ "$status" -eq 1 ]
        [[ "$output" != *uid=* ]]
    done
}

@test "exec in a stopped or unknown container fails" {
    run runtime exec "$id" true
    [[ "$output" == *"does not exist"* ]]
    start_in . true
    stopped() { [ "$(status_of)" = stopped ]; }
    eventually stopped
    run runtime exec "$id" true
    [ "$status" -eq 1 ]
    [[ "$output" == *"stopped"* ]]
}

@test "a process document" {
    start_in . sleep 100
    jq '.process | .args = ["sh", "-c", "id; pwd; echo $X"] | .user = {uid: 3, gid: 4} | .cwd = "/tmp" | .env += ["X=y"]' \
        "$bundle/config.json" >"$work/process.json"
    run runtime exec --process "$work/process.json" "$id"
    [ "${lines[0]}" = "uid=3 gid=4" ]
    [ "${lines[1]}" = /tmp ]
    [ "${lines[2]}" = y ]
}

@test "a terminal for init: its own devpts, /dev/console, job control" {
    config '.process.terminal = true'
    command_is sh -c 'tty; test -c /dev/console && echo console; stty size; echo done'
    run script -qec "stty rows 33 cols 77; '$BERTH_BIN/berth-runtime' --root '$work/state' run --bundle '$bundle' '$id'" /dev/null
    [ "$status" -eq 0 ]
    echo "$output"
    [[ "$output" == */dev/pts/0*console*"33 77"*done* ]]
}

@test "a terminal for exec" {
    start_in . sleep 100
    run script -qec "'$BERTH_BIN/berth-runtime' --root '$work/state' exec --tty '$id' tty" /dev/null
    [[ "$output" == */dev/pts/0* ]]
}

@test "a terminal without a place to go is refused" {
    config '.process.terminal = true'
    run runtime create --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == *"console socket"* ]]
}

@test "the terminal goes to the console socket" {
    config '.process.terminal = true'
    command_is sh -c 'echo through the socket; sleep 100'
    cat >"$work/receive.py" <<'END'
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listening", flush=True)
connection, _ = server.accept()
_, ancillary, _, _ = connection.recvmsg(100, socket.CMSG_SPACE(4))
master = array.array("i", ancillary[0][2])[0]
print(os.read(master, 100).decode(), flush=True)
END
    python3 "$work/receive.py" "$work/console" >"$work/received" 3>&- &
    receiver=$!
    listening() { grep -q listening "$work/received"; }
    eventually listening
    runtime run --detach --console-socket "$work/console" --bundle "$bundle" "$id" </dev/null >/dev/null 2>&1 3>&-
    wait "$receiver"
    grep -q "through the socket" "$work/received"
}
