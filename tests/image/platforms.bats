# Images of several platforms: indexes stay whole, their variants are listed, pulled and removed one by one.
load ../registry/helpers

setup() {
    REGISTRY_DIR=$(mktemp -d)
    berth_engine_start
    registry_start main 5111
    host=$(case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; esac)
    other=$([ "$host" = amd64 ] && echo arm64 || echo amd64)
    id=$(python3 "$BERTH_SOURCE/tests/image/layout.py" "$REGISTRY_DIR/multi.tar" localhost:5111/multi:1 "linux/$host" "linux/$other" linux/arm/v7)
    "$BERTH_BIN/berth" load -i "$REGISTRY_DIR/multi.tar"
}
teardown() {
    registry_stop main
    rm -rf "$REGISTRY_DIR"
    berth_engine_stop
    berth_audit
}

tree() { "$BERTH_BIN/berth" images --tree; }
variants() { "$BERTH_BIN/berth" images --tree | grep -c 'linux/'; }

@test "an index with an attestation and an index in it travels whole and keeps its id" {
    [ "$("$BERTH_BIN/berth" image inspect -f '{{.Id}}' localhost:5111/multi:1)" = "$id" ]
    [ "$(variants)" -eq 3 ]
    tree | grep -q '^localhost:5111/multi:1 '
    tree | grep -q '─ linux/arm/v7 '
    "$BERTH_BIN/berth" push localhost:5111/multi:1 | grep -q "digest: $id"
    "$BERTH_BIN/berth" save -o "$REGISTRY_DIR/saved.tar" localhost:5111/multi:1
    "$BERTH_BIN/berth" rmi localhost:5111/multi:1
    "$BERTH_BIN/berth" load -i "$REGISTRY_DIR/saved.tar"
    [ "$("$BERTH_BIN/berth" image inspect -f '{{.Id}}' localhost:5111/multi:1)" = "$id" ]
    [ "$(variants)" -eq 3 ]
}

@test "platforms are pulled one by one, the attestation with its image, and what is in a nested index, too" {
    "$BERTH_BIN/berth" push -q localhost:5111/multi:1
    "$BERTH_BIN/berth" rmi localhost:5111/multi:1
    "$BERTH_BIN/berth" pull -q localhost:5111/multi:1
    [ "$("$BERTH_BIN/berth" image inspect -f '{{.Id}} {{.Architecture}}' localhost:5111/multi:1)" = "$id $host" ]
    run curl -s --unix-socket "${BERTH_HOST#unix://}" 'http://x/v1.50/images/json?manifests=1'
    [ "$(jq -c '[.[0].Manifests[] | [.Kind, .Available]]' <<<"$output")" = '[["image",true],["attestation",true],["image",false],["image",false]]' ] ||
        [ "$(jq '[.[0].Manifests[] | select(.Available)] | length' <<<"$output")" -eq 2 ]
    "$BERTH_BIN/berth" pull -q --platform linux/arm/v7 localhost:5111/multi:1
    "$BERTH_BIN/berth" image inspect --platform linux/arm/v7 -f '{{.Architecture}}/{{.Variant}}' localhost:5111/multi:1 | grep -qx arm/v7
    "$BERTH_BIN/berth" history --platform linux/arm/v7 localhost:5111/multi:1 | grep -q 'layer of linux/arm/v7'
    run "$BERTH_BIN/berth" image inspect --platform "linux/$other" localhost:5111/multi:1
    [ "$status" -eq 1 ]
    run "$BERTH_BIN/berth" pull --platform linux/s390x localhost:5111/multi:1
    [ "$status" -eq 1 ]
    [[ $output == *"no matching manifest for linux/s390x"* ]]
}

@test "platforms are removed one by one; the last one takes the image with it" {
    "$BERTH_BIN/berth" rmi --platform "linux/$other" localhost:5111/multi:1
    run "$BERTH_BIN/berth" image inspect --platform "linux/$other" localhost:5111/multi:1
    [ "$status" -eq 1 ]
    [ "$("$BERTH_BIN/berth" image inspect -f '{{.Id}}' localhost:5111/multi:1)" = "$id" ]
    run "$BERTH_BIN/berth" rmi --platform linux/riscv64 localhost:5111/multi:1
    [ "$status" -eq 1 ]
    [[ $output == *"no content for linux/riscv64"* ]]
    "$BERTH_BIN/berth" rmi --platform "linux/$host" localhost:5111/multi:1
    [ "$("$BERTH_BIN/berth" image inspect -f '{{.Architecture}}' localhost:5111/multi:1)" = arm ]
    # What is left can be saved and looked at, though it does not run here.
    "$BERTH_BIN/berth" save -o "$REGISTRY_DIR/arm.tar" localhost:5111/multi:1
    "$BERTH_BIN/berth" rmi --platform linux/arm/v7 localhost:5111/multi:1
    [ -z "$("$BERTH_BIN/berth" images -q)" ]
    # The engine's own layer stays.
    timeout 20 bash -c "until [ \"\$(ls -A '$BERTH_TEST_DIR/data/layers' | wc -l)\" = 1 ] && [ -z \"\$(find '$BERTH_TEST_DIR/data/blobs' -type f)\" ]; do sleep 0.05; done"
}

@test "save, push, load, copy and layers take only what is made for the platform, run what suits it" {
    python3 "$BERTH_SOURCE/tests/image/layout.py" "$REGISTRY_DIR/lesser.tar" localhost:5111/lesser:1 "linux/$host" linux/386 linux/arm/v6
    "$BERTH_BIN/berth" load -q -i "$REGISTRY_DIR/lesser.tar"
    local lesser=localhost:5111/lesser:1
    "$BERTH_BIN/berth" push -q "$lesser"
    for command in "save -o $REGISTRY_DIR/x.tar --platform linux/arm/v7 $lesser" "push --platform linux/arm/v7 $lesser" \
        "image layers --platform linux/arm/v7 $lesser" "image inspect --platform linux/arm/v7 $lesser" \
        "image copy --platform linux/arm/v7 $lesser docker://localhost:5111/x:1" \
        "image copy --platform linux/arm/v7 docker://$lesser docker://localhost:5111/x:1" \
        "load --platform linux/arm/v7 -i $REGISTRY_DIR/lesser.tar" "rmi --platform linux/arm/v7 $lesser"; do
        # shellcheck disable=SC2086
        run "$BERTH_BIN/berth" $command
        [ "$status" -eq 1 ] || { echo "$command: $output" >&2; return 1; }
        [[ $output == *"linux/arm/v7"* ]] || { echo "$command: $output" >&2; return 1; }
    done
    [ ! -e "$REGISTRY_DIR/x.tar" ]
    "$BERTH_BIN/berth" save -o "$REGISTRY_DIR/v6.tar" --platform linux/arm/v6 "$lesser"
    "$BERTH_BIN/berth" push --platform linux/arm/v6 "$lesser" | grep -q "$(tar -xOf "$REGISTRY_DIR/v6.tar" index.json | jq -r '.manifests[0].digest')"
    # Where the registry names one manifest alone, its configuration tells.
    run "$BERTH_BIN/berth" image copy -q --platform linux/arm/v7 "docker://$lesser" docker://localhost:5111/x:1
    [ "$status" -eq 1 ]
    "$BERTH_BIN/berth" image copy -q --platform linux/arm/v6 "docker://$lesser" docker://localhost:5111/v6:1
    # A machine takes what it can run, as a pull does: a container for arm/v7 is made of the arm/v6 image.
    "$BERTH_BIN/berth" create --platform linux/arm/v7 --name lesser "$lesser" >/dev/null
    [ "$("$BERTH_BIN/berth" inspect -f '{{.Image}}' lesser)" = "$("$BERTH_BIN/berth" image inspect -f '{{.Id}}' "$lesser")" ]
    # What is committed of it stands on its own variant, not on this machine's.
    "$BERTH_BIN/berth" commit lesser committed:1 >/dev/null
    [ "$("$BERTH_BIN/berth" image inspect -f '{{.Architecture}}/{{.Variant}}' committed:1)" = arm/v6 ]
    "$BERTH_BIN/berth" rm lesser
    "$BERTH_BIN/berth" rmi committed:1 "$lesser"
}

@test "a platform that cannot go leaves the others, and content of two images stays for both" {
    local name=localhost:5111/multi:1
    run "$BERTH_BIN/berth" rmi --platform "linux/$other" --platform linux/riscv64 "$name"
    [ "$status" -eq 1 ]
    [ "$(variants)" -eq 3 ]
    "$BERTH_BIN/berth" push -q "$name"
    "$BERTH_BIN/berth" push -q --platform "linux/$other" "$name"
    "$BERTH_BIN/berth" tag "$name" kept:1
    "$BERTH_BIN/berth" rmi "$name"
    "$BERTH_BIN/berth" pull -q --platform "linux/$other" "$name"
    run "$BERTH_BIN/berth" rmi --platform "linux/$other" kept:1
    [ "$status" -eq 1 ]
    [[ $output == *"has the same content"* ]]
    "$BERTH_BIN/berth" image inspect --platform "linux/$other" "$name" >/dev/null
    "$BERTH_BIN/berth" rmi "$name"
    "$BERTH_BIN/berth" rmi --platform "linux/$other" kept:1
    "$BERTH_BIN/berth" rmi kept:1
}

@test "what a pull brought of an index is copied on alone" {
    "$BERTH_BIN/berth" push -q localhost:5111/multi:1
    "$BERTH_BIN/berth" rmi localhost:5111/multi:1
    "$BERTH_BIN/berth" pull -q localhost:5111/multi:1
    "$BERTH_BIN/berth" image copy -q localhost:5111/multi:1 docker://localhost:5111/alone:1
    "$BERTH_BIN/berth" pull -q localhost:5111/alone:1
    [ "$("$BERTH_BIN/berth" image inspect -f '{{.Architecture}}' localhost:5111/alone:1)" = "$host" ]
    "$BERTH_BIN/berth" rmi localhost:5111/multi:1 localhost:5111/alone:1
}

@test "an artifact is pulled, listed and pushed on, and says that it cannot run" {
    printf 'values: 1\n' >"$REGISTRY_DIR/chart"
    python3 - "$REGISTRY_DIR/chart" <<'PYTHON'
import hashlib, json, sys, urllib.request
def put(path, data, type_):
    request = urllib.request.Request("http://127.0.0.1:5111" + path, data=data, method="PUT", headers={"Content-Type": type_})
    urllib.request.urlopen(request)
def blob(data):
    location = urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:5111/v2/chart/blobs/uploads/", data=b"", method="POST")).headers["Location"]
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    url = location if location.startswith("/") else location.split("5111", 1)[1]
    put(url + ("&" if "?" in url else "?") + "digest=" + digest, data, "application/octet-stream")
    return {"digest": digest, "size": len(data)}
manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "application/vnd.cncf.helm.config.v1+json",
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", **blob(b"{}")},
            "layers": [{"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", **blob(open(sys.argv[1], "rb").read())}]}
put("/v2/chart/manifests/1", json.dumps(manifest).encode(), manifest["mediaType"])
PYTHON
    "$BERTH_BIN/berth" pull -q localhost:5111/chart:1
    "$BERTH_BIN/berth" images | grep -q localhost:5111/chart
    run "$BERTH_BIN/berth" run --rm localhost:5111/chart:1
    [ "$status" -eq 125 ]
    [[ $output == *"is an artifact (application/vnd.cncf.helm.config.v1+json)"* ]]
    "$BERTH_BIN/berth" tag localhost:5111/chart:1 localhost:5111/copy:1
    "$BERTH_BIN/berth" push -q localhost:5111/copy:1
    curl -sf -o /dev/null "http://127.0.0.1:5111/v2/copy/manifests/1"
    "$BERTH_BIN/berth" rmi localhost:5111/chart:1 localhost:5111/copy:1
}
