#!/usr/bin/env bats
# Registries that attack their client: passwords sent elsewhere, manifests that are two things, digests that are paths, metadata
# that wants to steer the engine. CVE-2020-15157, CVE-2019-10214, CVE-2021-41190, CVE-2024-3727, CVE-2022-23648.
load ../bad_input/helpers

setup_file() {
    berth_engine_start
    berth_busybox >/dev/null
    declare -p BERTH_TEST_DIR BERTH_ENGINE_PID BERTH_HOST DOCKER_HOST DOCKER_CONFIG BERTH_CGROUP | sed 's/^declare -[-x]* /export /' >"$BATS_FILE_TMPDIR/engine"
}
teardown_file() {
    . "$BATS_FILE_TMPDIR/engine"
    berth_engine_stop
    berth_audit
}
setup() {
    . "$BATS_FILE_TMPDIR/engine"
    cd "$BATS_TEST_TMPDIR"
    make_canary
}
teardown() {
    [ -z "${THIEF_PID:-}" ] || kill "$THIEF_PID" 2>/dev/null || true
    stop_hostile_registry
    canary_unchanged
    rm -rf "$CANARY"
    audit_data
    still_works
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
