#!/usr/bin/env bats
# Broken Dockerfiles: file, line, caret, what was meant; status 1; no image, no container, nothing half built.
load ../lib/hostile

setup_file() { shared_engine_start; }
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    cd "$(mktemp -d "$BATS_TEST_TMPDIR/context.XXXXXX")"
}
teardown() {
    audit_data && [ -z "$(berth ps -aq)" ]
}

# refused DOCKERFILE LINE EXCERPT TEXT...: the build ends with 1, points at the line, and shows it.
refused() {
    local line=$2 excerpt=$3
    printf '%b' "$1" >Dockerfile
    fails_with 1 berth build -t broken .
    says "Dockerfile:$line:" "$line | $excerpt" '^' "${@:4}"
    if berth image inspect broken >/dev/null 2>&1; then return 1; fi
}

@test "an unknown instruction, with the one that was meant" {
    refused 'FROM busybox\nRUNN true\n' 2 'RUNN true' 'unknown instruction: RUNN' 'did you mean RUN?'
    refused 'FROM busybox\n\n# a comment\nCOYP a b\n' 4 'COYP a b' 'did you mean COPY?'
    refused 'FROM busybox\nxyzzy\n' 2 'xyzzy' 'unknown instruction: xyzzy'
}

@test "a bad flag, a flag without its value, a flag twice" {
    refused 'FROM busybox\nCOPY --form=x a b\n' 2 'COPY --form=x a b' 'unknown flag: --form' 'did you mean --from?'
    refused 'FROM busybox\nCOPY --chown a b\n' 2 'COPY --chown a b' '--chown'
    refused 'FROM busybox\nCOPY --chmod=0644 --chmod=0600 a b\n' 2 'COPY --chmod' 'duplicate flag'
    refused 'FROM busybox\nCOPY --chmod=99x Dockerfile b\n' 2 'COPY --chmod=99x' '99x'
    refused 'FROM busybox\nRUN --mount=type=nonsense true\n' 2 'RUN --mount=type=nonsense' 'nonsense'
    refused 'FROM busybox\nRUN --mount=type=cache true\n' 2 'RUN --mount=type=cache' 'target'
    refused 'FROM busybox\nRUN --mount=type=bind,targt=/x true\n' 2 'RUN --mount=type=bind,targt' 'targt'
    refused 'FROM busybox\nRUN --network=moon true\n' 2 'RUN --network=moon' 'moon'
}

@test "a heredoc without its end" {
    refused 'FROM busybox\nRUN <<EOF\necho hi\n' 2 'RUN <<EOF' 'EOF'
    refused 'FROM busybox\nCOPY <<one <<two /x/\na\none\nb\n' 2 'COPY <<one <<two' 'two'
}

@test "stages: unknown, itself, in a circle, later ones" {
    refused 'FROM busybox AS base\nFROM busybox\nCOPY --from=bsae /bin/sh /x\n' 3 'COPY --from=bsae' 'bsae'
    refused 'FROM busybox\nCOPY --from=7 /bin/sh /x\n' 2 'COPY --from=7' '7'
    refused 'FROM busybox AS a\nCOPY --from=b /x /x\nFROM busybox AS b\nCOPY --from=a /x /x\n' 2 'COPY --from=b' 'b'
    refused 'FROM busybox AS a\nCOPY --from=a /x /y\n' 2 'COPY --from=a' 'a'
    printf 'FROM busybox AS one\n' >Dockerfile
    fails_with 1 berth build --target two .
    says 'two' 'one'
}

@test "a source that is missing, outside of the context, or ignored" {
    refused 'FROM busybox\nWORKDIR /a\nCOPY nothere.txt /x\n' 3 'COPY nothere.txt /x' 'nothere.txt' 'not found'
    refused 'FROM busybox\nCOPY ../../../etc/passwd /x\n' 2 'COPY ../../../etc/passwd' 'not found'
    echo kept >secret.env
    echo '*.env' >.dockerignore
    refused 'FROM busybox\nCOPY secret.env /x\n' 2 'COPY secret.env' 'not found' '.dockerignore'
    rm .dockerignore
    refused 'FROM busybox AS a\nFROM busybox\nCOPY --from=a /not/there /x\n' 3 'COPY --from=a /not/there' '/not/there' 'not found'
    refused 'FROM busybox\nCOPY a* b* /x\n' 2 'COPY a* b*' 'a'
}

@test "instructions with too little, too much or the wrong kind of argument" {
    refused 'FROM busybox\nCOPY onlyone\n' 2 'COPY onlyone' 'COPY'
    refused 'FROM busybox\nENV\n' 2 'ENV' 'ENV'
    refused 'FROM busybox\nENV A\n' 2 'ENV A' 'ENV'
    refused 'FROM busybox\nEXPOSE eighty\n' 2 'EXPOSE eighty' 'eighty'
    refused 'FROM busybox\nSTOPSIGNAL SIGWHAT\n' 2 'STOPSIGNAL SIGWHAT' 'SIGWHAT'
    refused 'FROM busybox\nHEALTHCHECK --interval=soon CMD true\n' 2 'HEALTHCHECK --interval=soon' 'soon'
    refused 'FROM busybox\nSHELL sh -c\n' 2 'SHELL sh -c' 'JSON'
    refused 'FROM busybox\nONBUILD FROM x\n' 2 'ONBUILD FROM x' 'ONBUILD'
    refused 'RUN true\nFROM busybox\n' 1 'RUN true' 'before the first FROM'
    refused 'FROM busybox AS 1st\n' 1 'FROM busybox AS 1st' '1st'
    refused 'FROM\n' 1 'FROM' 'FROM'
    refused 'FROM busy box\n' 1 'FROM busy box' 'FROM'
    refused 'FROM UPPER/Case\n' 1 'FROM UPPER/Case' 'UPPER/Case'
    refused 'FROM busybox\nWORKDIR ${NAME?must be given}\n' 2 'WORKDIR ${NAME' 'must be given'
    refused 'FROM busybox\nWORKDIR ${NAME\n' 2 'WORKDIR ${NAME' '{NAME'
    refused 'FROM ${BASE}\n' 1 'FROM ${BASE}' 'BASE'
    refused 'FROM busybox\nUSER nobody-such\nRUN true\n' 3 'RUN true' 'nobody-such'
}

@test "no Dockerfile, an empty one, an unknown one" {
    fails_with 1 berth build .
    says 'Dockerfile'
    : >Dockerfile
    fails_with 1 berth build .
    says 'empty'
    echo '# only a comment' >Dockerfile
    fails_with 1 berth build .
    says 'Dockerfile'
    fails_with 1 berth build -f other.Dockerfile .
    says 'other.Dockerfile'
    fails_with 1 berth build nosuchdirectory
    says 'nosuchdirectory'
    head -c 3000 /dev/urandom >Dockerfile
    fails_with 1 berth build .
}

@test "a failing RUN: line, caret, its last output, the exit code, and the whole log" {
    printf 'FROM busybox\nRUN echo fine\nRUN for i in $(seq 300); do echo line-$i; done; echo to-stderr >&2; \\\n    exit 7\n' >Dockerfile
    fails_with 1 berth build -t broken .
    says 'Dockerfile:3' '3 | RUN for i in' '^' 'line-300' 'to-stderr' 'exit code: 7' 'log'
    local log
    log=$(grep -oE '/[^ ]+/log$' <<<"$output" | tail -1)
    [ -f "$log" ]
    grep -q 'line-1$' "$log"
    printf 'FROM busybox\nRUN nosuchcommand --now\n' >Dockerfile
    fails_with 1 berth build .
    says 'Dockerfile:2' 'nosuchcommand' 'not found' 'exit code: 127'
    printf 'FROM busybox\nRUN ["/no/such/program"]\n' >Dockerfile
    fails_with 1 berth build .
    says 'Dockerfile:2' '/no/such/program' 'no such file or directory'
    # Process 1 cannot be killed from inside; its child can.
    printf 'FROM busybox\nRUN sh -c "kill -9 \$\$"; exit $?\n' >Dockerfile
    fails_with 1 berth build .
    says 'Dockerfile:2' '137'
}

@test "a failing step stops the others and leaves the earlier ones in the cache" {
    printf 'FROM busybox AS slow\nRUN sleep 300\nFROM busybox AS bad\nRUN echo first\nRUN sleep 0.5; exit 4\nFROM busybox\nCOPY --from=slow /x /x\nCOPY --from=bad /x /x\n' >Dockerfile
    SECONDS=0
    fails_with 1 berth build .
    [ "$SECONDS" -lt 30 ]
    says 'Dockerfile:5' 'exit code: 4'
    run timeout 60 berth build --progress plain .
    says 'CACHED'
}

@test "a base image that is nowhere" {
    printf 'FROM 127.0.0.1:1/nothere:1\nRUN true\n' >Dockerfile
    fails_with 1 berth build .
    says 'Dockerfile:1' '127.0.0.1:1/nothere:1' 'FROM 127.0.0.1:1/nothere:1'
    printf 'FROM busybox:nosuchtag\n' >Dockerfile
    fails_with 1 berth build .
    says 'Dockerfile:1' 'busybox:nosuchtag'
}

@test "secrets: a required one that is missing, and one whose file is missing" {
    printf 'FROM busybox\nRUN --mount=type=secret,id=token,required cat /run/secrets/token\n' >Dockerfile
    fails_with 1 berth build .
    says 'Dockerfile:2' 'token' 'secret'
    fails_with 1 berth build --secret id=token,src=/no/such/file .
    says '/no/such/file'
    fails_with 125 berth build --secrit x .
    says '--secret'
}
