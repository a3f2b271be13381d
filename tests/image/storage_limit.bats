# Limits of space are kept while work is done: what can be had again goes, then the work is refused, and nothing of it stays.
# Layers stay here twice (--layer-blobs keep), so that an image of these takes 24 MB.
load ../registry/helpers

setup() {
    REGISTRY_DIR=$(mktemp -d)
    DISK=$(mktemp -d)
    truncate -s 256M "$DISK.img"
    mkfs.ext4 -q -F -m 0 "$DISK.img"
    mount -o loop "$DISK.img" "$DISK"
    BERTH_TEST_DIR=$(mktemp -d)
    berth_state >"$BERTH_TEST_DIR/state-before"
    ln -s "$DISK" "$BERTH_TEST_DIR/data"
    root=$DISK
    berth_engine_start
    registry_start main 5111
    cd "$BERTH_TEST_DIR"
    berth_busybox busybox:latest >/dev/null
    local n
    for n in 1 2 3 4; do
        printf 'FROM busybox\nRUN head -c 12000000 /dev/urandom >/big%s\n' $n | berth build -q -t "$R/app:$n" - >/dev/null
        berth push -q "$R/app:$n" >/dev/null
    done
    berth_engine_halt
    find "$DISK" -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +
}
teardown() {
    registry_stop main
    berth_engine_stop
    local status=0
    berth_audit || status=1
    umount "$DISK" && rm -rf "$REGISTRY_DIR" "$DISK" "$DISK.img" || status=1
    return $status
}

R=localhost:5111
MB=1048576
used() { du -s --block-size=1 "$root/" | cut -f1; }
quiet() { timeout 20 bash -c "until [ -z \"\$(ls '$root/trash')\" ] && [ -z \"\$(find '$root/layers' -mindepth 1 -maxdepth 1 -name '.*')\" ] && [ -z \"\$(ls '$root/ingest')\" ]; do sleep 0.05; done"; }
names() { berth images --format '{{.Repository}}:{{.Tag}}' | sed "s|$R/||" | sort | xargs; }
# The largest that the data root is while a command runs: peak COMMAND...
peak() {
    ( while sleep 0.01; do used; done >"$BERTH_TEST_DIR/sizes" 2>/dev/null ) 3>&- &
    local watcher=$! status=0
    "$@" || status=$?
    kill $watcher
    wait $watcher 2>/dev/null || true
    peak=$(sort -n "$BERTH_TEST_DIR/sizes" | tail -n 1)
    return $status
}
sound() {
    run berth system check
    [ "$status" -eq 0 ] && [[ $output == *"0 problems" ]] || { echo "$output"; return 1; }
}
# What does not fit is refused in words, and what was here before is all that is here after: refused COMMAND...
refused() {
    local before
    before=$(names)
    run peak "$@"
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"there is no room: storage-"*" is "*"used in"* || $output == *"there is no room: storage-"*" free on the file system"* ]]
    [[ $output == *"berth system df -v"* ]]
    [ "$(names)" = "$before" ]
    quiet
    # Nothing refers to nothing, nothing is left of what was received.
    timeout 20 bash -c 'until [ "$(berth image prune --dry-run --format "{{.Unreferenced}} {{len .Items}}")" = "0 0" ]; do sleep 0.05; done' || { berth image prune --dry-run; return 1; }
    [ "$(ls "$root/tmp/build" 2>/dev/null)" = "" ]
    sound
}

@test "the limits are seen in info, a reload changes them, and nonsense is refused" {
    echo '{"storage-max": "100m"}' >daemon.json
    berth_engine_start --config-file "$BERTH_TEST_DIR/daemon.json"
    [[ $(berth info) == *"Storage max: 100MiB"* ]]
    [[ $(berth info) != *"Storage kept free"* ]]
    echo '{"storage-max": "1g", "storage-keep-free": "15%"}' >daemon.json
    kill -HUP "$BERTH_ENGINE_PID"
    timeout 20 bash -c 'until [[ $(berth info) == *"Storage max: 1GiB"*"Storage kept free: 15%"* ]]; do sleep 0.05; done'
    run berthd --validate --storage-keep-free 101%
    [ "$status" -eq 1 ]
    [[ $output == *storage-keep-free* ]]
}

@test "pulls beyond the cap evict the image that was not used for longest, and the cap is kept all the while" {
    berth_engine_start --layer-blobs keep --storage-max 70m
    for n in 1 2; do berth pull -q $R/app:$n; done
    # The older one is used again; a container keeps neither.
    berth run --rm --network none $R/app:1 true
    peak berth pull -q $R/app:3
    echo "peak $peak"
    [ "$peak" -le $((70 * MB)) ]
    [ "$(names)" = "app:1 app:3" ]
    [ "$(used)" -le $((70 * MB)) ]
    grep -q "image evicted to make room" engine.log
    berth run --rm --network none $R/app:3 stat /big3 >/dev/null
    # What is pulled meanwhile, by two at a time, is held by them.
    berth pull -q $R/app:4 3>&- &
    local other=$!
    berth pull -q $R/app:2
    wait $other
    [ "$(names)" = "app:2 app:4" ]
    berth run --rm --network none $R/app:4 stat /big4 >/dev/null
    berth run --rm --network none $R/app:2 stat /big2 >/dev/null
    sound
}

@test "what is used, pinned, tagged, or made here stays; when that is all there is, a pull is refused and leaves nothing" {
    berth_engine_start --layer-blobs keep --storage-max 110m
    berth pull -q $R/app:1
    berth pull -q $R/app:2
    berth create --name user $R/app:1 true >/dev/null
    [ "$(berth image pin $R/app:2)" = $R/app:2 ]
    [[ $(berth image pin) == *" $R/app:2" ]]
    printf 'FROM %s/app:1\nRUN head -c 12000000 /dev/urandom >/own\n' $R | berth build -q -t own:1 - >/dev/null
    berth builder prune -af >/dev/null
    berth pull -q $R/app:3
    berth tag $R/app:3 mine:3
    refused berth pull -q $R/app:4
    [ "$(names)" = "app:1 app:2 app:3 mine:3 own:1" ]
    # One pin less, and it fits.
    berth image unpin $R/app:2
    [ "$(berth image pin)" = "" ]
    peak berth pull -q $R/app:4
    [ "$peak" -le $((110 * MB)) ]
    [ "$(names)" = "app:1 app:3 app:4 mine:3 own:1" ]
    berth start -a user
    berth run --rm --network none own:1 stat -c %s /own /big1
}

@test "build cache goes before what is refused; a build, a load, an import and a commit that do not fit leave nothing" {
    berth_engine_start --layer-blobs keep --storage-max 75m
    berth pull -q $R/app:1
    berth create --name user $R/app:1 true >/dev/null
    berth_busybox busybox:latest >/dev/null
    printf 'FROM busybox\nRUN head -c 14000000 /dev/urandom >/old\n' | berth build -q -t old:1 - >/dev/null
    berth rmi old:1 >/dev/null
    [ "$(used)" -gt $((50 * MB)) ]
    printf 'FROM busybox\nRUN head -c 12000000 /dev/urandom >/new\n' | peak berth build -q -t new:1 - >/dev/null
    [ "$(berth run --rm --network none new:1 stat -c %s /new)" = 12000000 ]
    grep -q "build cache evicted to make room" engine.log
    sound
    head -c 30000000 /dev/urandom >big
    tar -cf big.tar big
    refused berth import big.tar big:1
    mkdir context
    mv big context/
    printf 'FROM busybox\nCOPY big /big\n' >context/Dockerfile
    refused berth build -t big:1 context
    [ "$(used)" -le $((75 * MB)) ]
    berth run --name writer --network none busybox sh -c 'head -c 9000000 /dev/urandom >/w'
    refused berth commit writer big:1
    berth rm writer >/dev/null
    berth save -o saved.tar new:1
    berth rmi new:1 >/dev/null
    berth builder prune -af >/dev/null
    berth volume create full >/dev/null
    berth run --rm -v full:/v --network none busybox sh -c 'head -c 30000000 /dev/urandom >/v/f'
    refused berth load -i saved.tar
    # Others' data is not touched, and what gives room makes the same work succeed.
    berth volume rm full >/dev/null
    berth load -q -i saved.tar
    [ "$(berth run --rm --network none new:1 stat -c %s /new)" = 12000000 ]
    sound
}

@test "a layer that is larger unpacked than it came is stopped on the way" {
    berth_engine_start
    # Not zeros, of which the layer has none on the disk.
    yes berth | head -c 200000000 >big
    tar -czf big.tar.gz big
    for driver in erofs directory; do
        berth_engine_halt
        find "$DISK" -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +
        berth_engine_start --layer-blobs keep --storage-max 40m --storage-driver $driver
        refused berth import big.tar.gz big:1
        peak=$(sort -n sizes | tail -n 1)
        echo "$driver: peak $peak"
        [ "$peak" -le $((40 * MB)) ]
    done
}

@test "the free share of the file system is kept, whoever fills it" {
    berth_engine_start --layer-blobs keep --storage-keep-free 50%
    berth pull -q $R/app:1
    berth pull -q $R/app:2
    head -c 80M /dev/zero >"$DISK/others"
    peak berth pull -q $R/app:3
    [ "$(df --output=pcent "$DISK" | tail -1 | tr -d ' %')" -le 50 ]
    [[ $(names) == *app:3 && $(names) != *app:1* ]]
    head -c 40M /dev/zero >"$DISK/more"
    berth create --name user $R/app:3 true >/dev/null
    refused berth pull -q $R/app:4
    rm "$DISK/others" "$DISK/more"
    berth pull -q $R/app:4
}

@test "what a running build or save holds is not evicted" {
    berth_engine_start --layer-blobs keep --storage-max 70m
    berth pull -q $R/app:1
    berth pull -q $R/app:2
    printf 'FROM %s/app:1\nRUN --network=none sleep 604; cat /big1 >/dev/null\n' $R | berth build -q -t new:1 - >built 3>&- &
    local build=$!
    timeout 20 bash -c "until [ -n \"\$(pgrep -x -f 'sleep 604')\" ]; do sleep 0.05; done"
    # The other one is used later, and has to go all the same.
    berth run --rm --network none $R/app:2 true
    berth pull -q $R/app:3
    [ "$(names)" = "app:1 app:3" ]
    pkill -x -f 'sleep 604'
    wait $build
    [ "$(berth run --rm --network none new:1 stat -c %s /big1)" = 12000000 ]
    berth rmi new:1 >/dev/null
    # A reader that is slow: of 24 MB it has taken few when the others come.
    mkfifo slow
    berth save $R/app:1 >slow 3>&- &
    local save=$!
    exec 8<slow
    head -c 100000 <&8 >saved.tar
    berth pull -q $R/app:4
    [ "$(names)" = "app:1 app:4" ]
    cat <&8 >>saved.tar
    exec 8<&-
    wait $save
    berth rmi -f $R/app:1 >/dev/null
    berth load -q -i saved.tar
    [ "$(berth run --rm --network none $R/app:1 stat -c %s /big1)" = 12000000 ]
    sound
}

@test "an engine that is killed while it evicts comes back sound, and goes on" {
    berth_engine_start --layer-blobs keep --storage-max 70m
    for n in 1 2; do berth pull -q $R/app:$n; done
    local round
    for round in 3 4 3 4 3 4; do
        berth pull -q $R/app:$round >/dev/null 2>&1 3>&- &
        local pull=$!
        timeout 5 bash -c "until [ \"\$(grep -c 'image evicted to make room' engine.log)\" -ge $((RANDOM % 2 + 1)) ]; do sleep 0.005; done" || true
        berth_engine_kill
        wait $pull 2>/dev/null || true
        : >engine.log
        berth_engine_start --layer-blobs keep --storage-max 70m
        sound
    done
    berth pull -q $R/app:4
    berth run --rm --network none $R/app:4 stat /big4 >/dev/null
    [ "$(used)" -le $((70 * MB)) ]
}
