# The engine as a client of registries: Berth's own and Debian's docker-registry.
load helpers

setup() {
    REGISTRY_DIR=$(mktemp -d)
    export XDG_RUNTIME_DIR=$REGISTRY_DIR
    berth_engine_start
    make_archive "$REGISTRY_DIR/image.tar" 8
    "$BERTH_BIN/berth" load -i "$REGISTRY_DIR/image.tar"
}
teardown() {
    registry_stop main
    registry_stop peer
    rm -rf "$REGISTRY_DIR"
    berth_engine_stop
    berth_audit
}

id_of() { "$BERTH_BIN/berth" image inspect --format '{{.Id}}' "$1"; }

@test "push and pull keep the identity, through both registries" {
    registry_start main 5111
    peer_start 5112
    load_as_made "$REGISTRY_DIR/image.tar"
    id=$(id_of test:1)
    for host in 127.0.0.1:5111 localhost:5112; do
        "$BERTH_BIN/berth" tag test:1 $host/a/b:1
        run "$BERTH_BIN/berth" push $host/a/b:1
        [ "$status" -eq 0 ]
        [[ $output == *"1: digest: $id size: "* ]]
        "$BERTH_BIN/berth" rmi $host/a/b:1
    done
    "$BERTH_BIN/berth" rmi test:1
    [ -z "$("$BERTH_BIN/berth" images -q)" ]
    for host in 127.0.0.1:5111 localhost:5112; do
        run "$BERTH_BIN/berth" pull $host/a/b:1
        [ "$status" -eq 0 ]
        [[ $output == *"Digest: $id"* ]]
        [ "$(id_of $host/a/b:1)" = "$id" ]
    done
    "$BERTH_BIN/berth" pull "127.0.0.1:5111/a/b@$id"
    run "$BERTH_BIN/berth" pull 127.0.0.1:5111/a/b:1
    [[ $output == *"Image is up to date"* ]]
}

@test "what is pushed is read by skopeo and podman" {
    registry_start main 5111
    "$BERTH_BIN/berth" tag test:1 127.0.0.1:5111/x:1
    "$BERTH_BIN/berth" push 127.0.0.1:5111/x:1
    copy --src-tls-verify=false docker://127.0.0.1:5111/x:1 oci:"$REGISTRY_DIR/oci:1"
    peer_podman pull --tls-verify=false 127.0.0.1:5111/x:1
    peer_podman system reset -f || true
}

@test "missing images and repositories are named" {
    registry_start main 5111
    run "$BERTH_BIN/berth" pull 127.0.0.1:5111/no/such:1
    [ "$status" -ne 0 ]
    [[ $output == *"manifest for 127.0.0.1:5111/no/such:1 not found: manifest unknown"* ]]
    run "$BERTH_BIN/berth" pull 127.0.0.1:1/x:1
    [ "$status" -ne 0 ]
    [[ $output == *"127.0.0.1"* ]]
    run "$BERTH_BIN/berth" push 127.0.0.1:5111/nothing:1
    [ "$status" -ne 0 ]
    [[ $output == *"An image does not exist locally with the tag: 127.0.0.1:5111/nothing"* ]]
}

@test "passwords over TLS, with the peer's registry" {
    make_certificate
    htpasswd -Bbn alice secret >"$REGISTRY_DIR/users"
    peer_start 5112 "$REGISTRY_DIR/users" "$REGISTRY_DIR/cert.pem" "$REGISTRY_DIR/key.pem"
    "$BERTH_BIN/berth" tag test:1 localhost:5112/p:1
    run "$BERTH_BIN/berth" push localhost:5112/p:1
    [ "$status" -ne 0 ]
    run "$BERTH_BIN/berth" login -u alice -p wrong localhost:5112
    [ "$status" -ne 0 ]
    [[ $output == *"incorrect username or password"* || $output == *unauthorized* ]]
    "$BERTH_BIN/berth" login -u alice -p secret localhost:5112
    "$BERTH_BIN/berth" push localhost:5112/p:1
    "$BERTH_BIN/berth" rmi localhost:5112/p:1 test:1
    "$BERTH_BIN/berth" pull localhost:5112/p:1
    "$BERTH_BIN/berth" logout localhost:5112
}

@test "a registry that dies in the middle of a pull leaves no image, and the next pull goes on" {
    peer_start 5112
    "$BERTH_BIN/berth" tag test:1 localhost:5112/p:1
    "$BERTH_BIN/berth" push localhost:5112/p:1
    "$BERTH_BIN/berth" rmi localhost:5112/p:1 test:1
    # Passes the first 4 MB of everything to the clients, then hangs up; later connections are refused.
    python3 - <<'PYTHON' &
import socket
def serve():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 5113))
    listener.listen()
    import threading
    left, over = [4 << 20], threading.Event()
    def pump(source, sink, counted):
        try:
            while data := source.recv(65536):
                if counted:
                    left[0] -= len(data)
                    if left[0] < 0:
                        over.set()
                        break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
    listener.settimeout(0.2)
    while not over.is_set():
        try:
            client, _ = listener.accept()
        except TimeoutError:
            continue
        server = socket.create_connection(("127.0.0.1", 5112))
        threading.Thread(target=pump, args=(client, server, False), daemon=True).start()
        threading.Thread(target=pump, args=(server, client, True), daemon=True).start()
serve()
PYTHON
    wait_for_port 5113
    run "$BERTH_BIN/berth" pull localhost:5113/p:1
    [ "$status" -ne 0 ]
    [ -z "$("$BERTH_BIN/berth" images -q)" ]
    run "$BERTH_BIN/berth" pull localhost:5112/p:1
    [ "$status" -eq 0 ]
}

@test "save and load travel to skopeo and podman and back" {
    "$BERTH_BIN/berth" save -o "$REGISTRY_DIR/saved.tar" test:1
    copy docker-archive:"$REGISTRY_DIR/saved.tar" oci:"$REGISTRY_DIR/from-docker:1"
    copy oci-archive:"$REGISTRY_DIR/saved.tar" oci-archive:"$REGISTRY_DIR/again.tar:localhost/again:2"
    id=$(id_of test:1)
    "$BERTH_BIN/berth" rmi test:1
    run "$BERTH_BIN/berth" load -i "$REGISTRY_DIR/saved.tar"
    [[ $output == *"Loaded image: test:1"* ]]
    [ "$(id_of test:1)" = "$id" ]
    "$BERTH_BIN/berth" load -i "$REGISTRY_DIR/again.tar"
    "$BERTH_BIN/berth" image inspect localhost/again:2 >/dev/null
    for format in docker-archive oci-archive; do
        peer_podman load -i "$REGISTRY_DIR/saved.tar"
        peer_podman save --format $format -o "$REGISTRY_DIR/p-$format.tar" test:1
        "$BERTH_BIN/berth" rmi -f test:1 localhost/test:1 2>/dev/null || true
        "$BERTH_BIN/berth" load -i "$REGISTRY_DIR/p-$format.tar"
    done
    peer_podman system reset -f || true
}

@test "an archive that is damaged or leads outward is refused and leaves nothing" {
    "$BERTH_BIN/berth" rmi test:1
    before=$(du -s "$BERTH_TEST_DIR/data/blobs" | cut -f1)
    head -c 3000000 "$REGISTRY_DIR/image.tar" >"$REGISTRY_DIR/cut.tar"
    run "$BERTH_BIN/berth" load -i "$REGISTRY_DIR/cut.tar"
    [ "$status" -ne 0 ]
    printf '[{"Config":"../../etc/passwd","Layers":[]}]' >"$REGISTRY_DIR/manifest.json"
    tar -C "$REGISTRY_DIR" -cf "$REGISTRY_DIR/evil.tar" manifest.json
    run "$BERTH_BIN/berth" load -i "$REGISTRY_DIR/evil.tar"
    [ "$status" -ne 0 ]
    [[ $output == *"not in the archive"* ]]
    [ -z "$("$BERTH_BIN/berth" images -q)" ]
    [ "$(du -s "$BERTH_TEST_DIR/data/blobs" | cut -f1)" -le "$before" ]
}

@test "four pulls of one image at a time share its layers" {
    registry_start main 5111
    "$BERTH_BIN/berth" tag test:1 127.0.0.1:5111/x:1
    "$BERTH_BIN/berth" push 127.0.0.1:5111/x:1
    "$BERTH_BIN/berth" rmi 127.0.0.1:5111/x:1 test:1
    pids=()
    for i in 1 2 3 4; do "$BERTH_BIN/berth" pull -q 127.0.0.1:5111/x:1 & pids+=($!); done
    for pid in "${pids[@]}"; do wait "$pid"; done
    "$BERTH_BIN/berth" image inspect 127.0.0.1:5111/x:1 >/dev/null
}
