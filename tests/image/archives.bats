# A layer that comes uncompressed is its own blob: it is here once, unpacked, and gives the archive that it came as again, byte for byte.
load ../registry/helpers

setup() {
    REGISTRY_DIR=$(mktemp -d)
    berth_engine_start
    cd "$BERTH_TEST_DIR"
    # Archives as others write them: GNU tar's own headers, long names, links, a sparse file, an odd end.
    mkdir -p one/etc one/deep/$(printf 'd%.0s' $(seq 120)) two/data archive
    cp "$(command -v busybox)" one/busybox
    head -c 3000001 /dev/urandom >one/random
    yes text | head -c 2000000 >one/text
    for i in $(seq 300); do head -c $((i * 37)) one/text >one/etc/file$i; done
    ln one/etc/file1 one/etc/hard && ln -s file2 one/etc/soft && truncate -s 5M one/etc/sparse && echo end >>one/etc/sparse
    echo second >two/data/second
    tar --format=gnu --sparse --blocking-factor=100 -C one -cf 1.tar . && tar --format=posix -C two -cf 2.tar .
    one=$(sha256sum 1.tar | cut -d' ' -f1) two=$(sha256sum 2.tar | cut -d' ' -f1)
    cp 1.tar archive/1.tar && cp 2.tar archive/2.tar
    printf '{"architecture":"amd64","os":"linux","config":{"Cmd":["/busybox","true"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s"]}}' \
        "$one" "$two" >archive/config.json
    printf '[{"Config":"config.json","RepoTags":["app:1"],"Layers":["1.tar","2.tar"]}]' >archive/manifest.json
    tar -C archive -cf app.tar 1.tar 2.tar config.json manifest.json
}
teardown() {
    registry_stop main
    cd /
    berth_engine_stop
    rm -rf "$REGISTRY_DIR"
    berth_audit
}
data() { echo "$BERTH_TEST_DIR/data"; }
blobs() { find "$(data)/blobs" -type f -size +8k | wc -l; }
settled() { timeout 20 bash -c "until [ \"\$(find '$(data)/blobs' -type f -size +8k | wc -l)\" = $1 ]; do sleep 0.05; done"; }
sound() {
    run berth system check
    [ "$status" -eq 0 ] && [[ $output == *"0 problems" ]] || { echo "$output"; return 1; }
}
# Removed ones are on their way out for a moment.
no_layer() { timeout 20 bash -c "until [ ! -e '$(data)/layers/$one' ] && [ -z \"\$(find '$(data)/layers' -name 'layer.tar-frame')\" ]; do sleep 0.05; done"; }
works() { [ "$(berth run --rm --network none "$1" /busybox cat /data/second /etc/hard | wc -c)" = $((7 + 37)) ]; }
id() { berth image inspect -f '{{.Id}}' "$1"; }
digest_at() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$1"; }
fresh() {
    berth_engine_halt
    rm -rf "$(data)"
    berth_engine_start "$@"
}

@test "what docker save wrote is here once, and is saved as it came" {
    berth load -q -i app.tar
    settled 0
    # Unpacked, and a few per cent.
    disk=$(du -s --block-size=1 --exclude='berth.db*' "$(data)" | cut -f1)
    echo "on disk $disk, archive $(stat -c %s app.tar)"
    [ "$disk" -lt $(($(stat -c %s app.tar) * 105 / 100 + 400000)) ]
    works app:1
    sound
    berth save -o saved.tar app:1
    settled 0
    tar -xf saved.tar -O "blobs/sha256/$one" | cmp - 1.tar
    tar -xf saved.tar -O "blobs/sha256/$two" | cmp - 2.tar
    # And loaded again it is the same, also where another engine reads it.
    before=$(id app:1)
    fresh
    berth load -q -i saved.tar
    [ "$(id app:1)" = "$before" ]
    settled 0
    works app:1
    sound
    skopeo copy --insecure-policy --quiet docker-archive:saved.tar oci:layout:1
    berth rmi app:1 >/dev/null
    no_layer
}

@test "a push compresses, once; who pulls gets what was loaded" {
    registry_start main 5111
    berth load -q -i app.tar
    berth tag app:1 localhost:5111/app:1
    berth push localhost:5111/app:1 >out
    grep -q Compressing out
    settled 0
    skopeo inspect --raw --tls-verify=false docker://localhost:5111/app:1 >manifest
    [ "$(jq -r '[.layers[].mediaType] | unique | join(" ")' manifest)" = application/vnd.docker.image.rootfs.diff.tar.gzip ]
    pushed=$(digest_at localhost:5111/app:1)
    grep -q "digest: $pushed" out
    [ "$(berth image inspect -f '{{join .RepoDigests " "}}' localhost:5111/app:1 | tr ' ' '\n' | grep 5111)" = "localhost:5111/app@$pushed" ]
    berth run --rm --network none "localhost:5111/app@$pushed" /busybox true
    # Nothing has changed here, and nothing travels twice.
    [ "$(id localhost:5111/app:1)" = "$(id app:1)" ]
    berth push localhost:5111/app:1 >out
    [ "$(grep -c Compressing out)" = 0 ]
    [ "$(grep -c 'already exists' out)" = 2 ]
    [ "$(digest_at localhost:5111/app:1)" = "$pushed" ]
    berth pull localhost:5111/app:1 >out
    [ "$(grep -c 'Already exists' out)" = 2 ]
    [ "$(id localhost:5111/app:1)" = "$pushed" ]
    settled 0
    works localhost:5111/app:1
    sound
    # Without the registry, what was compressed for it is compressed again.
    registry_stop main
    berth save localhost:5111/app:1 >pulled.tar
    settled 0
    fresh
    berth load -q -i pulled.tar
    [ "$(id localhost:5111/app:1)" = "$pushed" ]
    works localhost:5111/app:1
    sound
}

@test "an image built or committed on top has the id that a push gives it" {
    registry_start main 5111
    berth load -q -i app.tar
    printf 'FROM app:1\nRUN ["/busybox", "touch", "/new"]\n' | berth build -q -t localhost:5111/built:1 - >/dev/null
    berth create --name made app:1 >/dev/null
    berth commit made localhost:5111/made:1 >/dev/null
    berth rm made >/dev/null
    for name in built made; do
        berth push -q "localhost:5111/$name:1"
        [ "$(digest_at "localhost:5111/$name:1")" = "$(id "localhost:5111/$name:1")" ]
    done
    sound
    fresh
    for name in built made; do
        berth pull -q "localhost:5111/$name:1"
        works "localhost:5111/$name:1"
    done
}

@test "an image layout whose blobs are plain archives is here once, too" {
    skopeo copy --insecure-policy --quiet docker-archive:app.tar oci:plain:app:1
    mkdir layout && cp -r plain/. layout
    # As it is, skopeo compresses: so the plain ones take their place.
    python3 - <<END
import hashlib, json, os
root = "layout/blobs/sha256/"
index = json.load(open("layout/index.json"))
manifest = json.load(open(root + index["manifests"][0]["digest"][7:]))
for layer, path in zip(manifest["layers"], ["1.tar", "2.tar"]):
    os.unlink(root + layer["digest"][7:])
    data = open(path, "rb").read()
    layer.update(mediaType="application/vnd.oci.image.layer.v1.tar", size=len(data), digest="sha256:" + hashlib.sha256(data).hexdigest())
    open(root + layer["digest"][7:], "wb").write(data)
data = json.dumps(manifest).encode()
index["manifests"][0].update(digest="sha256:" + hashlib.sha256(data).hexdigest(), size=len(data))
index["manifests"][0]["annotations"] = {"io.containerd.image.name": "docker.io/library/app:1", "org.opencontainers.image.ref.name": "1"}
open(root + hashlib.sha256(data).hexdigest(), "wb").write(data)
json.dump(index, open("layout/index.json", "w"))
END
    wanted=$(jq -r '.manifests[0].digest' layout/index.json)
    tar -C layout -c . | berth load -q
    [ "$(id app:1)" = "$wanted" ]
    settled 0
    works app:1
    sound
    # Chosen by platform, the same.
    berth rmi app:1 >/dev/null
    tar -C layout -c . | berth load -q --platform linux/amd64
    [ "$(id app:1)" = "$wanted" ]
    settled 0
    berth save app:1 | tar -xO "blobs/sha256/$one" | cmp - 1.tar
    berth image copy app:1 oci:copied:one
    cmp "copied/blobs/sha256/$one" 1.tar
}

@test "damage is found: without the rest of its archive an image runs, and says what it cannot" {
    berth load -q -i app.tar
    frame=$(data)/layers/$one/layer.tar-frame
    cp "$frame" keep
    printf x | dd of="$frame" bs=1 seek=1000 conv=notrunc status=none
    run berth system check
    [ "$status" -eq 1 ]
    [[ $output == *"$one"* ]]
    works app:1
    run berth save -o none.tar app:1
    [ "$status" -eq 1 ]
    [ ! -e none.tar ]
    run berth system check --repair
    [ "$status" -eq 1 ]
    [[ $output == *"not repaired"*"load"* ]]
    works app:1
    # Loaded again it is whole.
    berth load -q -i app.tar
    sound
    cmp "$frame" keep
    berth save app:1 | tar -xO "blobs/sha256/$one" | cmp - 1.tar
}

@test "a layer that a registry gave compressed learns to give its archive when that is loaded" {
    registry_start main 5111
    berth load -q -i app.tar
    berth tag app:1 localhost:5111/app:1
    berth push -q localhost:5111/app:1
    fresh
    berth pull -q localhost:5111/app:1
    [ ! -e "$(data)/layers/$one/layer.tar-frame" ]
    berth run -d --name user --network none localhost:5111/app:1 /busybox sleep 60 >/dev/null
    berth load -q -i app.tar
    [ -e "$(data)/layers/$one/layer.tar-frame" ]
    berth exec user /busybox cat /data/second
    berth rm -f user >/dev/null
    berth save app:1 | tar -xO "blobs/sha256/$one" | cmp - 1.tar
    works app:1
    sound
}

@test "loads of one archive at a time" {
    local pids=() i
    for i in 1 2 3 4; do berth load -q -i app.tar >/dev/null 3>&- & pids+=($!); done
    for i in "${pids[@]}"; do wait "$i"; done
    works app:1
    sound
    settled 0
    berth rmi app:1 >/dev/null
    berth image prune -f >/dev/null
    no_layer
}
