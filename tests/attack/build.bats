#!/usr/bin/env bats
# Dockerfiles and contexts that attack the builder's host: mounts that lead outward, caches by odd names, steps that replace what
# the builder will clean up. CVE-2024-23651, CVE-2024-23652, CVE-2024-1753, CVE-2024-9407, CVE-2024-9675, CVE-2024-24557.
load ../lib/hostile

setup_file() { shared_engine_start; }
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    export BERTH_DOCKER_DEFAULTS=1
    make_canary
    cd "$(mktemp -d "$BATS_TEST_TMPDIR/context.XXXXXX")"
    ln -s "$CANARY" door
    ln -s "$CANARY/victim" victim-link
}
teardown() {
    canary_unchanged && rm -rf "$CANARY" && audit_data && still_works
}

# harmless LINE...: builds FROM busybox with the lines; whatever comes of it, nothing of the host is read or changed.
harmless() {
    printf 'FROM busybox\n' >Dockerfile
    printf '%s\n' "$@" >>Dockerfile
    run timeout 60 berth build --no-cache --progress plain -t attack .
    [ "$status" -lt 124 ] || complain "hangs or dies: $*" || return 1
    [[ $output != *precious* ]] || complain "the host was read by: $*" || return 1
    canary_unchanged || complain "the host was changed by: $*" || return 1
    [ -z "$(find /tmp /var/tmp /etc -maxdepth 2 -name 'escaped*' 2>/dev/null)" ] || complain "escaped by: $*" || return 1
}

@test "bind mounts whose source is a link or leads outward" {
    harmless 'RUN --mount=type=bind,source=door,target=/m cat /m/victim'
    harmless 'RUN --mount=type=bind,source=door,target=/m,rw touch /m/escaped'
    harmless 'RUN --mount=type=bind,source=victim-link,target=/m cat /m'
    harmless 'RUN --mount=type=bind,source=../../../../../../../..,target=/m cat /m/etc/shadow'
    harmless "RUN --mount=type=bind,source=$CANARY,target=/m cat /m/victim"
    harmless "RUN ln -s $CANARY /door" 'RUN --mount=type=bind,from=0,source=/door,target=/m cat /m/victim'
    printf 'FROM busybox AS evil\nRUN rm -rf /d; ln -s %s /d\nFROM busybox\nRUN --mount=type=bind,from=evil,source=/d,target=/m cat /m/victim; touch /m/escaped\n' "$CANARY" >Dockerfile
    run timeout 60 berth build --progress plain .
    [[ $output != *precious* ]]
}

@test "targets of mounts that are links, in the image and from an earlier step" {
    harmless "RUN ln -s $CANARY /t" 'RUN --mount=type=tmpfs,target=/t touch /t/escaped' 'RUN --mount=type=cache,target=/t touch /t/escaped; true'
    harmless "RUN ln -s $CANARY /t" 'RUN --mount=type=bind,source=.,target=/t/new ls /t/new'
    harmless 'RUN --mount=type=tmpfs,target=/../../../../../../t touch /t/x' 'RUN --mount=type=cache,target=/proc/1/root/tmp true'
    harmless 'RUN --mount=type=secret,id=x,target=/../../../etc/passwd true'
}

@test "cache mounts: names are names, never paths" {
    harmless "RUN --mount=type=cache,id=../../../../../../../..$CANARY,target=/c touch /c/escaped; ls /c"
    harmless "RUN --mount=type=cache,id=$CANARY,target=/c ls /c; cat /c/victim; touch /c/escaped"
    harmless 'RUN --mount=type=cache,id=..,target=/c touch /c/escaped' 'RUN --mount=type=cache,id=.,target=/c touch /c/x'
    harmless "RUN --mount=type=cache,from=busybox,source=../../../..$CANARY,target=/c ls /c"
    # A cache filled with links is used by the next build's steps as what it is.
    harmless "RUN --mount=type=cache,id=l,target=/c rm -rf /c/d; ln -s $CANARY /c/d" 'RUN --mount=type=cache,id=l,target=/c cat /c/d/victim; touch /c/d/escaped; true' \
        'RUN --mount=type=cache,id=l,source=d,target=/c cat /c/victim; touch /c/escaped; true'
}

@test "a step that replaces what was put in place for its mounts deletes nothing of the host" {
    harmless "RUN --mount=type=cache,target=/a/b/c true; rm -rf /a/b 2>/dev/null; mv /a /z; ln -s $CANARY /a; mkdir -p /z/b/c"
    harmless "RUN --mount=type=tmpfs,target=/inner/victim mv /inner /gone 2>/dev/null; ln -s $CANARY /inner; true"
    harmless "RUN --mount=type=bind,source=.,target=/tmp/x rm -rf /tmp/y; ln -s / /tmp/y; true"
}

@test "options of a mount cannot be smuggled through its values" {
    harmless 'RUN --mount=type=cache,target=/c,sharing=shared,mode=0755,uid=0,gid=0,propagation=rshared touch /c/x'
    harmless "RUN --mount=type=tmpfs,target=/c,size=1m\\,bind touch /c/x" "RUN --mount=type=tmpfs,target=\"/c,source=/\" ls /c"
    harmless "RUN --mount=type=cache,\"target=/c,rw\",id=\"a,b=c\" touch /c/x"
    harmless 'RUN --security=insecure mount -t tmpfs x /mnt'
    harmless 'RUN mount -t tmpfs x /mnt'
    harmless 'RUN --network=host true'
}

@test "a context whose .dockerignore or Dockerfile is a link outward" {
    rm -f Dockerfile
    ln -s "$CANARY/victim" .dockerignore
    harmless 'COPY . /c' 'RUN cat /c/.dockerignore /c/victim-link /c/door/victim; true'
    rm -f .dockerignore Dockerfile
    mkfifo .dockerignore
    printf 'FROM busybox\nCOPY . /c\n' >Dockerfile
    run timeout 20 berth build .
    [ "$status" -lt 124 ]
    rm .dockerignore
    # As an archive, where the links arrive as they are.
    tar -c . | { run timeout 20 berth build -; [[ $output != *precious* ]]; }
}

@test "sources swapped by a step that runs at the same time" {
    cat >Dockerfile <<END
FROM busybox AS swap
RUN --mount=type=cache,id=race,target=/r mkdir -p /r/d; i=0; while [ \$i -lt 1500 ]; do i=\$((i+1)); rm -rf /r/d; ln -s $CANARY /r/d; rm /r/d; mkdir /r/d; done; touch /s
FROM busybox AS use
RUN --mount=type=cache,id=race,source=d,target=/m cat /m/victim; touch /m/escaped; touch /u
FROM busybox
COPY --from=swap /s /
COPY --from=use /u /
END
    local i
    for i in 1 2 3 4 5; do
        run timeout 60 berth build --no-cache --progress plain .
        [[ $output != *precious* ]]
        canary_unchanged
    done
}

@test "an image that was pulled or loaded is no cache hit" {
    # An image that claims to be the outcome of this very Dockerfile.
    printf 'FROM busybox\nRUN echo honest > /f\n' >Dockerfile
    PYTHONPATH=$HOSTILE python3 - <<'PY'
import json
import image
layer = image.tar_of([("f", b"poisoned\n")])
config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"], "Image": "busybox"},
    "container_config": {"Cmd": ["/bin/sh", "-c", "echo honest > /f"]},
    "rootfs": {"type": "layers", "diff_ids": [image.digest_of(layer)]},
    "history": [{"created_by": "/bin/sh -c echo honest > /f"}, {"created_by": "RUN /bin/sh -c echo honest > /f # buildkit"}]}).encode()
open("poison.tar", "wb").write(image.tar_of([("0.tar", layer), ("config.json", config),
    ("manifest.json", json.dumps([{"Config": "config.json", "RepoTags": ["poison:1"], "Layers": ["0.tar"]}]).encode())]))
PY
    berth load -i poison.tar
    rm poison.tar
    berth build -q --cache-from poison:1 -t honest . >/dev/null
    [ "$(berth run --rm --network none honest cat /f)" = honest ]
    printf 'FROM scratch\nHEALTHCHECK CMD true\n' >Dockerfile
    berth build -q -t scratchy . >/dev/null
    [ "$(berth image inspect -f '{{len .RootFS.Layers}}' scratchy)" = 0 ]
    berth rmi poison:1 honest scratchy >/dev/null
}

@test "names that a client chooses stay names" {
    printf 'FROM busybox\n' >Dockerfile
    local query
    for query in 'dockerfile=../../../../../../../etc/passwd' 'dockerfile=/etc/passwd' 'dockerfile=door/victim' 'dockerfile=victim-link' \
        't=../../evil' 'target=../../x' 'remote=file:///etc/passwd' 'remote=/etc/passwd' 'remote=--upload-pack=touch%20/tmp/escaped' \
        'remote=ext::sh%20-c%20touch%20/tmp/escaped' 'session=../../x' 'buildid=../../x' 'cachefrom=["../../x"]' 'networkmode=container:../../x' \
        'labels={"a":' 'buildargs=[]' 'platform=../../x' 'cpusetcpus=../x' 'ulimits=[{"Name":"../x"}]' 'extrahosts=a:b:c' 'outputs=[{"Type":"local","Attrs":{"dest":"/tmp/escaped"}}]'; do
        run bash -c "tar -c . | curl -sS --max-time 20 -g --unix-socket '${BERTH_HOST#unix://}' -H 'Content-Type: application/x-tar' --data-binary @- 'http://x/build?$query'"
        [ "$status" -eq 0 ] || complain "$query"
        [[ $output != *precious* && $output != *root:x:0* ]] || complain "$query: a file of the host was shown"
        [ ! -e /tmp/escaped ] || complain "$query"
        kill -0 "$BERTH_ENGINE_PID"
    done
}
