#!/usr/bin/env bats
# Compose on small images: order by health, what changes is replaced, data stays, nothing is left.
load ../lib/berth

setup() {
    berth_engine_start
    berth_busybox
    PROJECT=$BATS_TEST_TMPDIR/shop
    mkdir -p "$PROJECT"
    cat >"$PROJECT/compose.yaml" <<'YAML'
services:
  web:
    image: busybox
    command: ["sh", "-c", "cat /run/secrets/token > /tmp/token; exec httpd -f -p 80 -h /etc"]
    depends_on:
      db: {condition: service_healthy}
      prepare: {condition: service_completed_successfully}
    networks: [front, back]
    secrets: [token]
    ports: ["127.0.0.1:${WEB_PORT:-18090}:80"]
    environment: {GREETING: "${GREETING:-hello}"}
  prepare:
    image: busybox
    command: ["sh", "-c", "test -f /data/ready && echo prepared > /data/prepared"]
    depends_on:
      db: {condition: service_healthy}
    volumes: ["data:/data"]
    network_mode: none
  db:
    image: busybox
    command: ["sh", "-c", "sleep 0.3; touch /data/ready; sleep 100000"]
    healthcheck: {test: [CMD, test, -f, /data/ready], interval: 100ms, retries: 50}
    volumes: ["data:/data"]
    networks: [back]
  extra:
    image: busybox
    command: sleep 100000
    profiles: [tools]
networks:
  front:
  back: {internal: true}
volumes:
  data:
secrets:
  token: {file: ./token.txt}
YAML
    echo s3cret >"$PROJECT/token.txt"
    cd "$PROJECT"
}
teardown() {
    cd /
    berth_engine_stop
    berth_audit
}
id_of() { berth inspect -f '{{.Id}}' "shop-$1-1"; }

@test "up waits for health and completion, and down leaves nothing" {
    berth compose up -d --wait
    [ "$(berth inspect -f '{{.State.Health.Status}}' shop-db-1)" = healthy ]
    [ "$(berth inspect -f '{{.State.ExitCode}}' shop-prepare-1)" = 0 ]
    # Started is not yet past its first command.
    for tries in $(seq 100); do
        berth compose exec -T web grep -qx s3cret /tmp/token 2>/dev/null && break
        sleep 0.05
    done
    berth compose exec -T web cat /tmp/token | grep -x s3cret
    berth compose exec -T web sh -c 'echo $GREETING' | grep -x hello
    curl -fsS --retry 10 --retry-connrefused http://127.0.0.1:18090/passwd | grep root
    berth compose exec -T web nslookup db 2>&1 | grep -i address
    [ "$(berth compose ps --services | sort | tr '\n' ' ')" = 'db web ' ]
    berth compose logs db
    berth compose top | grep sleep
    berth compose down -v
    [ -z "$(berth ps -aq)" ]
    [ -z "$(berth volume ls -q)" ]
    [ "$(berth network ls -q | wc -l)" -eq 3 ]
}

@test "only what changed is replaced, and data stays" {
    berth compose up -d --wait
    local db web
    db=$(id_of db) web=$(id_of web)
    berth compose up -d --wait
    [ "$(id_of db)" = "$db" ] && [ "$(id_of web)" = "$web" ]
    GREETING=changed berth compose up -d --wait
    [ "$(id_of db)" = "$db" ] && [ "$(id_of web)" != "$web" ]
    berth compose exec -T db cat /data/prepared | grep prepared
    berth compose down
    [ "$(berth volume ls -q)" = shop_data ]
    berth compose up -d --wait
    berth compose exec -T db cat /data/prepared | grep prepared
    berth compose down -v
}

@test "a dependency that fails stops its dependents and says which" {
    sed -i 's/test -f .data.ready && echo/false \&\& echo/' compose.yaml
    run berth compose up -d
    [ "$status" -ne 0 ]
    [[ $output == *prepare* ]]
    [[ $output == *'exited (1)'* ]]
    [ "$(berth inspect -f '{{.State.Status}}' shop-web-1 2>/dev/null || echo none)" != running ]
    berth compose down -v
}

@test "profiles, scale, run, stop, start, restart, kill, rm" {
    berth compose up -d --wait
    if berth compose ps -a --services | grep extra; then return 1; fi
    berth compose --profile tools up -d extra
    berth compose ps --services | grep extra
    berth compose up -d --scale extra=2 extra
    [ "$(berth compose ps -q extra | wc -l)" -eq 2 ]
    berth compose run --rm -T extra echo one-off | grep one-off
    berth compose stop -t 1 extra
    [ -z "$(berth compose ps -q extra)" ]
    berth compose start extra
    berth compose restart -t 1 extra
    berth compose kill extra
    berth compose rm -f extra
    [ -z "$(berth compose ps -aq extra)" ]
    berth compose --profile tools down -v
}

@test "config prints the canonical project" {
    berth compose config | grep -A1 'published'
    [ "$(berth compose config --services | sort | tr '\n' ' ')" = 'db prepare web ' ]
    berth compose config --format json | jq -e '.services.web.environment.GREETING == "hello"'
}
