# SIGHUP: the configuration file is read again.
load helpers

setup() {
    config=$(mktemp)
    echo '{"labels": ["stage=one"]}' >"$config"
    berth_engine_start --config-file "$config" --init
}
teardown() { berth_engine_stop; rm -f "$config"; berth_audit; }

reload() { # text of the file; until the engine has told what came of it
    local before
    before=$(grep -c 'reloaded' "$BERTH_TEST_DIR/engine.log" || true)
    printf '%s' "$1" >"$config"
    kill -HUP "$BERTH_ENGINE_PID"
    for _ in $(seq 1000); do
        [ "$(grep -c 'reloaded' "$BERTH_TEST_DIR/engine.log")" -gt "$before" ] && return 0
        sleep 0.02
    done
    return 1
}
info() { stock_docker info --format "$1"; }

@test "SIGHUP takes labels, debugging, mirrors and insecure registries, as docker info shows" {
    [ "$(info '{{json .Labels}} {{.Debug}}')" = '["stage=one"] false' ]
    since=$(date +%s.%N)
    reload '{"labels": ["stage=two"], "debug": true, "registry-mirrors": ["http://mirror.test:5000"], "insecure-registries": ["plain.test:5000"]}'
    [ "$(info '{{json .Labels}} {{.Debug}}')" = '["stage=two"] true' ]
    [[ "$(info '{{json .RegistryConfig.Mirrors}}')" == *mirror.test:5000* ]]
    [ "$(info '{{(index .RegistryConfig.IndexConfigs "plain.test:5000").Secure}}')" = false ]
    run stock_docker events --since "$since" --until "$(date +%s.%N)" --filter type=daemon --format '{{.Action}} {{.Actor.Attributes.labels}}'
    [ "$output" = 'reload ["stage=two"]' ]
    # A member that has gone takes its default again.
    reload '{}'
    [ "$(info '{{json .Labels}} {{.Debug}}')" = '[] false' ]
}

@test "SIGHUP with a mirror: the next pull asks it, with no restart" {
    berth_busybox
    "$BERTH_BIN/berth-registry" --addr 127.0.0.1:5055 --root "$BERTH_TEST_DIR/registry" 3>&- &
    registry=$!
    for _ in $(seq 100); do curl -fs http://127.0.0.1:5055/v2/ && break; sleep 0.05; done
    berth tag busybox 127.0.0.1:5055/library/mirrored:1
    berth push 127.0.0.1:5055/library/mirrored:1
    reload '{"registry-mirrors": ["http://127.0.0.1:5055"]}'
    berth pull mirrored:1
    berth run --rm mirrored:1 true
    kill $registry
    wait $registry || true
}

@test "SIGHUP with a broken file changes nothing, and a change that needs a restart is named" {
    reload '{"labels": ["stage=two"'
    grep 'configuration was not reloaded' "$BERTH_TEST_DIR/engine.log"
    reload '{"labels": ["stage=three"], "init": true}'
    [ "$(grep 'not reloaded' "$BERTH_TEST_DIR/engine.log" | grep -c 'both as a flag')" = 1 ]
    [ "$(info '{{json .Labels}}')" = '["stage=one"]' ]
    reload '{"labels": ["stage=four"], "mtu": 1400}'
    [ "$(info '{{json .Labels}}')" = '["stage=four"]' ]
    grep -q 'need a restart.*mtu' "$BERTH_TEST_DIR/engine.log"
    # Containers noticed nothing, nor did their engine.
    kill -0 "$BERTH_ENGINE_PID"
}
