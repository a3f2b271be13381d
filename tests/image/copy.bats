# image copy between registries, the engine, OCI layouts and archives; skopeo reads and writes the other end.
load ../registry/helpers

# Skopeo finds by name only what has OCI's media types, so the image gets those.
A=localhost:5111/app:1

setup() {
    REGISTRY_DIR=$(mktemp -d)
    cd "$REGISTRY_DIR"
    berth_engine_start
    registry_start main 5111
    berth_busybox busybox:latest >/dev/null
    printf 'FROM busybox\nRUN head -c 3000000 /dev/urandom >/big\n' | berth build -q -t localhost:5111/docker:1 - >/dev/null
    berth push -q localhost:5111/docker:1 >/dev/null
    skopeo copy -q --format oci --src-tls-verify=false --dest-tls-verify=false docker://localhost:5111/docker:1 docker://$A
    berth rmi localhost:5111/docker:1 >/dev/null
    berth pull -q "$A" >/dev/null
    wanted=$(berth image inspect -f '{{.Id}}' "$A")
}
teardown() {
    registry_stop main
    registry_stop other
    berth_engine_stop
    cd /
    rm -rf "$REGISTRY_DIR"
    berth_audit
}
digest_at() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "$1"; }
layer_blobs() { find "$BERTH_TEST_DIR/data/blobs" -type f -size +100k | wc -l; }
nothing_kept() {
    [ "$(layer_blobs)" = "$1" ]
    berth system check | grep -q '0 problems$'
}

@test "a registry to a layout and an archive, and from there to another registry, unpacks nothing" {
    registry_start other 5112
    berth rmi "$A" busybox >/dev/null
    berth builder prune -af >/dev/null
    layers=$(ls "$BERTH_TEST_DIR/data/layers" | wc -l) before=$(layer_blobs)
    berth image copy -q docker://$A oci:layout
    [ "$(digest_at oci:layout:1)" = "$wanted" ]
    berth image copy -q docker://$A oci-archive:app.tar:renamed
    [ "$(digest_at oci-archive:app.tar:renamed)" = "$wanted" ]
    berth image copy oci:layout docker://localhost:5112/from-layout:1 >out
    grep -q "digest: $wanted" out
    berth image copy -q oci-archive:app.tar docker://localhost:5112/from-archive:1
    berth image copy -q oci-archive:- docker://localhost:5112/from-stream:1 <app.tar
    for name in layout archive stream; do [ "$(digest_at docker://localhost:5112/from-$name:1)" = "$wanted" ]; done
    [ "$(berth images -q)" = "" ]
    [ "$(ls "$BERTH_TEST_DIR/data/layers" | wc -l)" -le "$layers" ]
    nothing_kept "$before"
}

@test "what skopeo writes is read, and what is written here skopeo takes further" {
    skopeo copy -q --src-tls-verify=false docker://$A oci:theirs:v1
    skopeo copy -q --src-tls-verify=false docker://$A oci-archive:theirs.tar:v1
    registry_start other 5112
    berth image copy -q oci:theirs:v1 docker://localhost:5112/a:1
    berth image copy -q oci-archive:theirs.tar docker://localhost:5112/b:1
    [ "$(digest_at oci:theirs:v1)" = "$wanted" ]
    [ "$(digest_at docker://localhost:5112/a:1) $(digest_at docker://localhost:5112/b:1)" = "$wanted $wanted" ]
    berth image copy -q "$A" oci:ours:v2
    skopeo copy -q oci:ours:v2 oci-archive:again.tar:v3
    [ "$(digest_at oci-archive:again.tar:v3)" = "$wanted" ]
}

@test "the engine takes an image from a layout or an archive under a new name, and gives it" {
    berth image copy -q "$A" oci:layout:first
    berth image copy -q "$A" oci-archive:app.tar
    berth rmi "$A" >/dev/null
    berth image copy -q oci:layout:first taken:1
    [ "$(berth image inspect -f '{{.Id}} {{join .RepoTags ","}}' taken:1)" = "$wanted taken:1" ]
    [ "$(berth run --rm --network none taken:1 stat -c %s /big)" = 3000000 ]
    berth image copy -q oci-archive:app.tar localhost:5111/other:2
    [ "$(berth image inspect -f '{{.Id}}' localhost:5111/other:2)" = "$wanted" ]
    berth image copy -q docker://$A pulled:3
    [ "$(berth image inspect -f '{{.Id}}' pulled:3)" = "$wanted" ]
    # Docker's own reader knows the archive, too.
    berth image copy -q taken:1 oci-archive:docker.tar:named:7
    tar -xOf docker.tar manifest.json | jq -e '.[0].RepoTags == ["named:7"]'
    berth rmi -f "$wanted" >/dev/null
    berth load -q -i docker.tar | grep -q 'named:7'
}

@test "a layout holds several images, each replaced by its name, and says which it has" {
    berth image copy -q "$A" oci:layout:one
    berth image copy -q busybox oci:layout:two
    jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' layout/index.json | sort | diff - <(printf 'one\ntwo\n')
    berth image copy -q busybox oci:layout:one
    [ "$(jq '.manifests | length' layout/index.json)" = 2 ]
    [ "$(digest_at oci:layout:one)" = "$(digest_at oci:layout:two)" ]
    berth image copy -q "$A" oci:layout:three
    run berth image copy oci:layout docker://localhost:5111/x:1
    [ "$status" -eq 1 ]
    [[ $output == *"has several images"*"two, one, three"* ]]
    run berth image copy oci:layout:nine docker://localhost:5111/x:1
    [ "$status" -eq 1 ]
    [[ $output == *"no image nine"* ]]
    [ "$(cat layout/oci-layout | jq -r .imageLayoutVersion)" = 1.0.0 ]
}

@test "platforms of an index: all of them, or one" {
    id=$(python3 "$BERTH_SOURCE/tests/image/layout.py" multi.tar localhost:5111/multi:1 linux/amd64 linux/arm64 linux/arm/v7)
    berth load -q -i multi.tar >/dev/null
    berth push -q localhost:5111/multi:1 >/dev/null
    berth image copy -q docker://localhost:5111/multi:1 oci:layout:all
    [ "$(jq -r '.manifests[0].digest' layout/index.json)" = "$id" ]
    berth image copy -q --platform linux/arm64 docker://localhost:5111/multi:1 oci:layout:arm
    [ "$(skopeo inspect --raw oci:layout:arm | jq -r '.config.digest' | wc -l)" = 1 ]
    [ "$(skopeo inspect --override-arch arm64 oci:layout:arm | jq -r .Architecture)" = arm64 ]
    berth image copy -q --platform linux/arm/v7 oci:layout:all docker://localhost:5111/seven:1
    [ "$(skopeo inspect --tls-verify=false --override-arch arm docker://localhost:5111/seven:1 | jq -r .Architecture)" = arm ]
    run berth image copy --platform linux/s390x oci:layout:all docker://localhost:5111/no:1
    [ "$status" -eq 1 ]
    [[ $output == *"no matching manifest for linux/s390x"* ]]
}

@test "what is broken is refused, and leaves neither file nor blob" {
    berth image copy -q "$A" oci:layout:one
    blob=$(find layout/blobs/sha256 -type f -size +1M | head -n 1)
    printf x | dd of="$blob" bs=1 seek=100 conv=notrunc status=none
    before=$(layer_blobs)
    run berth image copy oci:layout docker://localhost:5111/bad:1
    [ "$status" -eq 1 ]
    [[ $output == *"digest"* ]]
    run skopeo inspect --tls-verify=false docker://localhost:5111/bad:1
    [ "$status" -ne 0 ]
    run berth image copy oci:layout oci:second
    [ "$status" -eq 1 ]
    [[ $output == *"not what its name promises"* ]]
    [ ! -e second/index.json ]
    [ "$(find second -name '*.part')" = "" ]
    tar -cf no.tar -C / etc/hostname
    run berth image copy oci-archive:no.tar docker://localhost:5111/bad:1
    [ "$status" -eq 1 ]
    [[ $output == *"index.json is missing"* ]]
    run berth image copy docker-archive:no.tar docker://localhost:5111/bad:1
    [ "$status" -eq 1 ]
    [[ $output == *"no transport docker-archive:"* ]]
    run berth image copy docker://localhost:5111/absent:1 oci-archive:absent.tar
    [ "$status" -eq 1 ]
    [ ! -e absent.tar ]
    run berth image copy oci:nowhere docker://localhost:5111/bad:1
    [ "$status" -eq 1 ]
    [[ $output == *"no OCI layout"* ]]
    # A name that leads elsewhere stays a name.
    mkdir -p evil/blobs && echo '{"manifests":[]}' >evil/index.json
    tar -C evil -cf evil.tar index.json --transform 's|^blobs|blobs/sha256/../../..|' blobs
    run berth image copy oci-archive:evil.tar oci:third
    [ "$status" -eq 1 ]
    nothing_kept "$before"
}
