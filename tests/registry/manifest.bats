# manifest create annotate push inspect rm, image copy, search: what goes on between registries.
load helpers

setup() {
    REGISTRY_DIR=$(mktemp -d)
    berth_engine_start
    make_archive "$REGISTRY_DIR/image.tar"
    load_as_made "$REGISTRY_DIR/image.tar"
    registry_start main 5111
    peer_start 5112
    "$BERTH_BIN/berth" tag test:1 localhost:5111/app:1-amd64
    "$BERTH_BIN/berth" push -q localhost:5111/app:1-amd64
    id=$("$BERTH_BIN/berth" image inspect -f '{{.Id}}' test:1)
}
teardown() {
    registry_stop main
    registry_stop peer
    rm -rf "$REGISTRY_DIR"
    berth_engine_stop
    berth_audit
}

@test "a manifest list is made, annotated, pushed with what it names, and pulled" {
    printf 'FROM scratch\nCOPY f /f\n' >"$REGISTRY_DIR/Dockerfile" && echo arm >"$REGISTRY_DIR/f"
    mkdir "$REGISTRY_DIR/c" && mv "$REGISTRY_DIR/Dockerfile" "$REGISTRY_DIR/f" "$REGISTRY_DIR/c"
    "$BERTH_BIN/berth" build -q --platform linux/arm64 -t localhost:5112/arm:1 "$REGISTRY_DIR/c"
    "$BERTH_BIN/berth" push -q localhost:5112/arm:1
    "$BERTH_BIN/berth" manifest create localhost:5111/app:1 localhost:5111/app:1-amd64
    run "$BERTH_BIN/berth" manifest create localhost:5111/app:1 localhost:5112/arm:1
    [ "$status" -eq 1 ]
    [[ $output == *"refusing to amend"* ]]
    "$BERTH_BIN/berth" manifest create --amend localhost:5111/app:1 localhost:5112/arm:1
    "$BERTH_BIN/berth" manifest annotate --arch arm64 --variant v8 localhost:5111/app:1 localhost:5112/arm:1
    [ "$("$BERTH_BIN/berth" manifest inspect localhost:5111/app:1 | jq -c '[.manifests[].platform | .architecture]')" = '["amd64","arm64"]' ]
    "$BERTH_BIN/berth" manifest push --purge localhost:5111/app:1
    run "$BERTH_BIN/berth" manifest rm localhost:5111/app:1
    [ "$status" -eq 1 ]
    "$BERTH_BIN/berth" manifest inspect localhost:5111/app:1 | jq -e '.manifests[1].platform.variant == "v8"'
    "$BERTH_BIN/berth" manifest inspect -v localhost:5111/app:1 | jq -e '.Descriptor.digest | startswith("sha256:")'
    "$BERTH_BIN/berth" pull -q --platform linux/arm64 localhost:5111/app:1
    "$BERTH_BIN/berth" image inspect --platform linux/arm64 localhost:5111/app:1 >/dev/null
    copy --all --src-tls-verify=false docker://localhost:5111/app:1 oci:"$REGISTRY_DIR/oci:1"
    run "$BERTH_BIN/berth" manifest create localhost:5111/b:1 localhost:5111/app:1
    [ "$status" -eq 1 ]
    [[ $output == *"is a manifest list"* ]]
}

@test "lists of names that look alike are lists of their own" {
    "$BERTH_BIN/berth" manifest create localhost:5111/a/b:1 localhost:5111/app:1-amd64
    "$BERTH_BIN/berth" manifest create localhost:5111/a_b:1 localhost:5111/app:1-amd64
    "$BERTH_BIN/berth" manifest rm localhost:5111/a/b:1
    "$BERTH_BIN/berth" manifest push --purge localhost:5111/a_b:1
    run "$BERTH_BIN/berth" manifest inspect localhost:5111/a/b:1
    [ "$status" -eq 1 ]
}

@test "an image goes from registry to registry, and from here to one, and keeps its digest" {
    "$BERTH_BIN/berth" image copy docker://localhost:5111/app:1-amd64 docker://localhost:5112/mirror/app:2
    "$BERTH_BIN/berth" image copy -q test:1 docker://localhost:5112/own:1
    "$BERTH_BIN/berth" rmi -f "$id"
    # What travelled through is not kept.
    [ -z "$(find "$BERTH_TEST_DIR/data/blobs" -type f)" ]
    "$BERTH_BIN/berth" image copy -q docker://localhost:5112/mirror/app:2 docker://localhost:5111/back:1
    for name in localhost:5112/mirror/app:2 localhost:5112/own:1 localhost:5111/back:1; do
        "$BERTH_BIN/berth" pull -q "$name"
        [ "$("$BERTH_BIN/berth" image inspect -f '{{.Id}}' "$name")" = "$id" ]
    done
    run "$BERTH_BIN/berth" image copy docker://localhost:5111/absent:1 docker://localhost:5112/x:1
    [ "$status" -eq 1 ]
    [[ $output == *"localhost:5111/absent:1"* ]]
    run "$BERTH_BIN/berth" image copy test:1 elsewhere
    [ "$status" -eq 1 ]
    [[ $output == *"No such image"* ]]
}

@test "all tags of a repository are pushed and pulled at once" {
    for tag in 1 2; do "$BERTH_BIN/berth" tag test:1 localhost:5112/many:$tag; done
    "$BERTH_BIN/berth" push -q --all-tags localhost:5112/many
    "$BERTH_BIN/berth" rmi localhost:5112/many:1 localhost:5112/many:2
    "$BERTH_BIN/berth" pull -q --all-tags localhost:5112/many
    [ "$("$BERTH_BIN/berth" images -q localhost:5112/many | wc -l)" -eq 2 ]
}
