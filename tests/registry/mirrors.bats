# hosts.toml: other addresses for any registry.
load helpers

setup() {
    REGISTRY_DIR=$(mktemp -d)
    mkdir -p "$REGISTRY_DIR/hosts/localhost:5999" "$REGISTRY_DIR/hosts/_default"
    berth_engine_start --registry-hosts-dir "$REGISTRY_DIR/hosts"
    make_archive "$REGISTRY_DIR/image.tar"
    load_as_made "$REGISTRY_DIR/image.tar"
    registry_start main 5111
    "$BERTH_BIN/berth" tag test:1 localhost:5111/team/app:1
    "$BERTH_BIN/berth" push -q localhost:5111/team/app:1
    id=$("$BERTH_BIN/berth" image inspect -f '{{.Id}}' test:1)
    "$BERTH_BIN/berth" rmi -f "$id"
}
teardown() {
    registry_stop main
    rm -rf "$REGISTRY_DIR"
    berth_engine_stop
    berth_audit
}

@test "a registry that is gone is read from its mirror, under its own name" {
    printf '[host."http://127.0.0.1:5998"]\n[host."http://127.0.0.1:5111"]\ncapabilities = ["pull", "resolve"]\n' \
        >"$REGISTRY_DIR/hosts/localhost:5999/hosts.toml"
    "$BERTH_BIN/berth" pull localhost:5999/team/app:1
    [ "$("$BERTH_BIN/berth" image inspect -f '{{index .RepoTags 0}} {{.Id}}' localhost:5999/team/app:1)" = "localhost:5999/team/app:1 $id" ]
}

@test "one mirror stands for all registries, and the file may name the server" {
    printf '[host."http://127.0.0.1:5111"]\n' >"$REGISTRY_DIR/hosts/_default/hosts.toml"
    "$BERTH_BIN/berth" pull -q registry.invalid/team/app:1
    rm "$REGISTRY_DIR/hosts/_default/hosts.toml"
    printf 'server = "http://127.0.0.1:5111"\n' >"$REGISTRY_DIR/hosts/localhost:5999/hosts.toml"
    "$BERTH_BIN/berth" pull -q localhost:5999/team/app:1
}

@test "a broken file is named with its line" {
    printf '[host."http://127.0.0.1:5111"]\ncapabilities = [\n' >"$REGISTRY_DIR/hosts/localhost:5999/hosts.toml"
    run "$BERTH_BIN/berth" pull localhost:5999/team/app:1
    [ "$status" -eq 1 ]
    [[ $output == *"localhost:5999/hosts.toml: line "* ]]
}
