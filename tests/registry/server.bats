# berth-registry as other people's clients see it.
load helpers

setup() {
    REGISTRY_DIR=$(mktemp -d)
    make_archive "$REGISTRY_DIR/image.tar"
}
teardown() {
    registry_stop main
    rm -rf "$REGISTRY_DIR"
}

@test "skopeo pushes, lists, copies between repositories and pulls the same bytes" {
    registry_start main 5101
    copy --dest-tls-verify=false docker-archive:"$REGISTRY_DIR/image.tar" docker://127.0.0.1:5101/a/b:1
    copy --src-tls-verify=false --dest-tls-verify=false docker://127.0.0.1:5101/a/b:1 docker://127.0.0.1:5101/c:2
    run skopeo list-tags --tls-verify=false docker://127.0.0.1:5101/c
    [[ $output == *'"2"'* ]]
    copy --src-tls-verify=false docker://127.0.0.1:5101/c:2 dir:"$REGISTRY_DIR/out"
    digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://127.0.0.1:5101/a/b:1)
    [ "sha256:$(sha256sum <"$REGISTRY_DIR/out/manifest.json" | cut -d' ' -f1)" = "$digest" ]
}

@test "what was pushed is there after a kill at any moment" {
    registry_start main 5101
    copy --dest-tls-verify=false docker-archive:"$REGISTRY_DIR/image.tar" docker://127.0.0.1:5101/a:1
    kill -KILL "$(cat "$REGISTRY_DIR/main.pid")"
    wait "$(cat "$REGISTRY_DIR/main.pid")" || true
    registry_start main 5101
    copy --src-tls-verify=false docker://127.0.0.1:5101/a:1 dir:"$REGISTRY_DIR/out"
}

@test "a password is asked for, a wrong one refused" {
    htpasswd -Bbn alice secret >"$REGISTRY_DIR/users"
    registry_start main 5101 --htpasswd "$REGISTRY_DIR/users"
    run skopeo list-tags --tls-verify=false docker://127.0.0.1:5101/a
    [ "$status" -ne 0 ]
    run copy --dest-tls-verify=false --dest-creds alice:wrong docker-archive:"$REGISTRY_DIR/image.tar" docker://127.0.0.1:5101/a:1
    [ "$status" -ne 0 ]
    copy --dest-tls-verify=false --dest-creds alice:secret docker-archive:"$REGISTRY_DIR/image.tar" docker://127.0.0.1:5101/a:1
}

@test "TLS with a certificate of its own" {
    make_certificate
    registry_start main 5101 --tls-cert "$REGISTRY_DIR/cert.pem" --tls-key "$REGISTRY_DIR/key.pem"
    mkdir -p "$REGISTRY_DIR/certs" && cp "$REGISTRY_DIR/cert.pem" "$REGISTRY_DIR/certs/ca.crt"
    copy --dest-cert-dir "$REGISTRY_DIR/certs" docker-archive:"$REGISTRY_DIR/image.tar" docker://localhost:5101/a:1
    run curl -sf https://localhost:5101/v2/
    [ "$status" -ne 0 ]
}

@test "uploads in pieces, also without ranges and with a cut in between" {
    registry_start main 5101
    head -c 3000000 /dev/urandom >"$REGISTRY_DIR/blob"
    digest=sha256:$(sha256sum <"$REGISTRY_DIR/blob" | cut -d' ' -f1)
    location=$(curl -sfi -X POST http://127.0.0.1:5101/v2/a/blobs/uploads/ | tr -d '\r' | sed -n 's/^Location: //p')
    head -c 1000000 "$REGISTRY_DIR/blob" | curl -sf -X PATCH -H 'Transfer-Encoding: chunked' --data-binary @- "http://127.0.0.1:5101$location"
    registry_stop main
    registry_start main 5101
    curl -sfi "http://127.0.0.1:5101$location" | grep -qi '^Range: 0-999999'
    tail -c +1000001 "$REGISTRY_DIR/blob" | curl -sf -X PUT --data-binary @- "http://127.0.0.1:5101$location?digest=$digest"
    [ "$(curl -sf "http://127.0.0.1:5101/v2/a/blobs/$digest" | sha256sum)" = "$(sha256sum <"$REGISTRY_DIR/blob")" ]
    [ "$(curl -sf -r 10-19 "http://127.0.0.1:5101/v2/a/blobs/$digest" | xxd -p)" = "$(tail -c +11 "$REGISTRY_DIR/blob" | head -c 10 | xxd -p)" ]
}

@test "wrong flags are explained and end with status 2" {
    run "$BERTH_BIN/berth-registry" --port 1
    [ "$status" -eq 2 ]
    [[ $output == *"unknown argument --port"* ]]
    run "$BERTH_BIN/berth-registry" --help
    [ "$status" -eq 0 ]
    [[ $output == *Example:* ]]
}

@test "a second registry on the same directory is refused" {
    registry_start main 5101
    run "$BERTH_BIN/berth-registry" --addr 127.0.0.1:5102 --root "$REGISTRY_DIR/main"
    [ "$status" -eq 1 ]
    [[ $output == *"another berth-registry uses this directory"* ]]
}
