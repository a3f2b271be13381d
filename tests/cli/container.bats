bats_require_minimum_version 1.5.0
load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() {
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f -v $ids >/dev/null
}

@test "run passes output, error output, input and the exit status" {
    run --separate-stderr berth run --rm busybox sh -c 'echo out; echo err >&2; exit 7'
    [ "$status" -eq 7 ]
    [ "$output" = out ]
    [ "$stderr" = err ]
    [ "$(printf 'a\nb\n' | berth run --rm -i busybox wc -l)" = 2 ]
    [ -z "$(berth ps -aq)" ]
}

@test "run -i carries megabytes of any bytes both ways" {
    # Detach keys (0x10 0x11) among the bytes are data, since there is no terminal.
    { head -c 3000000 /dev/urandom; printf '\020\021'; head -c 1000000 /dev/urandom; } >bytes
    timeout 60 berth run --rm -i busybox cat <bytes >back
    cmp bytes back
}

@test "run explains starts that fail, with the statuses of docker" {
    run -127 berth run --rm busybox nosuchprogram
    [ "$status" -eq 127 ]
    run berth run --rm busybox /etc/passwd
    [ "$status" -eq 126 ]
    run berth run --rm --pull never nosuchimage
    [ "$status" -eq 125 ]
    run berth run --rm -p 99999:80 busybox
    [ "$status" -eq 125 ]
    [[ "$output" == *"ports go from 1 to 65535"* ]]
    run berth run --nosuchflag busybox
    [ "$status" -eq 125 ]
    [ -z "$(berth ps -aq)" ]
}

@test "run -v names the nearest source instead of making one up" {
    mkdir site
    run berth run --rm -v "$PWD/stie:/srv" busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *"did you mean $PWD/site?"* ]]
    [ ! -e stie ]
    echo content >site/file
    [ "$(berth run --rm -v ./site:/srv:ro busybox cat /srv/file)" = content ]
}

@test "a terminal has our size, and detach keys leave the container running" {
    run with_terminal "stty rows 33 cols 99; berth run --rm -it busybox stty size"
    [[ "$output" == *"33 99"* ]]
    berth run -d -it --name shell busybox sh
    # Typed again and again: keys from before the terminal is the container's are none. The end of the command ends the typing.
    { for i in $(seq 60); do sleep 0.5; printf '\020\021' || break; done; } 2>/dev/null | with_terminal "berth attach shell"
    [ "$(berth inspect -f '{{.State.Running}}' shell)" = true ]
    run berth run --rm -it busybox true </dev/null
    [[ "$output" == *"not a TTY"* ]]
}

@test "signals go to the container" {
    berth run --rm --name traps busybox sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done' >out &
    client=$!
    until grep -q ready out; do sleep 0.05; done
    kill -TERM $client
    local code=0
    wait $client || code=$?
    [ "$code" -eq 9 ]
}

@test "environment comes from flags, files and our own" {
    printf '# note\nFROM_FILE=1\nOURS\n' >env
    export OURS=2
    run berth run --rm --env-file env -e FLAG=3 -e OURS -e ABSENT busybox env
    [[ "$output" == *FROM_FILE=1* && "$output" == *OURS=2* && "$output" == *FLAG=3* && "$output" != *ABSENT* ]]
}

@test "--cidfile is written, and never overwritten" {
    berth run -d --cidfile id busybox sleep 60 >printed
    [ "$(cat id)" = "$(cat printed)" ]
    run berth run -d --cidfile id busybox true
    [ "$status" -eq 125 ]
}

@test "exec passes streams and the exit status" {
    berth run -d --name box busybox sleep 600 >/dev/null
    run berth exec -e A=1 -w /tmp box sh -c 'echo $A $PWD; exit 5'
    [ "$status" -eq 5 ]
    [ "$output" = "1 /tmp" ]
    [ "$(echo in | berth exec -i box cat)" = in ]
    run -127 berth exec box nosuchprogram
    [ "$status" -eq 127 ]
}

@test "ps, inspect and port answer templates, json and filters" {
    berth run -d --name web -l tier=front -p 127.0.0.1:18080:80 busybox sleep 600 >/dev/null
    berth create --name cold busybox true >/dev/null
    [ "$(berth ps --format '{{.Names}} {{.Label "tier"}} {{.Ports}}')" = "web front 127.0.0.1:18080->80/tcp" ]
    [ "$(berth ps -a --filter status=created --format '{{.Names}}')" = cold ]
    berth ps --format json | jq -e '.Names == "web" and .State == "running"'
    [ "$(berth ps --format 'table {{.Names}}' | head -1)" = NAMES ]
    [ "$(berth inspect -f '{{.State.Status}} {{range $p, $b := .NetworkSettings.Ports}}{{$p}}={{(index $b 0).HostPort}}{{end}}' web)" = "running 80/tcp=18080" ]
    [ "$(berth port web 80)" = 127.0.0.1:18080 ]
    run berth ps --format '{{.Nmaes}}'
    [ "$status" -eq 1 ]
    [[ "$output" == *".Names"* ]]
    run berth inspect nosuch
    [ "$status" -eq 1 ]
    [[ "$output" == *"No such object: nosuch"* ]]
}

@test "cp copies files, folders, links and archives both ways" {
    berth run -d --name box busybox sleep 600 >/dev/null
    mkdir -p tree/deep && echo 1 >tree/deep/file && ln -s file tree/deep/link && ln tree/deep/file tree/deep/twin
    berth cp tree box:/tmp
    [ "$(berth exec box cat /tmp/tree/deep/link)" = 1 ]
    berth cp tree/. box:/root
    [ "$(berth exec box cat /root/deep/twin)" = 1 ]
    berth cp box:/tmp/tree back
    diff -r tree back
    [ "$(readlink back/deep/link)" = file ]
    berth cp tree/deep/file box:/tmp/renamed
    [ "$(berth exec box cat /tmp/renamed)" = 1 ]
    berth cp box:/tmp/renamed - | tar xO | grep -qx 1
    tar -C tree -c deep | berth cp - box:/var
    [ "$(berth exec box cat /var/deep/file)" = 1 ]
    run berth cp box:/nosuch .
    [ "$status" -eq 1 ]
    run berth cp tree/deep/file box:/nosuch/
    [ "$status" -eq 1 ]
}

@test "the verbs of a container's life" {
    berth run -d --name life busybox sleep 600 >/dev/null
    [ "$(berth pause life)" = life ]
    [[ "$(berth ps --format '{{.Status}}')" == *Paused* ]]
    berth unpause life && berth rename life lived && berth update --memory 64m lived && berth restart -t 0 lived
    [ "$(berth inspect -f '{{.HostConfig.Memory}}' lived)" = 67108864 ]
    berth kill lived
    [ "$(berth wait lived)" = 137 ]
    run berth rm nosuch lived
    [ "$status" -eq 1 ]
    [[ "$output" == *lived* ]]
    run berth rm -f nosuch
    [ "$status" -eq 0 ]
}

@test "logs, top, diff, commit and export" {
    berth run -d --name box busybox sh -c 'touch /made; echo one; sleep 0.5; echo two >&2; exec sleep 600' >/dev/null
    until berth logs box 2>&1 | grep -q two; do sleep 0.05; done
    [ "$(berth logs box 2>/dev/null)" = one ]
    [ "$(berth logs --tail 1 box 2>&1)" = two ]
    berth logs -t box | grep -qE '^[0-9]{4}-.*Z one$'
    berth top box | grep -q 'sleep 600'
    berth diff box | grep -qx 'A /made'
    berth commit -m 'a note' box made:1 >/dev/null
    berth run --rm made:1 ls /made
    berth export -o box.tar box
    tar tf box.tar | grep -qE '^(\./)?made$'
    [ -n "$(berth stats --no-stream --format '{{.PIDs}}')" ]
}
