# Bit rot and loss: found by system check wherever it is, mended from what is here or from a registry that had it, else said plainly.
load ../registry/helpers

setup() {
    REGISTRY_DIR=$(mktemp -d)
    berth_engine_start
    berth_busybox busybox:latest >/dev/null
    registry_start main 5111
    berth tag busybox localhost:5111/busybox:1
    berth push -q localhost:5111/busybox:1
    layer=$(find "$BERTH_TEST_DIR/data/layers" -type f -size +100k)
    blob=$(find "$BERTH_TEST_DIR/data/blobs" -type f -size +100k)
    manifest=$(berth image inspect -f '{{.Id}}' busybox)
    manifest=$BERTH_TEST_DIR/data/blobs/sha256/${manifest#sha256:}
}
teardown() {
    registry_stop main
    rm -rf "$REGISTRY_DIR"
    berth_engine_stop
    berth_audit
}

# Flips all bits of one byte: flip FILE OFFSET
flip() {
    python3 - "$1" "$2" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(int(sys.argv[2]))
    file.write(bytes([byte ^ 0xff]))
PYTHON
}
middle_of() { echo $(($(stat -c %s "$1") / 2)); }

finds() {
    run berth system check
    [ "$status" -eq 1 ] && [[ $output == *"$1"* ]] || { echo "found instead of $1: $output"; return 1; }
}
mends() {
    run berth system check --repair
    [ "$status" -eq 0 ] && [[ $output == *"$1"* ]] || { echo "repaired instead of $1: $output"; return 1; }
    run berth system check
    [ "$status" -eq 0 ] && [[ $output == *"0 problems" ]] || { echo "left: $output"; return 1; }
}

@test "a sound store has no problems" {
    run berth system check
    [ "$status" -eq 0 ]
    # The engine's own layer is the second one.
    [[ $output == "1 images, 2 layers and 3 blobs"*"0 problems" ]]
}

@test "one changed byte of a layer is found wherever it is, and the layer made again from its blob" {
    size=$(stat -c %s "$layer")
    # Header, superblock, root directory, content, an inode's padding, and the very last byte.
    for offset in 9 40 1030 1200 4096 $((size / 4)) $((size / 2)) $((size * 3 / 4)) $((size - 1)); do
        berth_engine_halt
        cp "$layer" "$BERTH_TEST_DIR/keep"
        flip "$layer" "$offset"
        berth_engine_start
        # Without its header or superblock a layer is none, and goes when the engine starts.
        [ -e "$layer" ] && finds layer || finds "not here"
        mends "made again from its blob"
        cmp "$layer" "$BERTH_TEST_DIR/keep"
    done
    [ "$(berth run --rm --network none busybox echo fine)" = fine ]
}

@test "the engine's own layer is made again" {
    own=$(find "$BERTH_TEST_DIR/data/layers" -type f -size -100k)
    flip "$own" "$(middle_of "$own")"
    finds "${own##*layers/}" || finds layer
    mends "made again"
    [ "$(berth run --rm --network none busybox echo fine)" = fine ]
}

@test "a layer that went is made again, and its blob is fetched for it if need be" {
    rm -r "$(dirname "$layer")"
    finds "not here"
    mends "made again from its blob"
    rm -r "$(dirname "$layer")" "$blob"
    finds "not here"
    mends "fetched again from localhost:5111/busybox"
    [ "$(berth run --rm --network none busybox echo fine)" = fine ]
}

@test "a damaged or lost blob, configuration or manifest is fetched again from the registry that had it" {
    for file in "$blob" "$manifest" "$(find "$BERTH_TEST_DIR/data/blobs" -type f -size -100k ! -path "$manifest")"; do
        flip "$file" "$(middle_of "$file")"
        finds "$(basename "$file")"
        mends "fetched again from localhost:5111/busybox"
        rm "$file"
        finds "not here"
        mends "fetched again from localhost:5111/busybox"
    done
    berth push -q localhost:5111/busybox:1
}

@test "what no registry has any more is said not to be repaired; the next pull brings it" {
    flip "$blob" "$(middle_of "$blob")"
    registry_stop main
    run berth system check --repair
    [ "$status" -eq 1 ]
    [[ $output == *"not repaired: localhost:5111/busybox"*"pull, load or build the image again"* ]]
    [ ! -e "$blob" ]
    registry_start main 5111
    berth pull -q localhost:5111/busybox:1
    berth system check
    berth push -q localhost:5111/busybox:1
}

@test "a damaged layer of the build cache and a blob of it are made again by the next build" {
    printf 'FROM busybox\nRUN head -c 300000 /dev/urandom >/f\n' | berth build -q -
    berth image prune -f
    cached=$(find "$BERTH_TEST_DIR/data/layers" -type f -size +100k ! -path "$layer")
    flip "$cached" "$(middle_of "$cached")"
    finds layer
    mends "made again from its blob"
    cached=$(find "$BERTH_TEST_DIR/data/blobs" -type f -size +100k ! -path "$blob")
    flip "$cached" "$(middle_of "$cached")"
    finds blob
    mends "the next build makes it again"
    printf 'FROM busybox\nRUN head -c 300000 /dev/urandom >/f\n' | berth build -q -t again:1 -
    berth system check
}

@test "a name without its image is found and removed" {
    berth_engine_halt
    python3 - "$BERTH_TEST_DIR/data/berth.db" <<'PYTHON'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("INSERT INTO image_name (reference, id, tagged) VALUES ('docker.io/library/ghost:1', 'sha256:" + "0" * 64 + "', 0)")
database.commit()
PYTHON
    berth_engine_start
    finds ghost:1
    mends removed
}

@test "the answer is there for programs" {
    flip "$layer" "$(middle_of "$layer")"
    run berth system check --repair --format '{{json .}}'
    [ "$(jq -r .Kind <<<"$output")" = layer ]
    [ "$(jq -r .Repair <<<"$output")" = "made again from its blob" ]
}
