#!/usr/bin/env bats
# Archives that lie or are damaged, for load, import, cp and ADD: refused with the entry's name, and nothing of them stays.
load helpers

setup_file() {
    berth_engine_start
    berth_busybox >/dev/null
    declare -p BERTH_TEST_DIR BERTH_ENGINE_PID BERTH_HOST DOCKER_HOST DOCKER_CONFIG BERTH_CGROUP | sed 's/^declare -[-x]* /export /' >"$BATS_FILE_TMPDIR/engine"
}
teardown_file() {
    . "$BATS_FILE_TMPDIR/engine"
    berth_engine_stop
    berth_audit
}
setup() { . "$BATS_FILE_TMPDIR/engine"; }
teardown() {
    audit_data
    still_works
}
blob_bytes() { du -sb "$BERTH_TEST_DIR/data/blobs" "$BERTH_TEST_DIR/data/layers" "$BERTH_TEST_DIR/data/ingest" | awk '{sum += $1} END {print sum}'; }

@test "headers that lie end in a message, without taking memory" {
    berth create --name target busybox >/dev/null
    local kind what
    for kind in $(python3 "$HOSTILE/headers.py" --list); do
        python3 "$HOSTILE/headers.py" "$kind" "$BATS_TEST_TMPDIR/lie.tar"
        for what in "berth import - lie:latest" "berth load" "berth cp - target:/root"; do
            run timeout 60 $what <"$BATS_TEST_TMPDIR/lie.tar"
            [ "$status" -lt 124 ] || complain "$kind hangs or kills: $what"
            [ "$status" -ne 0 ] || [[ $kind == pax-size-hides-a-file ]] || complain "$kind was accepted by: $what"
            [ -n "$output" ] || [ "$status" -eq 0 ] || complain "$kind: no message by: $what"
        done
    done
    berth rm target
    [ "$(awk '/VmHWM/ {print $2}' "/proc/$BERTH_ENGINE_PID/status")" -lt 300000 ]
}

@test "a size in the extended header is the one that counts, so that no file hides" {
    python3 "$HOSTILE/headers.py" pax-size-hides-a-file "$BATS_TEST_TMPDIR/lie.tar"
    run berth import "$BATS_TEST_TMPDIR/lie.tar" lie:latest
    if [ "$status" -eq 0 ]; then
        berth create --name lie lie:latest x >/dev/null
        run bash -c 'berth export lie | tar -t'
        [[ $output != *hidden* ]]
        berth rm lie
        berth rmi lie:latest
    fi
}

@test "ADD of a damaged archive names the line" {
    cd "$BATS_TEST_TMPDIR"
    mkdir context
    tar -c -C /etc passwd group | gzip | head -c 300 >context/cut.tar.gz
    printf 'FROM busybox\nADD cut.tar.gz /x/\n' >context/Dockerfile
    fails_with 1 berth build context
    says 'Dockerfile:2' 'cut.tar.gz'
}
