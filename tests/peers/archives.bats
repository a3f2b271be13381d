# Archives of images between Berth, Debian's dockerd and Debian's podman, in every direction.
bats_require_minimum_version 1.5.0
load helpers

setup() {
    berth_engine_start
    busybox_root "$BERTH_TEST_DIR/busybox"
    tar -C "$BERTH_TEST_DIR/busybox" --owner=0 --group=0 --numeric-owner -cf "$BERTH_TEST_DIR/busybox.tar" .
    mkdir "$BERTH_TEST_DIR/context"
    printf 'FROM busybox:latest\nRUN echo built >/made && ln -s made /link && rm /bin/wget\nUSER nobody\nENV A=b\nLABEL l=m\nCMD ["sh", "-c", "cat /link; id -u; echo $A; test ! -e /bin/wget"]\n' \
        >"$BERTH_TEST_DIR/context/Dockerfile"
    cd "$BERTH_TEST_DIR"
}

teardown() {
    dockerd_stop
    podman_peer rm -a -f -t 0 >/dev/null 2>&1
    berth_engine_stop
    peers_unmount
    cd /
    berth_audit
}

# The image that each engine builds prints this.
expected='built 65534 b'
own() { "$BERTH_BIN/berth" "$@"; }
own_build() { own import -c 'ENV PATH=/bin' busybox.tar busybox:latest && own build -q -t app:1 context; }
runs_in_own() { [ "$(own run --rm --network none "$1" | xargs)" = "$expected" ]; }

@test "berth load takes what docker save wrote, several images at once, plain and gzipped" {
    dockerd_start
    docker_peer import -c 'ENV PATH=/bin' busybox.tar busybox:latest
    DOCKER_BUILDKIT=0 docker_peer build -q -t app:1 -t app:2 context
    docker_peer save -o saved.tar app:1 app:2 busybox:latest
    own load -i saved.tar | sort >loaded
    [ "$(grep -c '^Loaded image: ' loaded)" -eq 3 ]
    runs_in_own app:1
    runs_in_own app:2
    [ "$(own image inspect -f '{{json .RootFS.Layers}}' app:1)" = "$(docker_peer image inspect -f '{{json .RootFS.Layers}}' app:1)" ]
    [ "$(own image inspect -f '{{json .Config.Labels}} {{.Config.User}} {{json .Config.Cmd}}' app:1)" = \
        "$(docker_peer image inspect -f '{{json .Config.Labels}} {{.Config.User}} {{json .Config.Cmd}}' app:1)" ]
    own rmi app:1 app:2
    gzip -c saved.tar | own load
    runs_in_own app:2
    # Without a name, what is saved by id has none after loading.
    own rmi app:1 app:2
    docker_peer save "$(docker_peer image inspect -f '{{.Id}}' app:1)" | own load | grep -q '^Loaded image ID: sha256:'
}

@test "docker load takes what berth save wrote" {
    own_build
    own tag app:1 app:2
    own save -o saved.tar app:1 app:2
    dockerd_start
    docker_peer load -i saved.tar | grep -c 'Loaded image: app:' | grep -qx 2
    [ "$(docker_peer run --rm --network none app:1 | xargs)" = "$expected" ]
    [ "$(own image inspect -f '{{json .RootFS.Layers}}' app:1)" = "$(docker_peer image inspect -f '{{json .RootFS.Layers}}' app:2)" ]
}

@test "berth load takes what podman save wrote, as docker-archive and as oci-archive" {
    podman_peer import -q -c 'ENV PATH=/bin' busybox.tar localhost/busybox:latest
    sed -i 's|^FROM .*|FROM localhost/busybox:latest|' context/Dockerfile
    podman_peer build -q --network none -t localhost/app:1 context
    local format
    for format in docker-archive oci-archive; do
        podman_peer save -q --format $format -o saved-$format.tar localhost/app:1
        own load -i saved-$format.tar | grep -q 'Loaded image: localhost/app:1'
        runs_in_own localhost/app:1
        own rmi localhost/app:1
    done
}

@test "podman load takes what berth save wrote" {
    own_build
    own save app:1 >saved.tar
    podman_peer load -i saved.tar | grep -q 'app:1'
    [ "$(podman_peer run --rm --network none app:1 | xargs)" = "$expected" ]
}

@test "export and import go round between the engines" {
    own_build
    own create --name made app:1
    own export made >root.tar
    dockerd_start
    docker_peer import root.tar from-berth:1
    [ "$(docker_peer run --rm --network none from-berth:1 cat /link)" = built ]
    docker_peer create --name made from-berth:1 true
    docker_peer export made | own import - from-docker:1
    [ "$(own run --rm --network none from-docker:1 /bin/cat /link)" = built ]
    docker_peer rm made
}
