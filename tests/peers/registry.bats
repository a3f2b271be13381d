# Debian's docker-registry with passwords and TLS against Berth, and Debian's skopeo and podman against berth-registry.
bats_require_minimum_version 1.5.0
load helpers

setup() { peers_begin; }

teardown() {
    local pid
    for pid in "${REGISTRY_PIDS[@]}"; do kill "$pid" && wait "$pid" || true; done
    berth_engine_stop
    podman_peer rm -a -f -t 0 >/dev/null 2>&1
    peers_unmount
    rm -rf /etc/docker/certs.d/localhost.test:5071
    berth_audit
}

make_certificate() { # an authority, and a certificate for localhost.test
    (cd "$BERTH_TEST_DIR" && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority &&
        openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost.test &&
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 \
            -extfile <(echo subjectAltName=DNS:localhost.test)) 2>"$BERTH_TEST_DIR/openssl.log"
}

# Debian's registry at $1 with the user "ada" and the password "secret"; "tls" as $2 serves TLS.
debian_registry() {
    htpasswd -Bbn ada secret >"$BERTH_TEST_DIR/htpasswd"
    {
        printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\n' "$BERTH_TEST_DIR/registry"
        printf 'auth: {htpasswd: {realm: test, path: %s}}\nhttp:\n  addr: "%s"\n' "$BERTH_TEST_DIR/htpasswd" "$1"
        [ "${2:-}" != tls ] || printf '  tls: {certificate: %s, key: %s}\n' "$BERTH_TEST_DIR/server.crt" "$BERTH_TEST_DIR/server.key"
    } >"$BERTH_TEST_DIR/registry.yml"
    docker-registry serve "$BERTH_TEST_DIR/registry.yml" >"$BERTH_TEST_DIR/registry.log" 2>&1 3>&- &
    REGISTRY_PIDS+=($!)
    wait_until nc -z 127.0.0.1 "${1##*:}"
}

own_registry() { # at $1
    berth-registry --addr "$1" --root "$BERTH_TEST_DIR/own" >"$BERTH_TEST_DIR/own.log" 2>&1 3>&- &
    REGISTRY_PIDS+=($!)
    wait_until nc -z 127.0.0.1 "${1##*:}"
}

# Logs in, pushes, pulls and logs out at the registry $2 with the command $1.
round_trip() {
    run "$1" login -u ada -p wrong "$2"
    [ "$status" -eq 1 ]
    [[ $output == *"unauthorized"* || $output == *"Unauthorized"* ]]
    "$1" tag busybox:latest "$2/team/app:1"
    run "$1" push "$2/team/app:1"
    [ "$status" -eq 1 ]
    [[ $output == *"no basic auth credentials"* || $output == *"uthori"* || $output == *"denied"* ]]
    echo secret | "$1" login -u ada --password-stdin "$2" | grep -q 'Login Succeeded'
    "$1" push "$2/team/app:1" | grep -qE 'digest: sha256:[0-9a-f]{64}'
    "$1" rmi "$2/team/app:1"
    "$1" pull -q "$2/team/app:1"
    [ "$("$1" run --rm "$2/team/app:1" echo pulled)" = pulled ]
    "$1" rmi "$2/team/app:1"
    "$1" logout "$2"
    run "$1" pull "$2/team/app:1"
    [ "$status" -eq 1 ]
}

@test "docker-registry: login, push, pull and logout with berth and both docker commands, by name of insecure registry" {
    debian_registry 127.0.0.1:5070
    berth_engine_start --insecure-registry 127.0.0.1:5070
    berth_busybox
    for client in "$BERTH_BIN/berth" "$DEBIAN_DOCKER" "$(command -v docker)"; do round_trip "$client" 127.0.0.1:5070; done
}

@test "docker-registry: TLS with an authority of one's own in certs.d, and refused without it" {
    make_certificate
    debian_registry 127.0.0.1:5071 tls
    cp /etc/hosts "$BERTH_TEST_DIR/hosts" && echo '127.0.0.1 localhost.test' >>"$BERTH_TEST_DIR/hosts"
    mount --bind "$BERTH_TEST_DIR/hosts" /etc/hosts
    berth_engine_start
    berth_busybox
    run "$BERTH_BIN/berth" login -u ada -p secret localhost.test:5071
    [ "$status" -eq 1 ]
    [[ $output == *certificate* ]]
    mkdir -p /etc/docker/certs.d/localhost.test:5071
    cp "$BERTH_TEST_DIR/ca.crt" /etc/docker/certs.d/localhost.test:5071/
    round_trip "$BERTH_BIN/berth" localhost.test:5071
    round_trip "$DEBIAN_DOCKER" localhost.test:5071
    umount /etc/hosts
}

@test "docker-registry: TLS without a check for an insecure registry" {
    make_certificate
    debian_registry 127.0.0.1:5072 tls
    berth_engine_start --insecure-registry 127.0.0.1:5072
    berth_busybox
    round_trip "$BERTH_BIN/berth" 127.0.0.1:5072
}

@test "skopeo copies to berth-registry and back, as oci, docker-archive and a whole index" {
    own_registry 127.0.0.1:5073
    berth_engine_start
    berth_busybox 127.0.0.1:5073/app:1
    "$BERTH_BIN/berth" push -q 127.0.0.1:5073/app:1
    cd "$BERTH_TEST_DIR"
    local plain=(--src-tls-verify=false) plain_there=(--dest-tls-verify=false) policy=--insecure-policy
    skopeo inspect --tls-verify=false docker://127.0.0.1:5073/app:1 | jq -e '.Architecture == "amd64" and (.Layers | length) == 1'
    skopeo $policy copy -q "${plain[@]}" docker://127.0.0.1:5073/app:1 oci:layout:one
    skopeo $policy copy -q "${plain[@]}" docker://127.0.0.1:5073/app:1 docker-archive:app.tar:app:2
    "$BERTH_BIN/berth" load -i app.tar | grep -q 'Loaded image: app:2'
    [ "$("$BERTH_BIN/berth" run --rm app:2 echo loaded)" = loaded ]
    # An index of two platforms goes through whole, with the same digest everywhere.
    index_of_two layout
    skopeo $policy copy -q --all "${plain_there[@]}" oci:layout:index docker://127.0.0.1:5073/multi:1
    skopeo $policy copy -q --all "${plain[@]}" docker://127.0.0.1:5073/multi:1 oci:again:index
    [ "$(skopeo inspect --raw oci:layout:index | sha256sum)" = "$(skopeo inspect --raw oci:again:index | sha256sum)" ]
    [ "$(skopeo inspect --raw --tls-verify=false docker://127.0.0.1:5073/multi:1 | jq '.manifests | length')" = 2 ]
    "$BERTH_BIN/berth" pull -q 127.0.0.1:5073/multi:1
    [ "$("$BERTH_BIN/berth" run --rm 127.0.0.1:5073/multi:1 echo multi)" = multi ]
    skopeo list-tags --tls-verify=false docker://127.0.0.1:5073/multi | jq -e '.Tags == ["1"]'
    skopeo delete --tls-verify=false docker://127.0.0.1:5073/multi:1
    run skopeo inspect --tls-verify=false docker://127.0.0.1:5073/multi:1
    [ "$status" -ne 0 ]
}

# Adds to the layout $1 a second image for arm64 (the first with another configuration) and an index of both, named "index".
index_of_two() {
    python3 - "$1" <<'PYTHON'
import hashlib, json, os, sys
root = sys.argv[1]
def read(digest): return open(f"{root}/blobs/sha256/{digest.split(':')[1]}").read()
def write(value, media_type, **more):
    text = json.dumps(value).encode()
    digest = hashlib.sha256(text).hexdigest()
    open(f"{root}/blobs/sha256/{digest}", "wb").write(text)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(text), **more}
top = json.load(open(f"{root}/index.json"))
first = top["manifests"][0]
manifest = json.loads(read(first["digest"]))
config = json.loads(read(manifest["config"]["digest"]))
config["architecture"] = "arm64"
manifest["config"] = write(config, manifest["config"]["mediaType"])
second = write(manifest, first["mediaType"], platform={"os": "linux", "architecture": "arm64"})
plain = {k: first[k] for k in ("mediaType", "digest", "size")} | {"platform": {"os": "linux", "architecture": "amd64"}}
index_type = "application/vnd.oci.image.index.v1+json"
index = write({"schemaVersion": 2, "mediaType": index_type, "manifests": [plain, second]}, index_type,
              annotations={"org.opencontainers.image.ref.name": "index"})
top["manifests"].append(index)
json.dump(top, open(f"{root}/index.json", "w"))
PYTHON
}

@test "podman runs what Berth built and pushed, and Berth what podman pushed" {
    own_registry 127.0.0.1:5074
    berth_engine_start
    berth_busybox
    mkdir "$BERTH_TEST_DIR/context"
    printf 'FROM busybox:latest\nRUN echo built >/made\nUSER nobody\nENV A=b\nCMD ["sh", "-c", "cat /made; id -u; echo $A"]\n' >"$BERTH_TEST_DIR/context/Dockerfile"
    "$BERTH_BIN/berth" build -q -t 127.0.0.1:5074/built:1 "$BERTH_TEST_DIR/context"
    "$BERTH_BIN/berth" push -q 127.0.0.1:5074/built:1
    [ "$(podman_peer run --rm --network none --tls-verify=false 127.0.0.1:5074/built:1 | xargs)" = 'built 65534 b' ]
    podman_peer tag 127.0.0.1:5074/built:1 127.0.0.1:5074/back:1
    podman_peer push -q --tls-verify=false 127.0.0.1:5074/back:1
    [ "$("$BERTH_BIN/berth" run --rm 127.0.0.1:5074/back:1 2>"$BERTH_TEST_DIR/pull.log" | xargs)" = 'built 65534 b' ]
}

@test "pull -a and push -a move every tag of a repository, and take no tag" {
    own_registry 127.0.0.1:5075
    berth_engine_start
    berth_busybox 127.0.0.1:5075/app:1
    berth tag 127.0.0.1:5075/app:1 127.0.0.1:5075/app:2
    run berth push -a 127.0.0.1:5075/app:1
    [ "$status" -eq 1 ]
    [[ $output == *"tag can't be used with --all-tags/-a"* ]]
    for client in "$BERTH_BIN/berth" "$DEBIAN_DOCKER"; do
        "$client" push -a 127.0.0.1:5075/app
        berth rmi 127.0.0.1:5075/app:1 127.0.0.1:5075/app:2
        "$client" pull -a 127.0.0.1:5075/app
        [ "$("$client" images --format '{{.Tag}}' 127.0.0.1:5075/app | sort | xargs)" = '1 2' ]
    done
}
