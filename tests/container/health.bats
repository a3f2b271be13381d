bats_require_minimum_version 1.5.0
load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() {
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f -v $ids >/dev/null
}

log_says() { [[ "$(berth inspect -f '{{json .State.Health.Log}}' "$1")" == *"$2"* ]]; }
quick=(--health-interval 100ms --health-retries 2 --health-timeout 2s)

@test "http, tcp and grpc are asked without anything in the image" {
    mkdir site && echo fine >site/index.html
    berth run -d --name web "${quick[@]}" --health-http 8080/index.html -v "$PWD/site:/site" busybox httpd -f -p 8080 -h /site >/dev/null
    berth run -d --name gone "${quick[@]}" --health-http 8080/gone -v "$PWD/site:/site" busybox httpd -f -p 8080 -h /site >/dev/null
    berth run -d --name tcp "${quick[@]}" --health-tcp 8080 busybox httpd -f -p 8080 >/dev/null
    berth run -d --name closed "${quick[@]}" --health-tcp 9 busybox sleep 1000 >/dev/null
    until_true has_health web healthy
    until_true has_health tcp healthy
    until_true has_health gone unhealthy
    until_true has_health closed unhealthy
    # The first answers may be from before the server listened.
    until_true log_says web "200 OK"
    until_true log_says gone "404 Not Found"
    until_true log_says closed "Connection refused"
    [ "$(cause_of closed)" = unhealthy ]
}

@test "a grpc service that answers SERVING is healthy" {
    printf '\0\0\0\4\0\0\0\0\0\0\0\1\1\4\0\0\0\1\210\0\0\7\0\0\0\0\0\1\0\0\0\0\2\10\1' >serving
    printf '\0\0\0\4\0\0\0\0\0\0\0\1\1\4\0\0\0\1\210\0\0\7\0\0\0\0\0\1\0\0\0\0\2\10\2' >refusing
    for answer in serving refusing; do
        berth run -d --name $answer "${quick[@]}" --health-grpc 5000/my.Service -v "$PWD:/files:ro" busybox \
            sh -c "while :; do nc -l -p 5000 <\$0 >/dev/null; done" /files/$answer >/dev/null
    done
    until_true has_health serving healthy
    until_true has_health refusing unhealthy
    until_true log_says refusing NOT_SERVING
}

@test "an unhealthy container is restarted as often as its policy says" {
    berth run -d --name sick --restart unhealthy:2 "${quick[@]}" --health-tcp 9 busybox sleep 1000 >/dev/null
    until_true has_ended sick
    [ "$(berth inspect -f '{{.RestartCount}} {{.HostConfig.RestartPolicy.Name}}' sick)" = "2 unhealthy" ]
    [ "$(cause_of sick)" = unhealthy ]
    berth run -d --name failing --restart unhealthy:1 --health-cmd true busybox sh -c 'exit 1' >/dev/null
    until_true has_ended failing
    [ "$(berth inspect -f '{{.RestartCount}}' failing)" = 1 ]
}

@test "health flags that make no sense are refused" {
    run berth run --health-tcp 1 --health-cmd x busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *conflicts* ]]
    run berth run --health-http nonsense busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *"expected PORT/PATH"* ]]
    run berth run --restart unhealthy busybox true
    [[ "$output" == *"needs a health check"* ]]
    [ -z "$(berth ps -aq)" ]
}
