#!/usr/bin/env bats
# Verbs and flags of compose that people's scripts use, on small images.
load ../lib/berth

setup() {
    berth_engine_start
    berth_busybox
    mkdir -p "$BATS_TEST_TMPDIR/shop"
    cd "$BATS_TEST_TMPDIR/shop"
}
teardown() {
    cd /
    berth_engine_stop
    berth_audit
}

@test "dockerfile_inline builds from the text in the file" {
    cat >compose.yaml <<'YAML'
services:
  web:
    build:
      context: .
      dockerfile_inline: |
        FROM busybox
        COPY page /page
        CMD ["cat", "/page"]
YAML
    echo 'from the context' >page
    berth compose up --build --exit-code-from web | grep -x 'web-1  | from the context'
    berth compose down --rmi local
    [ -z "$(berth images -q shop-web)" ]
}

@test "up --wait says of a program that ends at once that it ended, not that it is healthy" {
    printf 'services:\n  flawed:\n    image: busybox\n    command: ["sh", "-c", "sleep 0.01; exit 3"]\n' >compose.yaml
    local try
    for try in 1 2 3 4 5; do
        run berth compose up -d --wait
        [ "$status" -eq 1 ]
        [[ $output == *"exited (3)"* && $output != *Healthy* ]]
        berth compose down -t 0
    done
}

@test "--wait-timeout ends the wait, and leaves what was started" {
    cat >compose.yaml <<'YAML'
services:
  web:
    image: busybox
    command: [sleep, "1000"]
    stop_grace_period: 0s
    healthcheck: {test: [CMD, "false"], interval: 10s, start_period: 100s, start_interval: 10s}
YAML
    run berth compose up -d --wait --wait-timeout 1
    [ "$status" -eq 1 ]
    [[ $output == *'application not healthy after 1s'* ]]
    [ "$(berth compose ps --services)" = web ]
    berth compose down
}

@test "--abort-on-container-exit and --exit-code-from pass the exit code on" {
    cat >compose.yaml <<'YAML'
services:
  test: {image: busybox, command: [sh, -c, "sleep 0.3; exit 7"]}
  db: {image: busybox, command: [sleep, "1000"], stop_grace_period: 0s}
YAML
    run berth compose up --exit-code-from test
    [ "$status" -eq 7 ]
    [ "$(berth inspect -f '{{.State.Running}}' shop-db-1)" = false ]
    run berth compose up --abort-on-container-exit
    [ "$status" -eq 7 ]
    run berth compose up -d --exit-code-from test
    [ "$status" -eq 1 ]
    run berth compose wait test
    [ "$status" -eq 7 ]
    berth compose down
}

@test "ps, images and ls speak docker compose's JSON" {
    printf 'services:\n  web: {image: busybox, command: [sleep, "1000"], ports: ["127.0.0.1:18093:80"], stop_grace_period: 0s}\n  job: {image: busybox, command: [sh, -c, "exit 3"]}\n' >compose.yaml
    berth compose up -d
    berth wait shop-job-1
    berth compose ps --format json | jq -es 'map(select(.Service == "web"))[0] | .State == "running" and .Project == "shop" and .Publishers[0].PublishedPort == 18093'
    berth compose ps -a --format json | jq -es 'map(select(.Service == "job"))[0] | .ExitCode == 3'
    [ "$(berth compose ps --status exited --services)" = job ]
    berth compose ps | head -1 | grep -E '^NAME +IMAGE +COMMAND +SERVICE +CREATED +STATUS +PORTS$'
    berth compose images | grep -E 'shop-web-1 +busybox +latest'
    berth compose ls --format json | jq -e '.[0].Name == "shop"'
    berth compose events --since 1m --until 0s --json web | jq -e -s 'map(.action) | index("start")'
    berth compose down
}

@test "a project without its file is found by its name" {
    printf 'services:\n  web: {image: busybox, command: [sh, -c, "echo hello; sleep 1000"], stop_grace_period: 0s, volumes: ["data:/d"]}\nvolumes: {data: {}}\n' >compose.yaml
    berth compose up -d
    cd /
    [ "$(berth compose -p shop ps --services)" = web ]
    for tries in $(seq 200); do
        berth compose -p shop logs --no-log-prefix | grep -qx hello && break
        sleep 0.05
    done
    berth compose -p shop logs --no-log-prefix | grep -x hello
    berth compose -p shop down -v
    [ -z "$(berth ps -aq)" ]
    [ -z "$(berth volume ls -q)" ]
}

@test "down of one service leaves the others" {
    printf 'services:\n  web: {image: busybox, command: [sleep, "1000"], stop_grace_period: 0s}\n  db: {image: busybox, command: [sleep, "1000"], stop_grace_period: 0s}\n' >compose.yaml
    berth compose up -d
    berth compose down web
    [ "$(berth compose ps --services)" = db ]
    berth compose rm -sf db
    [ -z "$(berth compose ps -aq)" ]
    berth compose down
}
