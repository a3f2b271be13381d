#!/usr/bin/env bats
# Dockerfiles and contexts that attack the builder's host: mounts that lead outward, caches by odd names, steps that replace what
# the builder will clean up. CVE-2024-23651, CVE-2024-23652, CVE-2024-1753, CVE-2024-9407, CVE-2024-9675, CVE-2024-24557.
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
    make_canary
    cd "$(mktemp -d "$BATS_TEST_TMPDIR/context.XXXXXX")"
    ln -s "$CANARY" door
    ln -s "$CANARY/victim" victim-link
}
teardown() {
    canary_unchanged
    rm -rf "$CANARY"
    audit_data
    still_works
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
