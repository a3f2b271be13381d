# What a build takes from elsewhere: git repositories as context and in ADD, and a forwarded ssh agent.
load ../lib/berth

setup_file() {
    berth_engine_start
    berth_busybox busybox:latest >/dev/null
    repository=$BATS_FILE_TMPDIR/serve/app.git
    mkdir -p "$BATS_FILE_TMPDIR/serve" "$BATS_FILE_TMPDIR/work/api"
    (
        cd "$BATS_FILE_TMPDIR/work"
        export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t HOME=$BATS_FILE_TMPDIR
        git init -q -b main .
        printf 'FROM busybox\nCOPY . /src\nRUN ls -A /src\n' | tee Dockerfile >api/Dockerfile
        echo one >file && echo folder >api/file
        git add . && git commit -q -m one && git tag v1
        echo two >file && git commit -q -am two
        git clone -q --bare . "$repository"
        git rev-parse v1 >"$BATS_FILE_TMPDIR/v1"
    )
    git daemon --listen=127.0.0.1 --port=9418 --base-path="$BATS_FILE_TMPDIR/serve" --export-all --reuseaddr >/dev/null 2>&1 3>&- &
    echo $! >"$BATS_FILE_TMPDIR/daemon"
    timeout 30 bash -c 'until nc -z 127.0.0.1 9418; do sleep 0.05; done'
    declare -p BERTH_TEST_DIR BERTH_ENGINE_PID BERTH_HOST DOCKER_HOST DOCKER_CONFIG DOCKER_BUILDKIT BERTH_CGROUP |
        sed 's/^declare -[-x]* /export /' >"$BATS_FILE_TMPDIR/engine"
}
teardown_file() {
    . "$BATS_FILE_TMPDIR/engine"
    kill "$(cat "$BATS_FILE_TMPDIR/daemon")"
    berth_engine_stop
    berth_audit
}
setup() {
    . "$BATS_FILE_TMPDIR/engine"
    url=git://127.0.0.1/app.git
}
teardown() { [ -z "$(ls -A "$BERTH_TEST_DIR/data/tmp/build")" ]; }

@test "a git repository is a context: its default branch, a tag, a commit, a folder; .git stays out" {
    berth build -q -t git:main "$url"
    [ "$(berth run --rm git:main cat /src/file)" = two ]
    run berth run --rm git:main ls -A /src
    [ "$output" = $'Dockerfile\napi\nfile' ]
    berth build -q -t git:tag "$url#v1"
    [ "$(berth run --rm git:tag cat /src/file)" = one ]
    berth build -q -t git:commit "$url#$(cat "$BATS_FILE_TMPDIR/v1")"
    [ "$(berth run --rm git:commit cat /src/file)" = one ]
    berth build -q -t git:folder "$url#main:api"
    [ "$(berth run --rm git:folder cat /src/file)" = folder ]
}

@test "the stock client builds from a repository, too" {
    docker build -q -t git:docker "$url#v1"
    [ "$(berth run --rm git:docker cat /src/file)" = one ]
}

@test "ADD takes a repository, its commit is checked, and the history is kept on request" {
    mkdir "$BATS_TEST_TMPDIR/c" && cd "$BATS_TEST_TMPDIR/c"
    printf 'FROM busybox\nADD %s#v1 /a/\nADD --keep-git-dir=true %s /b/\n' "$url" "$url" >Dockerfile
    berth build -q -t add:git .
    [ "$(berth run --rm add:git cat /a/file /b/file)" = $'one\ntwo' ]
    berth run --rm add:git test -d /b/.git
    run berth run --rm add:git test -e /a/.git
    [ "$status" -eq 1 ]
    printf 'FROM busybox\nADD --checksum=%s %s#v1 /a/\n' "$(cat "$BATS_FILE_TMPDIR/v1")" "$url" >Dockerfile
    berth build -q .
    printf 'FROM busybox\nADD --checksum=%s %s#main /a/\n' "$(cat "$BATS_FILE_TMPDIR/v1")" "$url" >Dockerfile
    run berth build .
    [ "$status" -eq 1 ]
    [[ $output == *"expected commit"* ]]
}

@test "absent repositories, references and folders are named; options cannot be smuggled in" {
    run berth build "git://127.0.0.1/absent.git"
    [ "$status" -eq 1 ]
    [[ $output == *"git repository git://127.0.0.1/absent.git"* ]]
    run berth build "$url#nowhere"
    [ "$status" -eq 1 ]
    [[ $output == *"nowhere"* ]]
    run berth build "$url#main:absent"
    [ "$status" -eq 1 ]
    [[ $output == *"folder absent"* ]]
    run berth build "$url#--upload-pack=touch /tmp/owned"
    [ "$status" -eq 1 ]
    [[ $output == *"invalid reference"* ]]
}

@test "RUN --mount=type=ssh reaches the forwarded agent, as any user, and only during the step" {
    cd "$BATS_TEST_TMPDIR"
    ssh-keygen -q -t ed25519 -N '' -C berth-test-key -f key
    eval "$(ssh-agent -a "$PWD/agent" 3>&-)" >/dev/null
    ssh-add -q key
    mkdir -p c/root/bin && cp /usr/bin/ssh-add c/root/bin/
    ldd /usr/bin/ssh-add | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "c/root$(dirname "$library")" && cp -L "$library" "c/root$library"
    done
    cat >c/Dockerfile <<'END'
FROM busybox
COPY root /
RUN --mount=type=ssh ssh-add -L >/root.txt
RUN --mount=type=ssh,id=other,target=/tmp/other.sock,uid=65534,mode=0600 su nobody -s /bin/sh -c 'ssh-add -L' >/nobody.txt
RUN test -z "$SSH_AUTH_SOCK" && test ! -e /run/buildkit && test ! -e /tmp/other.sock
END
    berth build -q -t ssh:one --ssh default --ssh other="$SSH_AUTH_SOCK" c
    run berth run --rm ssh:one cat /root.txt /nobody.txt
    [ "$(grep -c berth-test-key <<<"$output")" -eq 2 ]
    # Without an agent the mount is left out, unless it is required.
    printf 'FROM busybox\nRUN --mount=type=ssh test -z "$SSH_AUTH_SOCK"\n' >c/Dockerfile
    berth build -q c
    printf 'FROM busybox\nRUN --mount=type=ssh,required=true true\n' >c/Dockerfile
    run berth build c
    [ "$status" -eq 1 ]
    [[ $output == *"ssh agent default: not found"*"--ssh default"* ]]
    kill "$SSH_AGENT_PID"
    run berth build --ssh default c
    [ "$status" -eq 1 ]
    run env -u SSH_AUTH_SOCK berth build --ssh default c
    [ "$status" -eq 1 ]
    [[ $output == *"SSH_AUTH_SOCK is not set"* ]]
    run berth build --ssh "default=$PWD/key" c
    [ "$status" -eq 1 ]
    [[ $output == *"ssh-add"* ]]
}

@test "a step that is run again gives the same layer" {
    mkdir "$BATS_TEST_TMPDIR/c" && cd "$BATS_TEST_TMPDIR/c"
    echo text >file && touch -d 2020-01-01 file
    printf 'FROM busybox\nCOPY file /file\nRUN touch -d @1000 /made\n' >Dockerfile
    berth build -q -t same:one . && berth build -q --no-cache -t same:two .
    one=$(berth image inspect -f '{{json .RootFS.Layers}}' same:one)
    [ "$one" = "$(berth image inspect -f '{{json .RootFS.Layers}}' same:two)" ]
}
