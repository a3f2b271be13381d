#!/usr/bin/env bats
# What users get wrong, and what they are told: a clear message, Docker's exit code, and nothing left behind.
load ../lib/hostile

setup() {
    berth_engine_start
    berth_busybox
}
teardown() {
    berth_engine_stop
    berth_audit
}

@test "a broken Dockerfile is shown with file, line and caret" {
    printf 'FROM busybox\nRUNN echo hi\n' >"$BATS_TEST_TMPDIR/Dockerfile"
    run berth build -t broken "$BATS_TEST_TMPDIR"
    [ "$status" -eq 1 ]
    [[ $output == *'Dockerfile:2'* ]]
    [[ $output == *'RUNN echo hi'* ]]
    [[ $output == *'^'* ]]
    [[ $output == *'RUN'* ]]
    run berth image inspect broken
    [ "$status" -eq 1 ]
}

@test "a failing step names its line, its output and where the log is" {
    printf 'FROM busybox\nRUN echo before-the-end && exit 7\n' >"$BATS_TEST_TMPDIR/Dockerfile"
    run berth build -t broken "$BATS_TEST_TMPDIR"
    [ "$status" -eq 1 ]
    [[ $output == *'Dockerfile:2'* ]]
    [[ $output == *'before-the-end'* ]]
    [[ $output == *'7'* ]]
    local log
    log=$(grep -oE '/[^ ]+/log[^ ]*' <<<"$output" | tail -1)
    [ -f "$log" ]
    grep -q before-the-end "$log"
}

@test "a broken compose file is shown with file, line and caret, and creates nothing" {
    printf 'services:\n  web:\n    imagee: busybox\n' >"$BATS_TEST_TMPDIR/compose.yaml"
    run berth compose -f "$BATS_TEST_TMPDIR/compose.yaml" up -d
    [ "$status" -ne 0 ]
    [[ $output == *'compose.yaml:3:5'* ]]
    [[ $output == *'did you mean "image"'* ]]
    [[ $output == *'^'* ]]
    [ -z "$(berth ps -aq)" ]
    [ "$(berth network ls -q | wc -l)" -eq 3 ]
}

@test "a missing image is named, and run ends with 125" {
    run berth run --rm --pull never nosuch:image true
    [ "$status" -eq 125 ]
    [[ $output == *'No such image: nosuch:image'* ]]
    [ -z "$(berth ps -aq)" ]
}

@test "a missing program is 127, one that cannot be executed 126" {
    run berth run --rm busybox nosuchprogram
    [ "$status" -eq 127 ]
    [[ $output == *'executable file not found in $PATH'* ]]
    run berth run --rm busybox /etc/passwd
    [ "$status" -eq 126 ]
    [[ $output == *'permission denied'* ]]
    run berth run --rm busybox sh -c 'exit 42'
    [ "$status" -eq 42 ]
}

@test "a name in use says by whom" {
    berth run -d --name taken busybox sleep 1000
    run berth run -d --name taken busybox sleep 1000
    [ "$status" -eq 125 ]
    [[ $output == *'/taken'*'already in use'* ]]
    [ "$(berth ps -aq | wc -l)" -eq 1 ]
}

@test "a port in use says which, and leaves no container running" {
    berth run -d --name first -p 18080:80 busybox sleep 1000
    run berth run -d --name second -p 18080:80 busybox sleep 1000
    [ "$status" -eq 125 ]
    [[ $output == *'18080'*'already allocated'* ]]
    [ "$(berth ps -q | wc -l)" -eq 1 ]
    nc -l 127.0.0.1 18081 >/dev/null 3>&- &
    local listener=$!
    # Listening (0A) on 46A1, without a connection that would end it.
    until_true 20 grep -q ':46A1 00000000:0000 0A' /proc/net/tcp
    run berth run -d --name third -p 127.0.0.1:18081:80 busybox sleep 1000
    kill $listener 2>/dev/null
    [ "$status" -eq 125 ]
    [[ $output == *'18081'*'in use'* ]]
}

@test "an unknown command and an unknown flag suggest the nearest" {
    run berth biuld .
    [ "$status" -ne 0 ]
    [[ $output == *build* ]]
    run berth run --naem x busybox
    [ "$status" -eq 125 ]
    [[ $output == *'--name'* ]]
}

@test "an archive with .. and outward links changes nothing outside" {
    local work=$BATS_TEST_TMPDIR/evil
    mkdir -p "$work"
    python3 - "$work/evil.tar" <<'PY'
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w") as tar:
    def add(name, kind=tarfile.REGTYPE, link="", data=b"evil"):
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        info.size = len(data) if kind == tarfile.REGTYPE else 0
        tar.addfile(info, io.BytesIO(data) if kind == tarfile.REGTYPE else None)
    add("../../../../tmp/berth-escaped")
    add("/tmp/berth-escaped-absolute")
    add("out", tarfile.SYMTYPE, "/tmp")
    add("out/berth-escaped-link")
    add("ok.txt", data=b"fine")
PY
    rm -f /tmp/berth-escaped /tmp/berth-escaped-absolute /tmp/berth-escaped-link
    run berth import "$work/evil.tar" evil:latest
    [ ! -e /tmp/berth-escaped ] && [ ! -e /tmp/berth-escaped-absolute ] && [ ! -e /tmp/berth-escaped-link ]
    berth run -d --name target busybox sleep 1000
    run berth cp - target:/root <"$work/evil.tar"
    [ ! -e /tmp/berth-escaped ] && [ ! -e /tmp/berth-escaped-absolute ] && [ ! -e /tmp/berth-escaped-link ]
}

@test "a corrupt blob is found before it is used" {
    berth save busybox -o "$BATS_TEST_TMPDIR/image.tar"
    local id blob
    id=$(berth image inspect -f '{{.Id}}' busybox)
    blob=$BERTH_TEST_DIR/data/blobs/sha256/${id#sha256:}
    [ -f "$blob" ]
    printf 'x' | dd of="$blob" bs=1 seek=3 conv=notrunc status=none
    berth_engine_halt
    berth_engine_start
    run berth run --rm busybox true
    [ "$status" -eq 125 ]
    [[ $output == *[Cc]orrupt* || $output == *digest* ]]
    # Loading the image again repairs it.
    berth load -i "$BATS_TEST_TMPDIR/image.tar"
    berth run --rm busybox true
}

@test "Ctrl-C ends the long commands, and leaves nothing running" {
    berth run -d --name quiet busybox sleep 1000
    local command
    for command in 'berth logs -f quiet' 'berth events' 'berth wait quiet' 'berth stats quiet' 'berth attach --no-stdin --sig-proxy=false quiet'; do
        local status=0
        timeout -k 20 --signal=INT 1 $command >/dev/null 2>&1 </dev/null || status=$?
        # 124 is timeout's own "it went on until I sent the signal"; 137 would mean it had to be killed.
        [ "$status" -ne 137 ]
    done
    printf 'FROM busybox\nRUN sleep 1000\n' >"$BATS_TEST_TMPDIR/Dockerfile"
    timeout -k 20 --signal=INT 2 berth build -t slow "$BATS_TEST_TMPDIR" >/dev/null 2>&1 || [ $? -ne 137 ]
    local pid
    pid=$(berth inspect -f '{{.State.Pid}}' quiet)
    only_quiet_sleeps() { [ "$(pgrep -x -f 'sleep 1000')" = "$pid" ]; }
    until_true 20 only_quiet_sleeps
}

@test "options that the engine does not follow are refused, not swallowed" {
    local flag
    for flag in --default-runtime=runsc --default-ipc-mode=host --default-cgroupns-mode=host --userns-remap=default --seccomp-profile=/x.json; do
        run timeout 20 "$BERTH_BIN/berthd" --data-root "$BATS_TEST_TMPDIR/other" --exec-root "$BATS_TEST_TMPDIR/run" $flag
        [ "$status" -ne 0 ] && [ "$status" -ne 124 ]
        [[ $output == *"${flag:2:10}"*': '* ]]
    done
    [ ! -e "$BATS_TEST_TMPDIR/other" ]
}

@test "cp names the container as it was called" {
    berth create --name target busybox
    run berth cp target:/no/such/file "$BATS_TEST_TMPDIR"
    [ "$status" -eq 1 ]
    [[ $output == *'/no/such/file in container target'* ]]
    run stock_docker cp target:/no/such/file "$BATS_TEST_TMPDIR"
    [ "$status" -eq 1 ]
    # The 20.10 client has words of its own for it.
    [[ $output == *'Could not find the file /no/such/file in container target'* || $output == *'No such container:path: target:/no/such/file'* ]]
}

@test "a prune of the builder takes the logs of ended builds along" {
    printf 'FROM busybox\nRUN false\n' >"$BATS_TEST_TMPDIR/Dockerfile"
    run berth build "$BATS_TEST_TMPDIR"
    [ "$status" -eq 1 ]
    [ -n "$(ls "$BERTH_TEST_DIR/data/builds")" ]
    berth builder prune -a -f
    [ -z "$(ls "$BERTH_TEST_DIR/data/builds")" ]
}

@test "a dollar sign in compose config is doubled, so that the output means the same again" {
    cd "$BATS_TEST_TMPDIR"
    printf 'services:\n  web:\n    image: busybox\n    command: ["sh", "-c", "echo $$HOME"]\n' >compose.yaml
    berth compose config | grep -qF 'echo $$HOME'
    berth compose config --format json | grep -qF 'echo $$HOME'
    berth compose config >again.yaml
    [ "$(berth compose -f again.yaml config)" = "$(berth compose config)" ]
}
