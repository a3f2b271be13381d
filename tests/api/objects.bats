load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }

@test "volumes are made, listed, used and removed" {
    [ "$(stock_docker volume create --label a=b data)" = data ]
    stock_docker run --rm -v data:/d busybox sh -c 'echo kept >/d/file'
    [ "$(stock_docker run --rm -v data:/d busybox cat /d/file)" = kept ]
    [ "$(stock_docker volume ls -q --filter label=a=b)" = data ]
    [ "$(stock_docker volume inspect -f '{{.Driver}} {{.Scope}}' data)" = "local local" ]
    stock_docker create --name holder -v data:/d busybox >/dev/null
    run stock_docker volume rm data
    [ "$status" -ne 0 ]
    [[ "$output" == *"volume is in use"* ]]
    stock_docker rm holder
    stock_docker volume rm data
    [ "$(status GET /volumes/data)" = 404 ]
    [ "$(status DELETE '/volumes/data?force=1')" = 204 ]
}

@test "prune takes anonymous volumes only, unless all are asked for" {
    stock_docker volume create named
    stock_docker volume create
    # By HTTP, because docker before 23.0 asks for API 1.41, in which prune takes every unused volume.
    [ "$(status POST /v1.42/volumes/prune)" = 200 ]
    [ "$(stock_docker volume ls -q)" = named ]
    [ "$(status POST '/v1.42/volumes/prune?filters=%7B%22all%22%3A%5B%22true%22%5D%7D')" = 200 ]
    [ -z "$(stock_docker volume ls -q)" ]
}

@test "networks are made, inspected, joined and removed" {
    stock_docker network create --subnet 10.111.0.0/24 --label a=b front
    [ "$(stock_docker network inspect -f '{{(index .IPAM.Config 0).Subnet}} {{.Driver}}' front)" = "10.111.0.0/24 bridge" ]
    [ "$(stock_docker network ls --filter label=a=b --format '{{.Name}}')" = front ]
    stock_docker run -d --name member --network front --network-alias other busybox sleep 60 >/dev/null
    [[ "$(stock_docker network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' front)" =~ ^member\ 10\.111\.0\.[0-9]+/24$ ]]
    stock_docker run --rm --network front busybox ping -c 1 -W 20 member
    stock_docker run --rm --network front busybox ping -c 1 -W 20 other
    run stock_docker network create front
    [[ "$output" == *"network with name front already exists"* ]]
    run stock_docker network rm front
    [ "$status" -ne 0 ]
    stock_docker network connect bridge member
    stock_docker network disconnect bridge member
    stock_docker rm -f member
    stock_docker network rm front
    [ "$(status GET /networks/front)" = 404 ]
    run stock_docker network rm bridge
    [[ "$output" == *"pre-defined"* ]]
}

@test "images are tagged, listed, inspected and removed" {
    stock_docker tag busybox team/tool:1
    [ "$(stock_docker images --format '{{.Repository}}:{{.Tag}}' team/tool)" = team/tool:1 ]
    [ "$(stock_docker inspect -f '{{.Os}} {{json .Config.Cmd}}' team/tool:1)" = 'linux ["sh"]' ]
    run stock_docker rmi team/tool:1
    [ "$status" -eq 0 ]
    [[ "$output" == *"Untagged: team/tool:1"* ]]
    run stock_docker rmi team/tool:1
    [[ "$output" == *"No such image: team/tool:1"* ]]
    [ "$(stock_docker history -q busybox | wc -l)" -ge 1 ]
    [ "$(status GET /images/nosuchimage/json)" = 404 ]
}

@test "save and load carry an image over" {
    stock_docker tag busybox carried:1
    stock_docker save -o "$BATS_TEST_TMPDIR/image.tar" carried:1
    stock_docker rmi carried:1
    [[ "$(stock_docker load -i "$BATS_TEST_TMPDIR/image.tar")" == *"Loaded image: carried:1"* ]]
    [ "$(stock_docker run --rm carried:1 echo loaded)" = loaded ]
    stock_docker rmi carried:1
}

@test "commit makes an image of a container" {
    stock_docker run --name base busybox sh -c 'echo made >/made'
    stock_docker commit -c 'CMD ["cat","/made"]' -m note base committed:1
    [ "$(stock_docker run --rm committed:1)" = made ]
    stock_docker rm base
    stock_docker rmi committed:1
}

@test "the classic builder builds, caches and reports errors" {
    mkdir -p "$BATS_TEST_TMPDIR/context"
    printf 'FROM busybox\nCOPY note /note\nARG WHO=nobody\nRUN echo built for $WHO >/who\nCMD ["cat","/note","/who"]\n' \
        >"$BATS_TEST_TMPDIR/context/Dockerfile"
    echo text >"$BATS_TEST_TMPDIR/context/note"
    run stock_docker build -t built:1 --build-arg WHO=me "$BATS_TEST_TMPDIR/context"
    [ "$status" -eq 0 ]
    [[ "$output" == *"Successfully tagged built:1"* ]]
    [ "$(stock_docker run --rm built:1)" = $'text\nbuilt for me' ]
    run stock_docker build -t built:1 --build-arg WHO=me "$BATS_TEST_TMPDIR/context"
    [[ "$output" == *"Using cache"* ]]
    printf 'FROM busybox\nRUN exit 9\n' >"$BATS_TEST_TMPDIR/context/Dockerfile"
    run stock_docker build "$BATS_TEST_TMPDIR/context"
    [ "$status" -eq 9 ]
    [[ "$output" == *"The command '/bin/sh -c exit 9' returned a non-zero code: 9"* ]]
    printf 'FORM busybox\n' >"$BATS_TEST_TMPDIR/context/Dockerfile"
    run stock_docker build "$BATS_TEST_TMPDIR/context"
    [ "$status" -ne 0 ]
    [[ "$output" == *FORM* ]]
    stock_docker rmi built:1
    stock_docker builder prune -f
}
