load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }

@test "ping answers with the headers that clients negotiate by" {
    run curl -sS -i --unix-socket "${BERTH_HOST#unix://}" http://berth/_ping
    [[ "$output" == *"200 OK"* && "$output" == *$'\nOK' ]]
    [[ "$output" =~ Api-Version:\ 1\.[0-9]+ ]]
    [[ "$output" == *"Ostype: linux"* && "$output" == *"Docker-Experimental: false"* && "$output" == *"Swarm: inactive"* ]]
    [[ "$output" == *"Cache-Control: no-cache"* ]]
    run api HEAD /_ping
    [[ "$output" == *"200 OK"* ]]
}

@test "versions too old and too new are refused in Docker's words" {
    run api GET /v1.23/info
    [ "${lines[-1]}" = 400 ]
    [[ "$output" == *"client version 1.23 is too old. Minimum supported API version is 1.24"* ]]
    run api GET /v9.99/info
    [ "${lines[-1]}" = 400 ]
    [[ "$output" == *"client version 9.99 is too new. Maximum supported API version is 1."* ]]
    for version in 1.24 1.30 1.40 1.44 1.47 1.51 1.52 1.53 1.54 1.55; do [ "$(status GET /v$version/version)" = 200 ]; done
}

@test "unknown paths and methods are not found" {
    run api GET /v1.44/nothing
    [ "${lines[-1]}" = 404 ]
    [[ "$output" == *'{"message":"page not found"}'* ]]
    [ "$(status PATCH /containers/json)" = 404 ]
    [ "$(status OPTIONS /anything)" = 200 ]
}

@test "swarm endpoints say that there is no swarm" {
    for path in /swarm /nodes /services /tasks /secrets /configs; do
        run api GET $path
        [ "${lines[-1]}" = 503 ]
        [[ "$output" == *"not a swarm manager"* ]]
    done
}

@test "version and info tell about this machine" {
    [ "$(curl -sS --unix-socket "${BERTH_HOST#unix://}" http://berth/version | jq -r .KernelVersion)" = "$(uname -r)" ]
    info=$(curl -sS --unix-socket "${BERTH_HOST#unix://}" http://berth/info)
    [ "$(jq -r .NCPU <<<"$info")" = "$(nproc)" ]
    [ "$(jq -r .DockerRootDir <<<"$info")" = "$BERTH_TEST_DIR/data" ]
    [ "$(jq -r .Images <<<"$info")" = 1 ]
    [ "$(jq -r .Swarm.LocalNodeState <<<"$info")" = inactive ]
}

@test "the stock docker command shows version and info" {
    run stock_docker version --format '{{.Server.Os}} {{.Server.APIVersion}}'
    [ "$status" -eq 0 ]
    [[ "$output" =~ ^linux\ 1\.[0-9]+$ ]]
    run stock_docker info --format '{{.Driver}} {{.CgroupVersion}}'
    [ "$status" -eq 0 ]
    [[ "$output" =~ ^(erofs|directory)\ [12]$ ]]
}

@test "events replay the past and stream with their headers at once" {
    since=$(date +%s)
    stock_docker volume create eventful
    stock_docker volume rm eventful
    sleep 1
    run stock_docker events --since "$since" --until "$(date +%s)" --filter type=volume --format '{{.Action}} {{.Actor.ID}}'
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "create eventful" ]
    [ "${lines[1]}" = "destroy eventful" ]
    # Only curl's verbose output is unbuffered.
    curl -sSNv --max-time 60 --unix-socket "${BERTH_HOST#unix://}" http://berth/events >"$BATS_TEST_TMPDIR/events" 2>&1 3>&- &
    follower=$!
    for _ in $(seq 300); do grep -q 'Content-Type: application/json' "$BATS_TEST_TMPDIR/events" && break; sleep 0.05; done
    kill $follower
    grep -q '200 OK' "$BATS_TEST_TMPDIR/events"
    grep -q 'Content-Type: application/json' "$BATS_TEST_TMPDIR/events"
}

@test "an unknown filter is refused" {
    for path in /containers/json /images/json /volumes /networks /events; do
        run api GET "$path" -G --data-urlencode 'filters={"colour":["red"]}'
        [ "${lines[-1]}" = 400 ]
        [[ "$output" == *"invalid filter 'colour'"* ]]
    done
    [ "$(status GET /containers/json -G --data-urlencode 'filters=[1]')" = 400 ]
}

@test "disk usage has every section" {
    run api GET /v1.44/system/df
    [ "${lines[-1]}" = 200 ]
    df=${output%$'\n'*}
    [ "$(jq '.Images | length' <<<"$df")" = 1 ]
    [ "$(jq -r '.Volumes, .Containers, .BuildCache | type' <<<"$df" | sort -u)" = array ]
    [ "$(status GET '/system/df?type=nonsense')" = 400 ]
    stock_docker system df
}

@test "broken requests are told what is wrong" {
    run post /containers/create '{"HostConfig":{"Memory":"1g"}}'
    [ "${lines[-1]}" = 400 ]
    [[ "$output" == *"HostConfig.Memory: expected a number"* ]]
    run post /containers/create '{broken'
    [ "${lines[-1]}" = 400 ]
    run post /containers/create ''
    [ "${lines[-1]}" = 400 ]
    head -c 6000000 /dev/zero | tr '\0' ' ' >"$BATS_TEST_TMPDIR/large"
    [ "$(status POST /containers/create -d @"$BATS_TEST_TMPDIR/large")" = 400 ]
}
