# create, start, kill, delete and what else goes by the container's id.
load helpers

@test "run gives the program's exit status and leaves nothing" {
    run_in . sh -c 'echo out; echo err >&2; exit 42'
    [ "$status" -eq 42 ]
    [[ "$output" == *out* && "$output" == *err* ]]
    run runtime state "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"container does not exist"* ]]
}

@test "a program killed by a signal exits with 128 and the signal" {
    run_in . sh -c 'sh -c "kill -KILL \$\$"; exit $?'
    [ "$status" -eq 137 ]
}

@test "create, start, state, kill, delete" {
    config .
    command_is sleep 100
    runtime create --bundle "$bundle" --pid-file "$work/pid" "$id" </dev/null >/dev/null 2>&1 3>&-
    [ "$(status_of)" = created ]
    [ "$(runtime state "$id" | jq .pid)" = "$(cat "$work/pid")" ]
    runtime start "$id"
    [ "$(status_of)" = running ]
    run runtime start "$id"
    [ "$status" -eq 1 ]
    run runtime delete "$id"
    [ "$status" -eq 1 ]
    [[ "$output" == *"is not stopped"* ]]
    runtime kill "$id" KILL
    stopped() { [ "$(status_of)" = stopped ]; }
    eventually stopped
    run runtime kill "$id" KILL
    [ "$status" -eq 1 ]
    [[ "$output" == *"container not running"* ]]
    runtime delete "$id"
}

@test "a created container can be deleted without having been started" {
    config .
    command_is sleep 100
    runtime create --bundle "$bundle" "$id" </dev/null >/dev/null 2>&1 3>&-
    runtime delete "$id"
}

@test "an id is taken once, and only names are ids" {
    start_in . sleep 100
    run runtime run --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == *"already exists"* ]]
    for bad in ../x a/b .hidden "" "a b"; do
        run runtime run --bundle "$bundle" "$bad" </dev/null
        [ "$status" -eq 1 ]
        run runtime delete --force "$bad"
        [ "$status" -ne 0 ]
    done
    [ "$(status_of)" = running ]
}

@test "the error of a start comes back, and a failed creation leaves nothing" {
    config .
    command_is /bin/nothing
    run runtime create --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == *"stat /bin/nothing: no such file or directory"* ]]
    [ -z "$(runtime list -q)" ]
}

@test "errors have Docker's words" {
    echo text >"$rootfs/etc/text"
    printf 'no program' >"$rootfs/etc/garbage"
    chmod +x "$rootfs/etc/garbage"
    run_in . nothing
    [[ "$output" == *'exec: "nothing": executable file not found in $PATH'* ]]
    run_in . /etc/text
    [[ "$output" == *'exec: "/etc/text": permission denied'* ]]
    run_in . /etc
    [[ "$output" == *'exec: "/etc": is a directory'* ]]
    run_in . /etc/garbage
    [[ "$output" == *'exec format error'* ]]
    run_in '.process.cwd = "/etc/text"' true
    [[ "$output" == *'chdir to cwd ("/etc/text") set in config.json failed: not a directory'* ]]
    run_in '.mounts += [{destination: "/x", type: "bind", source: "/does/not/exist", options: ["rbind"]}]' true
    [ "$status" -eq 1 ]
    [[ "$output" == *'/does/not/exist'* && "$output" == *'o such file or directory'* ]]
}

@test "a broken config.json is refused with its place" {
    config '.linux.namespaces[0].type = 3'
    run runtime run --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == *"linux.namespaces[0].type is not a string"* ]]
    echo '{"ociVersion": "1.0.2", ' >"$bundle/config.json"
    run runtime run --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 1 ]
    config '.ociVersion = "2.0.0"'
    run runtime run --bundle "$bundle" "$id" </dev/null
    [[ "$output" == *"ociVersion"* ]]
}

@test "errors go to the log as JSON lines" {
    config .
    command_is nothing
    run runtime --log "$work/log" --log-format json run --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 1 ]
    [ "$(jq -r .level "$work/log")" = error ]
    [[ "$(jq -r .msg "$work/log")" == *"executable file not found"* ]]
}

@test "pause stops everything and resume lets it go on" {
    start_in . sh -c 'while :; do echo tick; sleep 0.01; done'
    runtime pause "$id"
    [ "$(status_of)" = paused ]
    before=$(wc -c <"$work/out")
    sleep 0.1
    [ "$(wc -c <"$work/out")" -eq "$before" ]
    run runtime exec "$id" true
    [ "$status" -ne 0 ]
    runtime resume "$id"
    [ "$(status_of)" = running ]
    grew() { [ "$(wc -c <"$work/out")" -gt "$before" ]; }
    eventually grew
}

@test "delete --force kills a paused container" {
    start_in . sleep 100
    runtime pause "$id"
    runtime delete --force "$id"
    run runtime state "$id"
    [ "$status" -eq 1 ]
}

@test "signals to run reach the program" {
    config .
    command_is sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'
    "$BERTH_BIN/berth-runtime" --root "$work/state" run --bundle "$bundle" "$id" </dev/null >"$work/out" 2>&1 3>&- &
    pid=$!
    ready() { grep -q ready "$work/out"; }
    eventually ready
    kill -TERM "$pid"
    wait "$pid" && false || [ $? -eq 9 ]
}

@test "ps, list, events and update" {
    needs_controller memory
    needs_controller pids
    start_in . sleep 100
    [ "$(runtime ps --format json "$id" | jq length)" -eq 1 ]
    [ "$(runtime list --format json | jq -r '.[0].id')" = "$id" ]
    runtime update --memory 64m --pids-limit 17 "$id"
    [ "$(runtime events --stats "$id" | jq .data.memory.usage.limit)" -eq 67108864 ]
    [ "$(runtime events --stats "$id" | jq .data.pids.limit)" -eq 17 ]
    echo '{"memory": {"limit": 33554432}}' | runtime update --resources - "$id"
    [ "$(runtime events --stats "$id" | jq .data.memory.usage.limit)" -eq 33554432 ]
    run runtime update --memory lots "$id"
    [ "$status" -eq 1 ]
}

@test "hooks run in their order, with the state and a clean environment" {
    config ".hooks = {
        prestart: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"echo prestart >>$work/hooks; cat >$work/state-seen\"]}],
        createRuntime: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"echo createRuntime >>$work/hooks; env >$work/env-seen; pwd >>$work/env-seen\"], env: [\"ONLY=this\"]}],
        createContainer: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"echo createContainer >>$work/hooks\"]}],
        startContainer: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"echo startContainer >/hook-inside\"]}],
        poststart: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"echo poststart >>$work/hooks\"]}],
        poststop: [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \"echo poststop >>$work/hooks\"]}]} |
        .process.env += [\"LD_PRELOAD=/evil.so\"]"
    command_is cat /hook-inside
    run runtime run --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 0 ]
    [[ "$output" == *startContainer* ]]
    [ "$(tr '\n' ' ' <"$work/hooks")" = "prestart createRuntime createContainer poststart poststop " ]
    [ "$(jq -r .id "$work/state-seen")" = "$id" ]
    grep -q ONLY=this "$work/env-seen"
    run grep -E 'LD_PRELOAD|HOME' "$work/env-seen"
    [ "$status" -eq 1 ]
}

@test "a failing hook fails the creation, with what it said" {
    config '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "echo no way; exit 3"]}]}'
    command_is true
    run runtime run --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == *"createRuntime hook #0"*"exit status 3: no way"* ]]
    config '.hooks = {createRuntime: [{path: "/bin/sleep", args: ["sleep", "10"], timeout: 1}]}'
    run runtime run --bundle "$bundle" "$id" </dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == *"ran longer than 1 s"* ]]
}

@test "features and version are documents" {
    runtime features | jq -e '.linux.namespaces | index("user")'
    runtime --version | grep -q "spec: 1"
}
