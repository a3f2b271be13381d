bats_require_minimum_version 1.5.0
load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() {
    ids=$(stock_docker ps -aq)
    [ -z "$ids" ] || stock_docker rm -f -v $ids >/dev/null
}

@test "docker run gives output, error output and the exit status" {
    run stock_docker run --rm busybox sh -c 'echo out; echo err >&2; exit 7'
    [ "$status" -eq 7 ]
    [[ "$output" == *out* && "$output" == *err* ]]
    [ "$(stock_docker run --rm busybox sh -c 'echo out; echo err >&2' 2>/dev/null)" = out ]
    [ -z "$(stock_docker ps -aq)" ]
}

@test "docker run -i passes standard input and its end" {
    [ "$(printf 'one\ntwo\n' | stock_docker run --rm -i busybox cat)" = $'one\ntwo' ]
    [ "$(head -c 3000000 /dev/zero | stock_docker run --rm -i busybox wc -c)" = 3000000 ]
}

@test "docker run -t gives a terminal" {
    run script -qec "env DOCKER_HOST=$DOCKER_HOST DOCKER_CONFIG=$DOCKER_CONFIG docker run --rm -it busybox tty" /dev/null
    [[ "$output" == *"/dev/pts/0"* ]]
}

@test "start failures have the statuses 125, 126 and 127" {
    run -127 stock_docker run --rm busybox /no/such/program
    [ "$status" -eq 127 ]
    run -127 stock_docker run --rm busybox nosuchprogram
    [ "$status" -eq 127 ]
    [[ "$output" == *"executable file not found in \$PATH"* ]]
    # A file without the right, not a directory: docker before 23.0 knows 126 only by "permission denied".
    run stock_docker run --rm -v "$BATS_FILE_TMPDIR/engine:/plain" busybox /plain
    [ "$status" -eq 126 ]
    run stock_docker run --rm --network nosuchnetwork busybox true
    [ "$status" -eq 125 ]
    run stock_docker run --rm --pull never nosuchimage true
    [ "$status" -eq 125 ]
    [[ "$output" == *"No such image: nosuchimage:latest"* ]]
}

@test "create, start, stop and remove answer as Docker does" {
    id=$(post '/containers/create?name=web' '{"Image":"busybox","Cmd":["sleep","60"]}' | head -n 1 | jq -r .Id)
    [ ${#id} -eq 64 ]
    run post '/containers/create?name=web' '{"Image":"busybox"}'
    [ "${lines[-1]}" = 409 ]
    [[ "$output" == *"The container name \\\"/web\\\" is already in use by container"* ]]
    [ "$(status POST /containers/web/stop)" = 304 ]
    [ "$(status POST /containers/web/start)" = 204 ]
    [ "$(status POST /containers/web/start)" = 304 ]
    [ "$(status DELETE /containers/web)" = 409 ]
    [ "$(status POST "/containers/${id:0:12}/pause")" = 204 ]
    [ "$(status POST /containers/web/unpause)" = 204 ]
    [ "$(status POST '/containers/web/rename?name=shop')" = 204 ]
    [ "$(status POST '/containers/shop/kill?signal=KILL')" = 204 ]
    run api POST /containers/shop/wait
    [ "$(head -n 1 <<<"$output" | jq .StatusCode)" = 137 ]
    [ "$(status POST '/containers/shop/kill')" = 409 ]
    [ "$(status DELETE /containers/shop)" = 204 ]
    run api GET /containers/shop/json
    [ "${lines[-1]}" = 404 ]
    [[ "$output" == *"No such container: shop"* ]]
}

@test "wait sends its head before the container ends" {
    stock_docker create --name later busybox sh -c 'exit 3' >/dev/null
    # Only curl's verbose output is unbuffered.
    curl -sSNv --max-time 60 -X POST --unix-socket "${BERTH_HOST#unix://}" \
        'http://berth/containers/later/wait?condition=next-exit' >"$BATS_TEST_TMPDIR/wait" 2>&1 3>&- &
    waiter=$!
    for _ in $(seq 300); do grep -q '200 OK' "$BATS_TEST_TMPDIR/wait" && break; sleep 0.05; done
    grep -q '200 OK' "$BATS_TEST_TMPDIR/wait"
    if grep StatusCode "$BATS_TEST_TMPDIR/wait"; then return 1; fi
    stock_docker start later
    wait $waiter
    grep -q '"StatusCode":3' "$BATS_TEST_TMPDIR/wait"
    [ "$(status POST '/containers/later/wait?condition=sometime')" = 400 ]
}

@test "logs come framed, with times, tails and following" {
    stock_docker run -d --name talker busybox sh -c 'echo a; echo b >&2; echo c; sleep 1; echo d' >/dev/null
    [ "$(stock_docker logs -f talker 2>/dev/null)" = $'a\nc\nd' ]
    [ "$(stock_docker logs talker 2>&1 >/dev/null)" = b ]
    [ "$(stock_docker logs --tail 1 talker)" = d ]
    [[ "$(stock_docker logs -t --tail 1 talker)" =~ ^20[0-9-]+T[0-9:]+\.[0-9]{9}Z\ d$ ]]
    [ "$(status GET /containers/talker/logs)" = 400 ]
    run curl -sS -o /dev/null -D - --unix-socket "${BERTH_HOST#unix://}" 'http://berth/containers/talker/logs?stdout=1'
    [[ "$output" == *"application/vnd.docker.multiplexed-stream"* ]]
    run curl -sS -o /dev/null -D - --unix-socket "${BERTH_HOST#unix://}" 'http://berth/v1.41/containers/talker/logs?stdout=1'
    [[ "$output" == *"application/vnd.docker.raw-stream"* ]]
}

@test "inspect and list have Docker's members" {
    stock_docker run -d --name shown -l team=core -e A=b -p 127.0.0.1::80 busybox sleep 60 >/dev/null
    [ "$(stock_docker inspect -f '{{.State.Status}} {{.Config.Image}} {{.Name}} {{index .Config.Labels "team"}}' shown)" = "running busybox /shown core" ]
    [ "$(stock_docker inspect -f '{{.Path}} {{join .Args " "}}' shown)" = "sleep 60" ]
    [[ "$(stock_docker port shown 80/tcp)" =~ ^127\.0\.0\.1:[0-9]+$ ]]
    [[ "$(stock_docker inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' shown)" =~ ^[0-9.]+$ ]]
    [ "$(stock_docker ps --format '{{.Names}} {{.State}}' --filter label=team=core)" = "shown running" ]
    [ -z "$(stock_docker ps -q --filter label=team=other)" ]
    [ "$(stock_docker ps -q --filter name=^shown$ --filter ancestor=busybox | wc -l)" = 1 ]
    [[ "$(stock_docker ps --format '{{.Status}}')" == Up* ]]
    [[ "$(stock_docker ps --format '{{.Command}}' --no-trunc)" == *"sleep 60"* ]]
}

@test "exec runs with status, input and errors" {
    stock_docker run -d --name host busybox sleep 60 >/dev/null
    run stock_docker exec host sh -c 'echo here; exit 5'
    [ "$status" -eq 5 ]
    [ "$output" = here ]
    [ "$(echo text | stock_docker exec -i host cat)" = text ]
    [ "$(stock_docker exec -e X=y -w /tmp host sh -c 'echo $X $PWD')" = "y /tmp" ]
    run -127 stock_docker exec host nosuchprogram
    [ "$status" -eq 127 ]
    stock_docker exec -d host touch /tmp/made
    for _ in $(seq 100); do stock_docker exec host test -e /tmp/made && break; sleep 0.05; done
    stock_docker exec host test -e /tmp/made
    [ "$(status GET /exec/nosuchexec/json)" = 404 ]
    run post /containers/host/exec '{"Cmd":[]}'
    [ "${lines[-1]}" = 400 ]
    stock_docker stop -t 0 host >/dev/null
    run post /containers/host/exec '{"Cmd":["true"]}'
    [ "${lines[-1]}" = 409 ]
}

@test "an upgraded stream is answered with 101, a plain one with 200" {
    stock_docker run -d --name streamed busybox sleep 60 >/dev/null
    for upgrade in yes no; do
        id=$(post /containers/streamed/exec '{"Cmd":["echo","hi"],"AttachStdout":true}' | head -n 1 | jq -r .Id)
        headers=()
        [ $upgrade = no ] || headers=(-H 'Connection: Upgrade' -H 'Upgrade: tcp')
        run curl -sS -i --max-time 10 -X POST "${headers[@]}" -H 'Content-Type: application/json' -d '{}' \
            --unix-socket "${BERTH_HOST#unix://}" "http://berth/exec/$id/start" --output "$BATS_TEST_TMPDIR/$upgrade"
        [ "$(stock_docker exec streamed echo ok)" = ok ]
    done
    grep -a -q '^HTTP/1.1 101 UPGRADED' "$BATS_TEST_TMPDIR/yes"
    grep -a -q 'application/vnd.docker.multiplexed-stream' "$BATS_TEST_TMPDIR/yes"
    grep -a -q '^HTTP/1.1 200 OK' "$BATS_TEST_TMPDIR/no"
    grep -a -q 'application/vnd.docker.raw-stream' "$BATS_TEST_TMPDIR/no"
    grep -a -q 'hi' "$BATS_TEST_TMPDIR/no"
    if grep -a -i 'content-length\|transfer-encoding' "$BATS_TEST_TMPDIR/no"; then return 1; fi
}

@test "cp goes both ways and archive headers describe the path" {
    stock_docker run -d --name files busybox sleep 60 >/dev/null
    echo hello >"$BATS_TEST_TMPDIR/note"
    stock_docker cp "$BATS_TEST_TMPDIR/note" files:/tmp/note
    [ "$(stock_docker exec files cat /tmp/note)" = hello ]
    stock_docker cp files:/tmp/note "$BATS_TEST_TMPDIR/back"
    [ "$(cat "$BATS_TEST_TMPDIR/back")" = hello ]
    run api HEAD '/containers/files/archive?path=/tmp/note'
    header=$(grep -i '^x-docker-container-path-stat:' <<<"$output" | tr -d '\r' | cut -d' ' -f2)
    [ "$(base64 -d <<<"$header" | jq -r '.name, .size')" = $'note\n6' ]
    [ "$(status HEAD '/containers/files/archive?path=/nothing')" = 404 ]
    [ "$(status GET '/containers/files/archive')" = 400 ]
    [[ "$(stock_docker diff files)" == *"A /tmp/note"* ]]
}

@test "stats, top, update and export" {
    stock_docker run -d --name busy -m 64m busybox sleep 60 >/dev/null
    run api GET '/containers/busy/stats?stream=false&one-shot=true'
    [ "${lines[-1]}" = 200 ]
    [ "$(head -n 1 <<<"$output" | jq .memory_stats.limit)" = $((64 << 20)) ]
    [[ "$(stock_docker stats --no-stream --format '{{.Name}} {{.MemUsage}}' busy)" == "busy "*" / 64MiB" ]]
    [[ "$(stock_docker top busy)" == *"sleep 60"* ]]
    stock_docker update -m 128m --memory-swap 256m busy
    [ "$(stock_docker inspect -f '{{.HostConfig.Memory}}' busy)" = $((128 << 20)) ]
    stock_docker export busy | tar -t | grep -q 'bin/busybox'
}

@test "prune removes what is stopped and matches" {
    stock_docker run --name old -l keep=no busybox true
    stock_docker run --name kept busybox true
    [[ "$(stock_docker container prune -f --filter label=keep)" == *"Total reclaimed space"* ]]
    [ "$(stock_docker ps -a --format '{{.Names}}')" = kept ]
}
