# Images file by file: image layers, image diff.
load ../lib/berth

setup() {
    berth_engine_start
    berth_busybox busybox:latest >/dev/null
    cd "$BATS_TEST_TMPDIR"
    head -c 300000 /dev/urandom >big
    printf 'FROM busybox\nCOPY big /data/big\nRUN echo one >/etc/version\nRUN rm /data/big && echo new >/data/small\n' >Dockerfile
    "$BERTH_BIN/berth" build -q -t app:1 .
    sed -i 's/echo one/echo two/; s/small/little/' Dockerfile
    "$BERTH_BIN/berth" build -q -t app:2 .
}
teardown() {
    berth_engine_stop
    berth_audit
}

@test "image layers shows what each layer brings and what it wastes" {
    run "$BERTH_BIN/berth" image layers --format '{{.Number}} {{.Size}} {{.Files}} {{.Wasted}} {{.CreatedBy}}' app:1
    [ "${#lines[@]}" -eq 4 ]
    [[ ${lines[1]} == "1 300kB +2 ~0 -0 0B COPY big /data/big"* ]]
    [[ ${lines[3]} == "3 4B +1 ~0 -1 300kB RUN"* ]]
    "$BERTH_BIN/berth" image layers --format '{{.Largest}}' app:1 | sed -n 2p | grep -qx '/data/big (300kB)'
    "$BERTH_BIN/berth" image layers app:1 | grep -q '^Wasted: 300kB of '
    run "$BERTH_BIN/berth" image layers absent
    [ "$status" -eq 1 ]
}

@test "image diff names the files that differ, with sizes and layers" {
    run "$BERTH_BIN/berth" image diff --format '{{.Kind}} {{.Path}} {{.Before}} {{.After}} {{.Layers}}' app:1 app:2
    [ "$output" = $'A /data/little - 4B - 3\nD /data/small 4B - 3 -\nC /etc/version 4B 4B 2 2' ]
    [ -z "$("$BERTH_BIN/berth" image diff --format '{{.Path}}' app:1 app:1)" ]
    run "$BERTH_BIN/berth" image diff app:1 absent
    [ "$status" -eq 1 ]
    [[ $output == *"No such image: absent"* ]]
}
