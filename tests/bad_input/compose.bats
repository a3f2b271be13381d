#!/usr/bin/env bats
# Broken compose files: file, line, what was meant; nothing is created by a project that is wrong.
load ../lib/hostile

setup_file() { shared_engine_start; }
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    mkdir "$BATS_TEST_TMPDIR/shop"
    cd "$BATS_TEST_TMPDIR/shop"
}
teardown() {
    remove_containers
    berth network prune -f >/dev/null
    berth volume prune -a -f >/dev/null
    audit_data
}

# refused YAML PLACE TEXT...: `up` ends with 1, names the place, shows its line, and makes nothing.
refused() {
    local place=$2
    printf '%b' "$1" >compose.yaml
    fails_with 1 berth compose up -d
    says "compose.yaml:$place" "${@:3}"
    [ -z "$(berth ps -aq)" ]
    [ "$(berth network ls -q | wc -l)" -eq 3 ]
    [ -z "$(berth volume ls -q)" ]
}
WEB='services:\n  web:\n    image: busybox\n'

@test "YAML that is none" {
    refused 'services:\n  web:\n   image: busybox\n  - x\n' 4 '^'
    refused 'services:\n  web: {image: busybox\n' '' '^'
    refused 'services:\n\tweb:\n' 2 '^'
    refused "services:\n  web:\n    image: 'busybox\n" 3
    refused 'just a text\n' 1 'mapping'
    refused '' '' 'empty'
    [[ $output != *'[ERR]'* ]]
}

@test "unknown keys, with the nearest one" {
    refused 'services:\n  web:\n    imagee: busybox\n' 3:5 'imagee' 'did you mean "image"' '^'
    refused 'servces:\n  web:\n    image: busybox\n' 1:1 'servces' 'did you mean "services"'
    refused "$WEB    healthcheck:\n      test: true\n      intervall: 3s\n" 6:7 'intervall' 'did you mean "interval"'
    refused "$WEB    deploy:\n      resources:\n        limits:\n          memry: 3m\n" 7:11 'memry' 'did you mean "memory"'
    refused "${WEB}networks:\n  front:\n    inernal: true\n" 6:5 'inernal' 'did you mean "internal"'
}

@test "values of the wrong type" {
    refused 'services:\n  web:\n    image: [a, b]\n' 3 'services.web.image must be a string' '^'
    refused "$WEB    ports: 80\n" 4 'ports must be a list'
    refused "$WEB    privileged: maybe\n" 4 'privileged must be true or false'
    refused "$WEB    deploy: {replicas: many}\n" 4 'replicas must be a number'
    refused 'services:\n  - web\n' 2 'mapping'
    refused 'services:\n  web: busybox\n' 2 'mapping'
    refused "$WEB    environment: just text\n" 4 'environment must be'
}

@test "values that mean nothing" {
    refused "$WEB    ports: ['http:80']\n" 4 'http:80' '^'
    refused "$WEB    ports: ['80:99999']\n" 4 '99999'
    refused "$WEB    ports: ['127.0.0.300:80:80']\n" 4 '127.0.0.300'
    refused "$WEB    mem_limit: lots\n" 4 'lots'
    refused "$WEB    restart: sometimes\n" 4 'sometimes'
    refused "$WEB    healthcheck: {test: [CMD, 'true'], interval: soon}\n" 4 'soon'
    refused "$WEB    stop_grace_period: later\n" 4 'later'
    refused "$WEB    depends_on: {db: {condition: service_happy}}\n  db:\n    image: busybox\n" 4 'service_happy'
    refused "$WEB    pull_policy: perhaps\n" 4 'perhaps'
    refused "$WEB    network_mode: 'service:nobody'\n" '' 'nobody'
    refused 'services:\n  web:\n    image: "UPPER Case"\n' 3 'UPPER Case'
    refused 'services:\n  web:\n    command: x\n' 2 'neither an image nor a build'
}

@test "names that are not defined" {
    refused "$WEB    depends_on: [dtabase]\n  database:\n    image: busybox\n" '' 'dtabase' 'not defined' '^'
    refused "$WEB    networks: [frnt]\nnetworks:\n  front:\n" 4 'frnt' 'did you mean "front"'
    refused "$WEB    volumes: ['dta:/data']\nvolumes:\n  data:\n" 4 'dta' 'did you mean "data"'
    refused "$WEB    secrets: [token]\n" 4 'token' 'not defined'
    refused "$WEB    configs: [conf]\n" 4 'conf' 'not defined'
    refused 'services:\n  web:\n    extends: nobody\n' 3 'nobody'
}

@test "circles" {
    refused 'services:\n  a:\n    image: busybox\n    depends_on: [b]\n  b:\n    image: busybox\n    depends_on: [c]\n  c:\n    image: busybox\n    depends_on: [a]\n' \
        '' 'circle' 'a -> b -> c -> a'
    refused 'services:\n  a:\n    image: busybox\n    depends_on: [a]\n' '' 'circle'
    refused 'services:\n  a:\n    extends: b\n  b:\n    extends: a\n' '' 'circle'
    printf 'include: [compose.yaml]\nservices:\n  a:\n    image: busybox\n' >compose.yaml
    fails_with 1 berth compose up -d
    says 'compose.yaml'
}

@test "variables: a missing one that must be there, a malformed one, an empty one" {
    refused "services:\n  web:\n    image: \${IMAGE:?say which image}\n" 3 'IMAGE' 'say which image' '^'
    refused "services:\n  web:\n    image: \${IMAGE?}\n" 3 'IMAGE'
    refused "services:\n  web:\n    image: \${IMAGE\n" 3 '${' '^'
    refused "$WEB    command: echo \$ 5\n" 4 '$'
    printf 'services:\n  web:\n    image: busybox\n    command: echo ${UNSET_ONE}\n' >compose.yaml
    run berth compose config
    [ "$status" -eq 0 ]
    says 'UNSET_ONE' 'is not set'
}

@test "files that are missing" {
    refused "$WEB    env_file: missing.env\n" 4 'missing.env' 'not found'
    printf 'A=1\nthis is no assignment\n' >bad.env
    printf '%b' "$WEB    env_file: bad.env\n" >compose.yaml
    fails_with 1 berth compose up -d
    says 'bad.env:2:' 'this is no assignment' '^'
    printf '%bsecrets:\n  token: {file: ./nofile}\n' "$WEB    secrets: [token]\n" >compose.yaml
    fails_with 1 berth compose up -d
    says 'nofile'
    printf 'services:\n  web:\n    build: ./nodir\n' >compose.yaml
    fails_with 1 berth compose up -d
    says 'nodir'
    fails_with 1 berth compose -f other.yaml up -d
    says 'other.yaml'
    rm compose.yaml
    fails_with 1 berth compose up -d
    says 'compose.yaml'
    [ -z "$(berth ps -aq)" ]
}

@test "the same thing twice" {
    refused 'services:\n  web:\n    image: busybox\n  web:\n    image: other\n' 4 'web'
    refused 'services:\n  web:\n    image: busybox\n    image: other\n' 4 'image'
    printf 'services:\n  a:\n    image: busybox\n    container_name: same\n    command: sleep 1000\n  b:\n    image: busybox\n    container_name: same\n    command: sleep 1000\n' >compose.yaml
    fails_with 1 berth compose up -d
    says 'same'
    printf '%b    ports: ["127.0.0.1:18094:80"]\n    command: sleep 1000\n  two:\n    image: busybox\n    command: sleep 1000\n    ports: ["127.0.0.1:18094:80"]\n' "$WEB" >compose.yaml
    fails_with 1 berth compose up -d
    says '18094'
}

@test "an image that is nowhere, a service that is unknown" {
    printf 'services:\n  web:\n    image: 127.0.0.1:1/nothere:1\n' >compose.yaml
    fails_with 1 berth compose up -d
    says '127.0.0.1:1/nothere:1' 'web'
    [ -z "$(berth ps -aq)" ]
    printf "$WEB" >compose.yaml
    fails_with 1 berth compose up -d wbe
    says 'wbe' 'web'
    fails_with 1 berth compose exec web true
    says 'web' 'not running'
    fails_with 1 berth compose logs nobody
    says 'nobody'
    fails_with 1 berth compose upp
    says 'up'
}

@test "a service that fails to start is named, with the reason and the exit code of compose" {
    printf 'services:\n  web:\n    image: busybox\n    command: [nosuchprogram]\n' >compose.yaml
    fails_with 1 berth compose up -d
    says 'web' 'nosuchprogram' 'not found'
    printf 'services:\n  web:\n    image: busybox\n    command: ["false"]\n  late:\n    image: busybox\n    depends_on: {web: {condition: service_completed_successfully}}\n' >compose.yaml
    fails_with 1 berth compose up -d
    says 'web' 'exited (1)' 'berth logs'
    printf 'services:\n  web:\n    image: busybox\n    command: sleep 1000\n    healthcheck: {test: [CMD, "false"], interval: 100ms, retries: 2}\n' >compose.yaml
    fails_with 1 berth compose up -d --wait
    says 'web' 'unhealthy'
}
