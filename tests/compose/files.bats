#!/usr/bin/env bats
# What compose files may say, read without an engine: interpolation, several files, profiles, includes, and where a mistake is.

setup() {
    PROJECT=$BATS_TEST_TMPDIR/shop
    mkdir -p "$PROJECT"
    cd "$PROJECT"
}
value() { berth compose "${flags[@]}" config --format json | jq -r "$1"; }
flags=()

@test "interpolation: defaults, alternatives, nesting and escapes" {
    cat >compose.yaml <<'YAML'
services:
  web:
    image: busybox
    environment:
      UNSET_OR_EMPTY: "${EMPTY:-default}"
      UNSET: "${EMPTY-default}"
      MISSING: "${MISSING-default}"
      IF_SET_AND_FULL: "${EMPTY:+yes}"
      IF_SET: "${EMPTY+yes}"
      NESTED: "${MISSING:-${ALSO_MISSING:-inner}}"
      REQUIRED: "${GIVEN:?must be given}"
      PLAIN: $GIVEN
      ESCAPED: "$$HOME ${GIVEN}$$"
YAML
    export EMPTY='' GIVEN=given
    [ "$(value .services.web.environment.UNSET_OR_EMPTY)" = default ]
    [ "$(value .services.web.environment.UNSET)" = '' ]
    [ "$(value .services.web.environment.MISSING)" = default ]
    [ "$(value .services.web.environment.IF_SET_AND_FULL)" = '' ]
    [ "$(value .services.web.environment.IF_SET)" = yes ]
    [ "$(value .services.web.environment.NESTED)" = inner ]
    [ "$(value .services.web.environment.REQUIRED)" = given ]
    [ "$(value .services.web.environment.PLAIN)" = given ]
    # What config prints can be read again, so a dollar sign is written twice.
    [ "$(value .services.web.environment.ESCAPED)" = '$$HOME given$$' ]
    berth compose config >again.yaml
    [ "$(berth compose -f again.yaml config)" = "$(cat again.yaml)" ]
    unset GIVEN
    run berth compose config
    [ "$status" -ne 0 ]
    [[ $output == *'compose.yaml:11:'*'GIVEN'*'must be given'* ]]
}

@test ".env, --env-file and the shell: the shell wins" {
    printf 'services: {web: {image: "busybox:${TAG:-none}"}}\n' >compose.yaml
    [ "$(value .services.web.image)" = busybox:none ]
    echo TAG=file >.env
    [ "$(value .services.web.image)" = busybox:file ]
    echo TAG=other >other.env
    flags=(--env-file other.env)
    [ "$(value .services.web.image)" = busybox:other ]
    [ "$(TAG=shell value .services.web.image)" = busybox:shell ]
}

@test "env_file: several, an optional one, quotes; a missing one is told with its place" {
    cat >compose.yaml <<'YAML'
services:
  web:
    image: busybox
    env_file:
      - first.env
      - {path: absent.env, required: false}
      - second.env
    environment: {C: own}
YAML
    printf 'A=1\nB="two words"\nC=file\n# a comment\n' >first.env
    printf "A='\$literal'\n" >second.env
    [ "$(value .services.web.environment.B)" = 'two words' ]
    [ "$(value .services.web.environment.C)" = own ]
    rm second.env
    run berth compose config
    [ "$status" -ne 0 ]
    [[ $output == *second.env* ]]
}

@test "several files and the override file are merged" {
    printf 'services:\n  web: {image: "busybox:1", ports: ["80:80"], environment: {A: a, B: b}}\n' >compose.yaml
    printf 'services:\n  web: {image: "busybox:2", ports: ["81:81"], environment: [B=changed]}\n' >compose.override.yaml
    printf 'services:\n  web: {command: [top]}\n  extra: {image: busybox}\n' >more.yaml
    [ "$(value .services.web.image)" = busybox:2 ]
    [ "$(value '.services.web.ports | length')" = 2 ]
    [ "$(value .services.web.environment.A)" = a ]
    [ "$(value .services.web.environment.B)" = changed ]
    flags=(-f compose.yaml -f more.yaml)
    [ "$(value .services.web.image)" = busybox:1 ]
    [ "$(value '.services.web.command[0]')" = top ]
    [ "$(value '.services | keys | join(" ")')" = 'extra web' ]
}

@test "anchors, merge keys, x- fields, extends and include" {
    cat >compose.yaml <<'YAML'
x-common: &common
  image: busybox
  environment: &env {A: a}
include: [parts/cache.yaml]
services:
  web:
    <<: *common
    x-note: ignored
  worker:
    extends: web
    environment: {<<: *env, B: b}
  job:
    extends: {file: parts/base.yaml, service: base}
YAML
    mkdir parts
    printf 'services: {cache: {image: busybox, volumes: ["./data:/data"]}}\n' >parts/cache.yaml
    printf 'services: {base: {image: busybox, command: [job]}}\n' >parts/base.yaml
    [ "$(value .services.web.environment.A)" = a ]
    [ "$(value '.services.worker.environment | "\(.A)\(.B)"')" = ab ]
    [ "$(value '.services.job.command[0]')" = job ]
    [ "$(value '.services.cache.volumes[0].source')" = "$PROJECT/parts/data" ]
}

@test "profiles: a service without an active one is left out" {
    printf 'services:\n  web: {image: busybox}\n  admin: {image: busybox, profiles: [tools]}\n' >compose.yaml
    [ "$(berth compose config --services)" = web ]
    [ "$(berth compose --profile tools config --services | sort | tr '\n' ' ')" = 'admin web ' ]
    [ "$(COMPOSE_PROFILES=tools berth compose config --services | sort | tr '\n' ' ')" = 'admin web ' ]
    [ "$(berth compose config --profiles)" = tools ]
}

@test "lists: services, images and hashes" {
    printf 'services:\n  web: {image: "busybox:1"}\n  api: {build: api}\n' >compose.yaml
    [ "$(berth compose config --services | sort | tr '\n' ' ')" = 'api web ' ]
    [ "$(berth compose config --images | sort | tr '\n' ' ')" = 'busybox:1 shop-api ' ]
    [[ $(berth compose config --hash web) =~ ^web\ [0-9a-f]{64}$ ]]
}

@test "mistakes are shown with file, line, column and a caret" {
    printf 'services:\n  web:\n    image: busybox\n    comand: top\n' >compose.yaml
    run berth compose config
    [ "$status" -ne 0 ]
    [[ $output == *'compose.yaml:4:5'* ]]
    [[ $output == *'did you mean "command"'* ]]
    [[ $output == *'    comand: top'* ]]
    [[ $output == *^* ]]
    printf 'services:\n  web: {image: busybox, depends_on: [db]}\n' >compose.yaml
    run berth compose config
    [[ $output == *compose.yaml:2:*'"db"'* ]]
    printf 'services:\n  web: {image: busybox, depends_on: [db]}\n  db: {image: busybox, depends_on: [web]}\n' >compose.yaml
    run berth compose config
    [ "$status" -ne 0 ]
    [[ $output == *circle* ]]
}
