#!/usr/bin/env bats
# Registries that attack their client: passwords sent elsewhere, manifests that are two things, digests that are paths, metadata
# that wants to steer the engine. CVE-2020-15157, CVE-2019-10214, CVE-2021-41190, CVE-2024-3727, CVE-2022-23648.
load ../lib/hostile

setup_file() { shared_engine_start; }
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    cd "$BATS_TEST_TMPDIR"
    make_canary
}
teardown() {
    [ -z "${THIEF_PID:-}" ] || kill "$THIEF_PID" 2>/dev/null || true
    stop_hostile_registry
    canary_unchanged && rm -rf "$CANARY" && audit_data && still_works
}

@test "a password goes to the registry it is for, and to nobody else" {
    python3 "$HOSTILE/token_thief.py" 5181 5182 "$PWD/thief.log" >thief.out 2>&1 3>&- &
    THIEF_PID=$!
    until_true 10 bash -c 'exec 9<>/dev/tcp/127.0.0.1/5182' 2>/dev/null
    touch thief.log
    mkdir -p "$DOCKER_CONFIG"
    printf '{"auths":{"127.0.0.1:5181":{"auth":"%s"}}}' "$(printf 'alice:hunter2' | base64)" >"$DOCKER_CONFIG/config.json"
    local mode
    for mode in redirect basic; do timeout 30 berth pull "127.0.0.1:5181/$mode:1" >/dev/null 2>&1 || true; done
    berth tag busybox 127.0.0.1:5181/location:1
    timeout 30 berth push 127.0.0.1:5181/location:1 >/dev/null 2>&1 || true
    berth rmi 127.0.0.1:5181/location:1 >/dev/null
    rm "$DOCKER_CONFIG/config.json"
    cat thief.log
    if grep -v 'auth=-$' thief.log; then return 1; fi
    berth rmi 127.0.0.1:5181/redirect:1 >/dev/null 2>&1 || true
}

@test "a digest is never a path" {
    hostile_registry
    local name
    for name in 'sha256:../../../../etc/passwd' 'sha256:' "sha256:$(printf 'A%.0s' $(seq 64))" 'md5:00000000000000000000000000000000' '../../x'; do
        fails_with 1 berth pull "127.0.0.1:$REGISTRY_PORT/good@$name"
        if grep -F -- "$name" "$REGISTRY_LOG"; then return 1; fi
    done
    for name in '../evil' 'a/../b' 'a//b' '/abs' 'a b' $'a\nb' 'ä' 'a:b:c' '-flag'; do
        run timeout 20 berth pull -- "$name"
        [ "$status" -ne 0 ] || complain "pulled: $name"
        run timeout 20 berth tag busybox "$name"
        [ "$status" -ne 0 ] || complain "tagged: $name"
    done
}

# An image whose configuration is given: configured JSON
configured() {
    PYTHONPATH=$HOSTILE CONFIG=$1 python3 - <<'PY'
import json, os
import image
busybox = open("/bin/busybox", "rb").read()
import io, tarfile
out = io.BytesIO()
with tarfile.open(fileobj=out, mode="w") as tar:
    for name, data, mode in (("bin/busybox", busybox, 0o755),):
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), mode
        tar.addfile(info, io.BytesIO(data))
    for name in ("bin/sh", "bin/cat", "bin/id", "bin/ls", "bin/mount"):
        info = tarfile.TarInfo(name)
        info.type, info.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(info)
    info = tarfile.TarInfo("out")
    info.type, info.linkname = tarfile.SYMTYPE, os.environ.get("CANARY", "/etc")
    tar.addfile(info)
layer = out.getvalue()
config = json.loads(os.environ["CONFIG"])
document = {"architecture": "amd64", "os": "linux", "config": config, "rootfs": {"type": "layers", "diff_ids": [image.digest_of(layer)]}}
open("image.tar", "wb").write(image.tar_of([("0.tar", layer), ("config.json", json.dumps(document).encode()),
    ("manifest.json", json.dumps([{"Config": "config.json", "RepoTags": ["steer:1"], "Layers": ["0.tar"]}]).encode())]))
PY
    berth load -i image.tar
}

@test "labels and other settings of an image lower no isolation" {
    export CANARY
    configured '{"Cmd":["sh"],"Labels":{"berth.privileged":"true","com.docker.compose.project":"x","io.podman.annotations.seccomp":"unconfined",
        "io.podman.annotations.privileged":"TRUE","run.oci.keep_original_groups":"1","org.systemd.property.ExecStartPre":"touch /tmp/escaped-label",
        "io.kubernetes.cri-o.Devices":"/dev/sda","com.docker.security.seccomp":"unconfined","io.berth.host-ca":"/etc/shadow","NoNewPrivileges":"false"},
        "Privileged":true,"CapAdd":["SYS_ADMIN"],"SecurityOpt":["seccomp=unconfined"],"HostConfig":{"Privileged":true,"Binds":["/:/host"]},
        "Mounts":[{"type":"bind","source":"/","target":"/host"}],"Devices":["/dev/sda"]}'
    local plain steered
    plain=$(berth run --rm --network none busybox cat /proc/self/status | grep -E '^(Cap|Seccomp:|NoNewPrivs)')
    steered=$(berth run --rm --network none steer:1 cat /proc/self/status | grep -E '^(Cap|Seccomp:|NoNewPrivs)')
    [ "$plain" = "$steered" ]
    if berth run --rm --network none steer:1 ls /host; then return 1; fi
    [ ! -e /tmp/escaped-label ]
    berth rmi steer:1 >/dev/null
}

@test "volumes of an image are made and filled inside of it only" {
    export CANARY
    local path
    for path in '/../../../../etc' '/out' '/out/inner' "$CANARY" '/proc' '/proc/1/root' '/sys' '/dev' '/' '' 'relative/../../x'; do
        configured "$(jq -cn --arg p "$path" '{Cmd: ["sh"], Volumes: {($p): {}}, WorkingDir: $p}')" >/dev/null || continue
        run timeout 20 berth run --rm --network none steer:1 sh -c 'cat /out/victim /proc/1/root/etc/shadow; echo evil > /out/escaped; echo evil > ./escaped; true'
        [[ $output != *precious* ]] || complain "VOLUME $path: the host was read"
        canary_unchanged || complain "VOLUME $path: the host was written"
        berth rmi -f steer:1 >/dev/null
    done
    [ -z "$(berth volume ls -q)" ]
}

@test "users, working directories, stop signals and variables that are nonsense stop nothing but their container" {
    local config
    for config in '{"User":"../../root"}' '{"User":"99999999999999"}' '{"User":"-1"}' '{"User":"a:b:c"}' '{"WorkingDir":"relative"}' \
        '{"WorkingDir":"/out/escaped-workdir"}' '{"StopSignal":"SIGWHAT"}' '{"Env":["=x","A","B=\u0000"]}' '{"Entrypoint":[""]}' '{"Cmd":[]}' \
        '{"ExposedPorts":{"99999/tcp":{},"x":{}}}' '{"Healthcheck":{"Test":["WHAT"],"Interval":-5}}' '{"Cmd":"text"}' '{"Env":{}}' '{"Labels":[1]}' 'null' '[]'; do
        CANARY=$CANARY configured "$config" >/dev/null 2>&1 || continue
        run timeout 20 berth run --rm --network none steer:1 true
        [ "$status" -ne 124 ] && [ "$status" -ne 137 ] || complain "$config"
        kill -0 "$BERTH_ENGINE_PID" || complain "$config killed the engine"
        berth inspect steer:1 >/dev/null
        berth history steer:1 >/dev/null
        berth rmi -f steer:1 >/dev/null
        canary_unchanged
    done
}

@test "documents with any field gone, null or of another type never end the engine" {
    PYTHONPATH=$HOSTILE python3 - <<'PY'
"""Every document of an image, with each field in turn removed, nulled and retyped."""
import copy, json, os
import image
i = image.Image(1)
odd = [None, -1, 1 << 70, "x", "", [], {}, [None], True]
def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], path + (key,))
    if isinstance(value, list):
        for at in range(len(value)):
            yield from places(value[at], path + (at,))
def mutants(document):
    for path in places(document):
        if not path:
            continue
        for new in odd + ["remove"]:
            changed = copy.deepcopy(document)
            holder = changed
            for step in path[:-1]:
                holder = holder[step]
            if new == "remove":
                del holder[path[-1]]
            else:
                holder[path[-1]] = new
            yield changed
os.mkdir("mutants")
n = 0
docker = [{"Config": "config.json", "RepoTags": ["mutant:1"], "Layers": ["0.tar", "1.tar"]}]
def write(config, manifest):
    global n
    n += 1
    open("mutants/%04d.tar" % n, "wb").write(image.tar_of([("0.tar", i.tars[0]), ("1.tar", image.tar_of([("x", b"1")])), ("config.json", config), ("manifest.json", manifest)]))
config = {"architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z",
          "config": {"Cmd": ["sh"], "Env": ["A=b"], "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}},
                     "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000, "Retries": 3}},
          "rootfs": {"type": "layers", "diff_ids": [image.digest_of(i.tars[0]), image.digest_of(image.tar_of([("x", b"1")]))]},
          "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "x", "empty_layer": False}, {"created_by": "y"}]}
for changed in mutants(config):
    write(json.dumps(changed).encode(), json.dumps(docker).encode())
for changed in mutants(docker):
    write(json.dumps(config).encode(), json.dumps(changed).encode())
PY
    local file
    for file in mutants/*.tar; do
        curl -s -o answer --max-time 20 --unix-socket "${BERTH_HOST#unix://}" --data-binary @"$file" 'http://x/images/load?quiet=1'
    done
    kill -0 "$BERTH_ENGINE_PID"
    berth images --format '{{.Repository}}:{{.Tag}}' | grep -v '^busybox:\|<none>' | xargs -r berth rmi -f >/dev/null
    berth image prune -a -f >/dev/null
    berth_busybox >/dev/null
}
