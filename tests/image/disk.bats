# `system df -v` says what du says of the data root, and knows what each part is for, whatever happened before.
load ../lib/berth

setup() {
    berth_engine_start
    root=$BERTH_TEST_DIR/data
}
teardown() {
    berth_engine_stop
    berth_audit
}

# The answer is taken between two equal ones of du: the trash is emptied in the background, the database grows by itself.
same_as_du() {
    local before after said tries
    for tries in $(seq 100); do
        before=$(du -s --block-size=1 "$root" | cut -f1)
        berth system df -v --format json >"$BERTH_TEST_DIR/df"
        after=$(du -s --block-size=1 "$root" | cut -f1)
        [ "$before" = "$after" ] && break
        sleep 0.05
    done
    said=$(jq .DataRoot.Total "$BERTH_TEST_DIR/df")
    [ "$said" = "$after" ] || { echo "$1: df says $said, du $after" >&2; return 1; }
    [ "$(jq '[.DataRoot.Parts[].Size] | add' "$BERTH_TEST_DIR/df")" = "$said" ]
    # What has no known purpose is the folder itself and the lock file alone.
    [ "$(jq '.DataRoot.Parts[] | select(.Holds == "other") | .Size' "$BERTH_TEST_DIR/df")" -le 8192 ] || {
        echo "$1: something in the data root belongs to nothing:" >&2
        ls -la "$root" >&2
        return 1
    }
}
part() { jq --arg holds "$1" '[.DataRoot.Parts[] | select(.Holds == $holds) | .Size] | add // 0' "$BERTH_TEST_DIR/df"; }

@test "the total equals du of the data root after each kind of operation" {
    cd "$BERTH_TEST_DIR"
    same_as_du start
    berth_busybox busybox:latest
    same_as_du import
    [ "$(part 'unpacked layers of images')" -gt 1000000 ]
    berth save -o saved.tar busybox && same_as_du save
    berth tag busybox other:1 && same_as_du tag
    mkdir c && printf 'FROM busybox\nRUN --mount=type=cache,target=/c head -c 3000000 /dev/urandom >/c/x; cp /c/x /y\nRUN echo z >/z\n' >c/Dockerfile
    berth build -q -t built:1 c && same_as_du build
    [ "$(part 'cache mounts of builds')" -gt 3000000 ]
    berth run --name one --network none -v data:/d built:1 sh -c 'head -c 5000000 /dev/urandom >/d/f; head -c 2000000 /dev/urandom >/g; echo line'
    same_as_du run
    [ "$(part volumes)" -gt 5000000 ]
    [ "$(part 'writable layers, logs and settings of containers')" -gt 2000000 ]
    berth commit one made:1 >/dev/null && same_as_du commit
    berth export one >exported.tar && same_as_du export
    berth rm one >/dev/null && same_as_du rm
    berth rmi made:1 other:1 >/dev/null && same_as_du rmi
    berth load -q -i saved.tar && same_as_du load
    berth volume rm data >/dev/null && same_as_du "volume rm"
    berth builder prune -af >/dev/null && same_as_du "builder prune"
    berth image prune -af >/dev/null && same_as_du "image prune"
    berth system prune -af --volumes >/dev/null && same_as_du "system prune"
    berth_engine_kill
    berth_engine_start
    same_as_du "the engine's end"
    [ "$(part volumes)" -le 16384 ]
    [ "$(part 'unpacked layers of images')" -le 32768 ] # the engine's own empty one
    [ "$(part 'cache mounts of builds')" -le 16384 ]
}

@test "the table names the parts and the total; images have shared and unique sizes" {
    berth_busybox busybox:latest
    printf 'FROM busybox\nRUN head -c 3000000 /dev/urandom >/f\n' | berth build -q -t more:1 -
    run berth system df -v
    [ "$status" -eq 0 ]
    [[ $output == *"SHARED SIZE"*"UNIQUE SIZE"* ]]
    [[ $output == *"Data root $root:"*"unpacked layers of images"*$'\n'"total "* ]]
    unique() { berth system df -v | awk '/^more /{print $(NF-1)}'; }
    # The build cache has the layer, too, until it goes: then the file is there twice for the image alone, packed and not.
    [[ $(unique) == *kB ]]
    berth builder prune -af >/dev/null
    [[ $(unique) == 6.*MB ]]
}
