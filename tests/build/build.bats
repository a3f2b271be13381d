# Building through the API as any client of the classic builder does it, with BuildKit's Dockerfile language.
load ../lib/berth

setup_file() {
    berth_engine_start
    berth_busybox busybox:latest >/dev/null
    declare -p BERTH_TEST_DIR BERTH_ENGINE_PID BERTH_HOST DOCKER_HOST DOCKER_CONFIG DOCKER_BUILDKIT |
        sed 's/^declare -[-x]* /export /' >"$BATS_FILE_TMPDIR/engine"
}
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
setup() {
    . "$BATS_FILE_TMPDIR/engine"
    context=$(mktemp -d "$BATS_TEST_TMPDIR/context.XXXXXX")
    cat /proc/self/mountinfo | wc -l >"$BATS_TEST_TMPDIR/mounts"
}
# Nothing of a build stays: no mount, no root, no context.
nothing_left() {
    [ "$(cat /proc/self/mountinfo | wc -l)" = "$(cat "$BATS_TEST_TMPDIR/mounts")" ] &&
        [ -z "$(ls -A "$BERTH_TEST_DIR/data/tmp/build" "$BERTH_TEST_DIR/run/steps" 2>/dev/null | grep -v ':$')" ]
}
teardown() { eventually nothing_left; }
# What follows from the end of a request, or from a client's, gets a moment.
eventually() {
    local tries
    for tries in $(seq 400); do
        "$@" && return 0
        sleep 0.05
    done
    echo "never became true: $*" >&2
    return 1
}

# build [QUERY [curl arguments]]: sends $context, prints the stream's texts and errors; fails when the build does.
build() {
    local query=$1
    shift || true
    tar -C "$context" -c . | curl -sS --unix-socket "${BERTH_HOST#unix://}" -H 'Content-Type: application/x-tar' "$@" \
        --data-binary @- "http://berth/build?$query" >"$BATS_TEST_TMPDIR/stream"
    python3 - "$BATS_TEST_TMPDIR/stream" <<'END'
import json, sys
failed = False
for line in open(sys.argv[1]):
    message = json.loads(line)
    sys.stdout.write(message.get("stream", ""))
    text = message.get("errorDetail", {}).get("message") or message.get("message")
    if text:
        print("ERROR:", text)
        failed = True
sys.exit(failed)
END
}
dockerfile() { cat >"$context/Dockerfile"; }
berth() { "$BERTH_BIN/berth" "$@"; }
# Every byte of every layer blob of an image, and its configuration.
image_bytes() { berth save "$1" | tar -xO --wildcards 'blobs/*' | python3 -c '
import sys, gzip, zlib
data = sys.stdin.buffer.read()
sys.stdout.buffer.write(data)
at = 0
while (at := data.find(b"\x1f\x8b", at)) >= 0:
    try: sys.stdout.buffer.write(zlib.decompressobj(31).decompress(data[at:]))
    except zlib.error: pass
    at += 2
'; }

@test "a C program is built in one stage and shipped in another" {
    cat >"$context/hello.c" <<'END'
source
END
    dockerfile <<'END'
FROM busybox AS build
WORKDIR /src
COPY hello.c .
RUN sed s/source/program/ hello.c > hello

FROM scratch
COPY --from=busybox /bin/busybox /bin/cat
COPY --from=build /src/hello /hello
CMD ["/bin/cat", "/hello"]
END
    build t=hello
    [ "$(berth run --rm hello)" = program ]
    [ "$(berth image inspect hello --format '{{len .RootFS.Layers}}')" = 2 ]
}

@test "a second build finds everything in the cache and gives the same image" {
    echo 1 >"$context/file"
    dockerfile <<'END'
FROM busybox
WORKDIR /work
COPY file .
RUN cat file > copy
END
    build t=cached
    first=$(berth image inspect cached --format '{{.Id}}')
    run build t=cached
    [ "$(grep -c 'Using cache' <<<"$output")" = 3 ]
    [ "$(berth image inspect cached --format '{{.Id}}')" = "$first" ]
    touch -d '2 days ago' "$context/file"
    run build t=cached
    [ "$(grep -c 'Using cache' <<<"$output")" = 3 ]
    echo 2 >"$context/file"
    run build t=cached
    [ "$(grep -c 'Using cache' <<<"$output")" = 1 ]
    [ "$(berth run --rm cached cat /work/copy)" = 2 ]
}

@test "no-cache runs everything again" {
    dockerfile <<'END'
FROM busybox
RUN head -c 16 /dev/urandom | od -x > /random
END
    build t=a
    build 't=b&nocache=1'
    [ "$(berth run --rm a cat /random)" != "$(berth run --rm b cat /random)" ]
}

@test "heredocs are commands, scripts and files" {
    dockerfile <<'END'
FROM busybox
ARG WHO=world
RUN <<SCRIPT
set -e
echo "hello $WHO" > /one
echo two > /two
SCRIPT
RUN <<'AWK'
#!/bin/awk -f
BEGIN { print "from awk" > "/three" }
AWK
COPY <<-EXPANDED <<'RAW' /files/
	who is $WHO
	EXPANDED
who is $WHO
RAW
END
    build 't=heredoc&buildargs=%7B%22WHO%22%3A%22berth%22%7D'
    [ "$(berth run --rm heredoc cat /one /two /three)" = $'hello berth\ntwo\nfrom awk' ]
    [ "$(berth run --rm heredoc cat /files/EXPANDED)" = "who is berth" ]
    [ "$(berth run --rm heredoc cat /files/RAW)" = 'who is $WHO' ]
    run berth run --rm heredoc ls /run
    [[ "$output" != *berth* ]]
}

@test "a secret is seen by its step and by nothing else" {
    dockerfile <<'END'
FROM busybox
RUN --mount=type=secret,id=token,required cat /run/secrets/token | md5sum > /sum
RUN --mount=type=secret,id=token,env=TOKEN echo -n "$TOKEN" | md5sum > /sum2
RUN test ! -e /run/secrets/token && test -z "$TOKEN"
END
    secret=hidden-value-73421
    header=$(printf '{"token":"%s"}' "$(printf %s "$secret" | base64)" | base64 -w0 | tr '+/' '-_')
    build t=secret -H "X-Berth-Secrets: $header"
    [ "$(berth run --rm secret sh -c 'cut -c1-32 /sum /sum2 | uniq')" = "$(printf %s "$secret" | md5sum | cut -c1-32)" ]
    run berth run --rm secret ls /run/secrets
    [ "$status" -ne 0 ]
    image_bytes secret >"$BATS_TEST_TMPDIR/bytes"
    grep -q "md5sum > /sum2" "$BATS_TEST_TMPDIR/bytes"
    if grep -q "$secret" "$BATS_TEST_TMPDIR/bytes"; then return 1; fi
    if grep -r "$secret" "$BERTH_TEST_DIR/data"; then return 1; fi
    berth image rm -f secret
    run build 't=secret&nocache=1'
    [ "$status" -ne 0 ]
    [[ "$output" == *"secret token: not found"* ]]
}

@test "a cache mount outlives builds and is in no layer" {
    dockerfile <<'END'
FROM busybox
ARG RUN_NUMBER
RUN --mount=type=cache,target=/var/cache/x echo line >> /var/cache/x/log; cp /var/cache/x/log /seen
END
    build 't=c1&buildargs=%7B%22RUN_NUMBER%22%3A%221%22%7D'
    build 't=c2&buildargs=%7B%22RUN_NUMBER%22%3A%222%22%7D'
    [ "$(berth run --rm c2 wc -l /seen)" = "2 /seen" ]
    run berth run --rm c2 ls /var/cache/x
    [ "$status" -ne 0 ]
}

@test "bind and tmpfs mounts leave nothing behind" {
    mkdir "$context/dir" && echo x >"$context/dir/file"
    dockerfile <<'END'
FROM busybox AS other
RUN echo other > /other
FROM busybox
RUN --mount=type=bind,source=dir,target=/mnt/a cat /mnt/a/file > /a && ! touch /mnt/a/new
RUN --mount=type=bind,source=dir,target=/mnt/b,rw touch /mnt/b/new && ls /mnt/b > /b
RUN --mount=type=bind,from=other,target=/mnt/c cat /mnt/c/other > /c
RUN --mount=type=tmpfs,target=/mnt/d touch /mnt/d/x && ls /mnt/d > /d
END
    build t=mounts
    [ "$(berth run --rm mounts cat /a /b /c /d | tr '\n' ' ')" = "x file new other x " ]
    run berth run --rm mounts ls /mnt
    [ "$status" -ne 0 ]
    [ ! -e "$context/dir/new" ]
}

@test "COPY sets owner and mode, resolves names in the image, and obeys .dockerignore" {
    echo a >"$context/a.txt"; echo b >"$context/b.log"; echo c >"$context/keep.log"
    printf '*.log\n!keep.log\n' >"$context/.dockerignore"
    dockerfile <<'END'
FROM busybox
COPY --chown=nobody:nogroup --chmod=u=rw,go= a.txt /owned
COPY . /all/
END
    build t=copy
    [ "$(berth run --rm copy stat -c '%a %u:%g' /owned)" = "600 65534:65534" ]
    [ "$(berth run --rm copy ls /all | tr '\n' ' ')" = "Dockerfile a.txt keep.log " ]
}

@test "ADD extracts archives, of every usual compression" {
    mkdir "$context/src" && echo in >"$context/src/file"
    tar -C "$context" -cf "$context/plain.tar" src
    tar -C "$context" -czf "$context/gz.tgz" src
    tar -C "$context" -cJf "$context/xz.tar.xz" src
    tar -C "$context" -cjf "$context/bz.tar.bz2" src
    echo no archive >"$context/text.tar"
    dockerfile <<'END'
FROM busybox
ADD plain.tar /plain/
ADD gz.tgz /gz/
ADD xz.tar.xz /xz/
ADD bz.tar.bz2 /bz/
ADD text.tar /text/
COPY plain.tar /copied/
END
    build t=add
    [ "$(berth run --rm add cat /plain/src/file /gz/src/file /xz/src/file /bz/src/file | tr '\n' ' ')" = "in in in in " ]
    berth run --rm add test -f /text/text.tar -a -f /copied/plain.tar
}

@test "a context with links outward reads and writes only inside" {
    ln -s /etc/shadow "$context/absolute"
    ln -s ../../../../../../etc/shadow "$context/relative"
    for name in absolute relative; do
        printf 'FROM busybox\nCOPY %s /got\n' $name | dockerfile
        run build t=links
        [ "$status" -ne 0 ]
        [[ "$output" == *"not found"* ]]
    done
    python3 - "$BATS_TEST_TMPDIR/evil.tar" <<'END'
import io, sys, tarfile
tar = tarfile.open(sys.argv[1], "w")
def add(name, text=b"x", **more):
    info = tarfile.TarInfo(name); info.size = len(text)
    for key, value in more.items(): setattr(info, key, value)
    tar.addfile(info, io.BytesIO(text))
add("Dockerfile", b"FROM busybox\nCOPY . /c\n")
add("../../escaped")
add("out", b"", type=tarfile.SYMTYPE, linkname="/tmp")
add("out/berth-escaped")
tar.close()
END
    curl -sS --unix-socket "${BERTH_HOST#unix://}" --data-binary @"$BATS_TEST_TMPDIR/evil.tar" "http://berth/build?t=evil" >/dev/null
    [ ! -e /tmp/berth-escaped ]
    [ -z "$(find "$BERTH_TEST_DIR" -name escaped -not -path '*/context/*')" ]
}

@test "a mistake is shown with its line, a caret and what was meant" {
    printf 'FROM busybox\nCOPY --form=a b c\n' | dockerfile
    run build t=broken
    [ "$status" -ne 0 ]
    [[ "$output" == *"Dockerfile:2:6: unknown flag: --form (did you mean --from?)"* ]]
    [[ "$output" == *"2 | COPY --form=a b c"* ]]
    [[ "$output" == *"|      ^~~~~~~~"* ]]
}

@test "a failing command shows its last output and where the log is" {
    dockerfile <<'END'
FROM busybox
RUN for i in $(seq 100); do echo line $i; done; \
    exit 3
END
    run build t=failing
    [ "$status" -ne 0 ]
    [[ "$output" == *'Dockerfile:2:1: process "/bin/sh -c for'*'did not complete successfully: exit code: 3'* ]]
    log=$(sed -n 's/^the whole log: //p' <<<"$output")
    grep -q 'line 1$' "$log"
    grep -q 'line 100$' "$log"
    run berth image inspect failing
    [ "$status" -ne 0 ]
}

@test "a client that goes away stops the step and leaves nothing" {
    dockerfile <<'END'
FROM busybox
RUN echo started; sleep 4321
END
    tar -C "$context" -cf "$BATS_TEST_TMPDIR/context.tar" .
    curl -sS --unix-socket "${BERTH_HOST#unix://}" --data-binary @"$BATS_TEST_TMPDIR/context.tar" "http://berth/build?t=gone" >/dev/null 2>&1 3>&- &
    step_runs() { pgrep -x -f 'sleep 4321' >/dev/null; }
    step_is_gone() { ! step_runs; }
    eventually step_runs
    kill $!
    eventually step_is_gone
}

@test "independent stages run at the same time" {
    # Each waits for the other through a shared cache mount: one after the other they would never end.
    dockerfile <<'END'
FROM busybox AS left
RUN --mount=type=cache,id=meet,target=/meet touch /meet/left; timeout 60 sh -c 'until [ -e /meet/right ]; do sleep 0.1; done' && touch /l
FROM busybox AS right
RUN --mount=type=cache,id=meet,target=/meet touch /meet/right; timeout 60 sh -c 'until [ -e /meet/left ]; do sleep 0.1; done' && touch /r
FROM busybox
COPY --from=left /l /
COPY --from=right /r /
END
    build t=parallel
}

@test "only what the target needs is built" {
    dockerfile <<'END'
FROM busybox AS wanted
RUN echo wanted > /w
FROM busybox AS broken
RUN exit 1
FROM no-such-host.invalid/image AS unreachable
END
    build 't=target&target=wanted'
    [ "$(berth run --rm target cat /w)" = wanted ]
}

@test "settings end up in the image" {
    dockerfile <<'END'
FROM busybox
ENV A=1 B="two words"
EXPOSE 80 90/udp
VOLUME /data
USER nobody
WORKDIR /tmp
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s CMD true
LABEL from.file=yes
ENTRYPOINT ["sh", "-c"]
CMD ["id -u; pwd; echo $B"]
END
    build 't=settings&t=settings:second&labels=%7B%22from.flag%22%3A%22yes%22%7D'
    [ "$(berth run --rm settings)" = $'65534\n/tmp\ntwo words' ]
    [ "$(berth image inspect settings --format '{{index .Config.Labels "from.file"}}{{index .Config.Labels "from.flag"}}')" = yesyes ]
    [ "$(berth image inspect settings --format '{{.Id}}')" = "$(berth image inspect settings:second --format '{{.Id}}')" ]
}

@test "triggers run in the image that is built from it" {
    printf 'FROM busybox\nONBUILD RUN echo triggered > /t\n' | dockerfile
    build t=triggers
    printf 'FROM triggers\nRUN cat /t\n' | dockerfile
    run build t=triggered
    [[ "$output" == *triggered* ]]
    [ "$(berth image inspect triggered --format '{{len .Config.OnBuild}}')" = 0 ]
}

@test "the cache can be listed and pruned" {
    printf 'FROM busybox\nRUN echo prunable > /p\n' | dockerfile
    build t=prunable
    [ "$(curl -sS --unix-socket "${BERTH_HOST#unix://}" "http://berth/system/df" | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["BuildCache"]) > 0)')" = True ]
    curl -sS -X POST --unix-socket "${BERTH_HOST#unix://}" "http://berth/build/prune?all=1" | grep -q SpaceReclaimed
    run build t=prunable
    [ "$(grep -c 'Using cache' <<<"$output")" = 0 ]
    [ "$(berth run --rm prunable cat /p)" = prunable ]
}

@test "the stock docker command builds too" {
    [ -z "${BERTH_VM:-}" ] || skip "the virtual machine has no stock client"
    printf 'FROM busybox\nRUN echo stock > /s\nCMD cat /s\n' | dockerfile
    stock_docker build -q -t stock "$context"
    [ "$(berth run --rm stock)" = stock ]
    run stock_docker build - <<<'FROM busybox
RUN exit 9'
    [ "$status" -ne 0 ]
    [[ "$output" == *"exit code: 9"* ]]
}

@test "no step leaves a process behind, nor a zombie" {
    printf 'FROM busybox\nRUN echo 1 >/a\nRUN echo 2 >/b\nRUN exit 3\n' | dockerfile
    run build t=zombies
    [ "$status" -ne 0 ]
    no_child() { [ -z "$(ps -o pid= --ppid "$BERTH_ENGINE_PID")" ]; }
    eventually no_child
}
