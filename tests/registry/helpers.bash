# Helpers for the registry tests.
load ../lib/berth

# registry_start NAME PORT [FLAG ...]: a berth-registry of the test's own.
registry_start() {
    local name=$1 port=$2
    shift 2
    "$BERTH_BIN/berth-registry" --addr "127.0.0.1:$port" --root "$REGISTRY_DIR/$name" "$@" >>"$REGISTRY_DIR/$name.log" 2>&1 3>&- &
    echo $! >"$REGISTRY_DIR/$name.pid"
    wait_for_port "$port" || { cat "$REGISTRY_DIR/$name.log" >&2; return 1; }
}

registry_stop() {
    local file=$REGISTRY_DIR/$1.pid
    [ -f "$file" ] || return 0
    kill -TERM "$(cat "$file")" 2>/dev/null
    while kill -0 "$(cat "$file")" 2>/dev/null; do sleep 0.05; done
    rm -f "$file"
}

# peer_start PORT [htpasswd [cert key]]: Debian's docker-registry.
peer_start() {
    local config=$REGISTRY_DIR/peer.yml
    {
        printf 'version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: %s/peer}, delete: {enabled: true}}\n' "$REGISTRY_DIR"
        printf 'http:\n  addr: 127.0.0.1:%s\n' "$1"
        [ -z "${3:-}" ] || printf '  tls: {certificate: %s, key: %s}\n' "$3" "$4"
        [ -z "${2:-}" ] || printf 'auth: {htpasswd: {realm: peer, path: %s}}\n' "$2"
    } >"$config"
    docker-registry serve "$config" >>"$REGISTRY_DIR/peer.log" 2>&1 3>&- &
    echo $! >"$REGISTRY_DIR/peer.pid"
    wait_for_port "$1" || { cat "$REGISTRY_DIR/peer.log" >&2; return 1; }
}

wait_for_port() {
    local tries
    for tries in $(seq 600); do
        (exec 9<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
        sleep 0.05
    done
    echo "nothing listens on port $1" >&2
    return 1
}

# A docker-archive with one small layer, or with a random file of MEBIBYTES more: make_archive FILE [MEBIBYTES]
make_archive() {
    python3 - "$1" "${2:-0}" <<'PYTHON'
import hashlib, io, json, os, sys, tarfile
def tar_of(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
layers = [tar_of([("etc/one", b"1")])]
if int(sys.argv[2]):
    layers.append(tar_of([("big", os.urandom(int(sys.argv[2]) << 20))]))
ids = [hashlib.sha256(layer).hexdigest() for layer in layers]
config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
                     "rootfs": {"type": "layers", "diff_ids": ["sha256:" + i for i in ids]},
                     "history": [{"created_by": "test"} for _ in ids]}).encode()
manifest = json.dumps([{"Config": "config.json", "RepoTags": ["test:1"], "Layers": [i + ".tar" for i in ids]}]).encode()
open(sys.argv[1], "wb").write(tar_of([(i + ".tar", l) for i, l in zip(ids, layers)] +
                                     [("config.json", config), ("manifest.json", manifest)]))
PYTHON
}

# test:1 of such an archive as an image that was made here: a push leaves it its digest, while it compresses what was only loaded.
load_as_made() {
    "$BERTH_BIN/berth" load -i "$1"
    "$BERTH_BIN/berth" create --name made test:1 x
    "$BERTH_BIN/berth" commit made test:1
    "$BERTH_BIN/berth" rm made
    "$BERTH_BIN/berth" image prune -f
}

# podman with a store of its own. It would look for DOCKER_CONFIG, which the engine's tests set.
peer_podman() {
    env -u DOCKER_CONFIG -u DOCKER_HOST podman --root "$REGISTRY_DIR/pr" --runroot "$REGISTRY_DIR/prr" --storage-driver vfs "$@"
}

copy() { skopeo copy --insecure-policy --quiet "$@"; }

make_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
        -keyout "$REGISTRY_DIR/key.pem" -out "$REGISTRY_DIR/cert.pem" 2>/dev/null
}
