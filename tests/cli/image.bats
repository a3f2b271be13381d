bats_require_minimum_version 1.5.0
load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }

@test "build sends the folder without what .dockerignore names" {
    mkdir -p app/node_modules && echo source >app/main && echo big >app/node_modules/x
    printf 'node_modules\n*.log\n!keep.log\n' >app/.dockerignore
    echo 1 >app/a.log && echo 2 >app/keep.log
    printf 'FROM busybox\nCOPY . /app\nCMD find /app -type f | sort\n' >app/Dockerfile
    berth build -q -t app:1 app
    [ "$(berth run --rm app:1)" = $'/app/.dockerignore\n/app/Dockerfile\n/app/keep.log\n/app/main' ]
}

@test "build takes Dockerfiles from anywhere" {
    mkdir ctx && echo data >ctx/file
    printf 'FROM busybox\nCOPY . /d\nCMD ls -A /d\n' >Other
    berth build -q -t app:2 -f Other ctx
    [ "$(berth run --rm app:2)" = file ]
    berth build -q -t app:3 -f - ctx <Other
    [ "$(berth run --rm app:3)" = file ]
    printf 'FROM busybox\nRUN echo hi >/x\nCMD cat /x\n' | berth build -q -t app:4 -
    [ "$(berth run --rm app:4)" = hi ]
    cp Other ctx/Dockerfile
    tar -C ctx -c . | berth build -q -t app:5 -
    [ "$(berth run --rm app:5 | sort | tr '\n' ' ')" = "Dockerfile file " ]
}

@test "build passes arguments, secrets, targets and labels" {
    mkdir ctx && echo from-file >s
    printf 'FROM busybox AS one\nARG V\nRUN --mount=type=secret,id=f --mount=type=secret,id=e echo "$V $(cat /run/secrets/f) $(cat /run/secrets/e)" >/out\nFROM busybox\n' >ctx/Dockerfile
    TOKEN=from-env berth build -q --target one --build-arg V=7 --secret id=f,src=s --secret id=e,env=TOKEN --label a=b -t app:6 --iidfile iid ctx
    [ "$(berth run --rm app:6 cat /out)" = "7 from-file from-env" ]
    [ "$(berth image inspect -f '{{.Config.Labels.a}} {{.Id}}' app:6)" = "b $(cat iid)" ]
    if berth history --no-trunc app:6 | grep from-env; then return 1; fi
}

@test "build shows the line of a mistake, and the log of a failed step" {
    mkdir ctx && printf 'FROM busybox\nRUN echo before && false\n' >ctx/Dockerfile
    run berth build --progress plain ctx
    [ "$status" -eq 1 ]
    [[ "$output" == *"before"* && "$output" == *"Dockerfile:2"* && "$output" == *"exit code: 1"* ]]
    printf 'FROM busybox\nRUM x\n' >ctx/Dockerfile
    run berth build ctx
    [[ "$output" == *"Dockerfile:2:1"* && "$output" == *"did you mean RUN?"* ]]
    run berth build nosuchfolder
    [ "$status" -eq 1 ]
    mkdir empty && mv ctx/Dockerfile empty/Dockerfile.dev
    run berth build empty
    [[ "$output" == *"Dockerfile.dev"* ]]
}

@test "images, tag, history, save, load, rmi and prune" {
    berth tag busybox localhost:1/x/y:z
    [ "$(berth images --format '{{.Repository}}:{{.Tag}}' localhost:1/x/y)" = localhost:1/x/y:z ]
    berth images --filter reference='busy*' --format json | jq -e '.Repository == "busybox"'
    berth history busybox | grep -q IMAGE
    berth save -o b.tar busybox
    berth rmi localhost:1/x/y:z
    berth rmi busybox | grep -q Deleted
    run berth run --rm --pull never busybox true
    [ "$status" -eq 125 ]
    [ "$(berth load -i b.tar)" = "Loaded image: busybox:latest" ]
    berth run --rm busybox true
    [ ! -e b.tar.*.part ]
    run berth save -o none.tar nosuch
    [ "$status" -eq 1 ]
    [ ! -e none.tar ]
    berth image prune -f | grep -q reclaimed
}

@test "credentials are kept by a helper or in the file" {
    mkdir -p bin cfg
    printf '#!/bin/sh\ncase $1 in store) cat >%s/stored ;; get) cat >/dev/null; cat %s/stored ;; erase) rm %s/stored ;; esac\n' "$PWD" "$PWD" "$PWD" >bin/docker-credential-test
    chmod +x bin/docker-credential-test
    run berth login -u me --password-stdin localhost:9 <<<secret
    [ "$status" -eq 1 ]
    [ ! -e "$DOCKER_CONFIG/config.json" ]
    run berth --config cfg logout localhost:9
    [[ "$output" == *"Not logged in"* ]]
    echo '{"credsStore": "test", "other": {"kept": 1}}' >cfg/config.json
    echo '{"ServerURL":"localhost:9","Username":"me","Secret":"x"}' >stored
    PATH=$PWD/bin:$PATH berth --config cfg logout localhost:9
    [ ! -e stored ]
    jq -e '.other.kept == 1' cfg/config.json
}
