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
