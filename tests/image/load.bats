# An archive's layers are unpacked while it is read: whatever they are packed with, wherever the documents stand.
load ../lib/berth

setup() {
    berth_engine_start
    own=$(ls "$BERTH_TEST_DIR/data/layers") # an empty one that the engine keeps for itself
    cd "$BATS_TEST_TMPDIR"
    mkdir -p one/data two/data archive
    head -c 3000000 /dev/urandom >one/data/first
    echo second >two/data/second
    tar -C one -cf 1.tar . && tar -C two -cf 2.tar .
}
teardown() {
    berth_engine_stop
    berth_audit
}

# documents LAYER LAYER TAG: those of a docker-archive in archive/, for the two layers as they are named there.
documents() {
    local one two
    one=$(sha256sum 1.tar | cut -d' ' -f1) two=$(sha256sum 2.tar | cut -d' ' -f1)
    printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s"]}}' "$one" "$two" >archive/config.json
    printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["%s","%s"]}]' "$3" "$1" "$2" >archive/manifest.json
}
holds_both() {
    berth create --name look "$1" x >/dev/null
    berth cp look:/data/first first.out && cmp first.out one/data/first
    berth cp look:/data/second - | tar -xO | grep -qx second
    berth rm look >/dev/null
}
is_empty() {
    [ -z "$(berth images -aq)" ] && [ -z "$(find "$BERTH_TEST_DIR/data/blobs" "$BERTH_TEST_DIR/data/ingest" -type f)" ] &&
        [ "$(ls "$BERTH_TEST_DIR/data/layers")" = "$own" ] # hidden names are on their way out
}
# The end of a stream may be a moment before the end of its request.
nothing_left() {
    local tries
    for tries in $(seq 400); do
        is_empty && return 0
        sleep 0.05
    done
    find "$BERTH_TEST_DIR"/data/{blobs,ingest,layers} -mindepth 1
    return 1
}

@test "documents before and after the layers, and layers of every compression" {
    local kind packed
    for kind in cat gzip zstd bzip2 xz; do
        rm -rf archive && mkdir archive
        $kind <1.tar >archive/1.tar 2>/dev/null && cp 2.tar archive/2.tar
        documents 1.tar 2.tar "$kind:1"
        tar -C archive -cf documents-last.tar 1.tar 2.tar config.json manifest.json
        tar -C archive -cf documents-first.tar manifest.json config.json 2.tar 1.tar
        for packed in documents-last.tar documents-first.tar; do
            [ "$(berth load -q -i "$packed")" = "Loaded image: $kind:1" ]
            holds_both "$kind:1"
            berth rmi "$kind:1" >/dev/null
            nothing_left
        done
    done
}

@test "links between layers of older archives are followed, and one layer may serve twice" {
    mkdir -p archive/a archive/b archive/c
    cp 1.tar archive/a/layer.tar && cp 2.tar archive/b/layer.tar && ln -s ../a/layer.tar archive/c/layer.tar
    documents c/layer.tar b/layer.tar linked:1
    tar -C archive -cf linked.tar c b a config.json manifest.json
    berth load -q -i linked.tar
    holds_both linked:1
}

@test "what is saved is loaded, from a pipe too, and the second time changes nothing" {
    cp 1.tar 2.tar archive && documents 1.tar 2.tar saved:1
    tar -C archive -c . | berth load -q
    local id usage
    id=$(berth image inspect -f '{{.Id}}' saved:1)
    berth save saved:1 | gzip >saved.tar.gz
    berth rmi saved:1 >/dev/null
    berth image prune -f >/dev/null # the end of save may be a moment behind its last byte
    nothing_left
    berth load -q <saved.tar.gz
    [ "$(berth image inspect -f '{{.Id}}' saved:1)" = "$id" ]
    holds_both saved:1
    usage=$(find "$BERTH_TEST_DIR/data/blobs" "$BERTH_TEST_DIR/data/layers" -type f | sort)
    berth load -q <saved.tar.gz
    [ "$(find "$BERTH_TEST_DIR/data/blobs" "$BERTH_TEST_DIR/data/layers" -type f | sort)" = "$usage" ]
}

@test "an archive that ends in a layer, or whose layer is damaged, leaves nothing" {
    cp 1.tar 2.tar archive && documents 1.tar 2.tar cut:1
    tar -C archive -cf whole.tar 1.tar 2.tar config.json manifest.json
    head -c 1500000 whole.tar >cut.tar
    run berth load -i cut.tar
    [ "$status" -eq 1 ]
    [[ $output == *"unexpected end"* ]]
    nothing_left
    gzip <1.tar | head -c 1000000 >archive/1.tar
    tar -C archive -cf damaged.tar 1.tar 2.tar config.json manifest.json
    run berth load -i damaged.tar
    [ "$status" -eq 1 ]
    [[ $output == *"gzip"* ]]
    nothing_left
    cp 2.tar archive/1.tar
    tar -C archive -cf other.tar 1.tar 2.tar config.json manifest.json
    run berth load -i other.tar
    [ "$status" -eq 1 ]
    [[ $output == *"1.tar unpacks to"*"promises"* ]]
    nothing_left
}

@test "what was loaded is said once, to a terminal too" {
    cp 1.tar 2.tar archive/
    documents 1.tar 2.tar once:1
    tar -C archive -cf once.tar 1.tar 2.tar config.json manifest.json
    for quiet in 0 1; do
        run curl -sf --unix-socket "${BERTH_HOST#unix://}" -H 'Content-Type: application/x-tar' --data-binary @once.tar "http://x/v1.50/images/load?quiet=$quiet"
        [ "$(grep -o 'Loaded image: once:1' <<<"$output" | wc -l)" -eq 1 ]
    done
    berth rmi once:1 >/dev/null
}
