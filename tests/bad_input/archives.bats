#!/usr/bin/env bats
# Archives that lie or are damaged, for load, import, cp and ADD: refused with the entry's name, and nothing of them stays.
load ../lib/hostile

setup_file() { shared_engine_start; }
teardown_file() { shared_engine_stop; }
setup() { shared_engine_join; }
teardown() {
    audit_data && still_works
}
files_of_images() { (cd "$BERTH_TEST_DIR/data" && find blobs layers ingest -type f -printf '%p %s\n' | sort); }
same_files() { [ "$(files_of_images)" = "$1" ]; }

@test "image archives that lie are refused by load, and nothing of them stays" {
    local kind before
    before=$(files_of_images)
    for kind in $(python3 "$HOSTILE/image_archives.py" --list); do
        python3 "$HOSTILE/image_archives.py" "$kind" "$BATS_TEST_TMPDIR/image.tar"
        fails_with 1 berth load -i "$BATS_TEST_TMPDIR/image.tar" || { echo "kind: $kind" >&2; return 1; }
        [ -n "$output" ] || complain "no message for $kind"
        [[ $output != *'Loaded image'* ]] || complain "loaded $kind"
        # A terminal is not driven by what an archive says.
        [[ $output != *$'\e'* ]] || complain "an escape sequence for $kind"
        [ "$(berth images -q | wc -l)" -eq 1 ] || complain "an image of $kind"
    done
    until_true 20 same_files "$before" || { diff <(files_of_images) <(echo "$before"); return 1; }
    python3 "$HOSTILE/image_archives.py" good "$BATS_TEST_TMPDIR/image.tar"
    berth load -i "$BATS_TEST_TMPDIR/image.tar" | grep -q 'Loaded image: hostile:1'
    berth rmi hostile:1
}

@test "load names what is wrong" {
    local load="berth load -i $BATS_TEST_TMPDIR/a.tar"
    make() { python3 "$HOSTILE/image_archives.py" "$1" "$BATS_TEST_TMPDIR/a.tar"; }
    make nothing; fails_with 1 $load; says 'manifest.json' 'berth import'
    make layer-missing; fails_with 1 $load; says '9.tar'
    make layer-flipped; fails_with 1 $load; says 'layer' 'promises'
    make oci-layer-flipped; fails_with 1 $load; says 'blobs/sha256/' 'instead of'
    make oci-layer-missing; fails_with 1 $load; says 'sha256:'
    make config-no-json; fails_with 1 $load; says 'config'
    fails_with 1 berth load -i /no/such/file.tar
    says '/no/such/file.tar' 'No such file'
    python3 "$HOSTILE/image_archives.py" good "$BATS_TEST_TMPDIR/good.tar"
    local size
    size=$(stat -c %s "$BATS_TEST_TMPDIR/good.tar")
    for cut in 100 5000 700000 $((size - 12000)); do # the last 10 KiB may be padding
        head -c $cut "$BATS_TEST_TMPDIR/good.tar" >"$BATS_TEST_TMPDIR/a.tar"
        fails_with 1 $load
    done
}

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

@test "the last of two entries of one name counts" {
    python3 "$HOSTILE/archives.py" duplicates "$BATS_TEST_TMPDIR/twice.tar"
    berth import "$BATS_TEST_TMPDIR/twice.tar" twice:latest
    berth create --name twice twice:latest x >/dev/null
    [ "$(berth cp twice:/f - | tar -xO)" = second ]
    [ "$(berth cp twice:/k - | tar -xO)" = 'now a file' ]
    berth rm twice
    berth create --name target busybox >/dev/null
    # A copy into a container puts no file where a directory is, as with Docker; what came before that is there.
    fails_with 1 bash -c "berth cp - target:/root <'$BATS_TEST_TMPDIR/twice.tar'"
    says 'k: cannot overwrite directory with non-directory'
    [ "$(berth cp target:/root/f - | tar -xO)" = second ]
    berth rm target
    berth rmi twice:latest
}

@test "names that no file system can hold are refused" {
    python3 "$HOSTILE/archives.py" name-too-long "$BATS_TEST_TMPDIR/long.tar"
    fails_with 1 berth import "$BATS_TEST_TMPDIR/long.tar" long:latest
    says 'name'
    python3 "$HOSTILE/archives.py" long-names "$BATS_TEST_TMPDIR/long.tar"
    fails_with 1 berth import "$BATS_TEST_TMPDIR/long.tar" long:latest
    berth create --name target busybox >/dev/null
    fails_with 1 bash -c "berth cp - target:/root <'$BATS_TEST_TMPDIR/long.tar'"
    berth rm target
}

@test "ADD of a damaged archive names the line" {
    cd "$BATS_TEST_TMPDIR"
    mkdir context
    tar -c -C /etc passwd group | gzip | head -c 300 >context/cut.tar.gz
    printf 'FROM busybox\nADD cut.tar.gz /x/\n' >context/Dockerfile
    fails_with 1 berth build context
    says 'Dockerfile:2' 'cut.tar.gz'
}
