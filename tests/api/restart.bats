load helpers

setup() { berth_engine_start; berth_busybox busybox:latest >/dev/null; }
teardown() { berth_engine_stop; berth_audit; }

@test "containers outlive an engine that is killed, and the next one knows them" {
    stock_docker run -d --name lasting busybox sh -c 'n=0; while :; do echo line $n; n=$((n+1)); sleep 0.1; done' >/dev/null
    pid=$(stock_docker inspect -f '{{.State.Pid}}' lasting)
    berth_engine_kill
    kill -0 "$pid"
    berth_engine_start
    [ "$(stock_docker inspect -f '{{.State.Status}} {{.State.Pid}}' lasting)" = "running $pid" ]
    [ "$(stock_docker exec lasting echo still)" = still ]
    [ "$(stock_docker logs lasting | head -n 1)" = "line 0" ]
    before=$(stock_docker logs lasting | wc -l)
    for _ in $(seq 100); do [ "$(stock_docker logs lasting | wc -l)" -gt "$before" ] && break; sleep 0.05; done
    [ "$(stock_docker logs lasting | wc -l)" -gt "$before" ]
    stock_docker stop -t 0 lasting
}

@test "a container with mounts of every type starts again under the next engine" {
    echo secret >"$BERTH_TEST_DIR/secret"
    stock_docker run --name mounted --mount "type=bind,source=$BERTH_TEST_DIR/secret,target=/secret,readonly" \
        --mount type=volume,source=kept,target=/kept --mount type=tmpfs,target=/scratch busybox cat /secret
    berth_engine_kill
    berth_engine_start
    [ "$(stock_docker start -a mounted)" = secret ]
}

@test "an exit while no engine runs is known to the next one" {
    stock_docker run -d --name short busybox sh -c 'sleep 2; exit 4' >/dev/null
    pid=$(stock_docker inspect -f '{{.State.Pid}}' short)
    berth_engine_kill
    kill -0 "$pid"
    timeout 30 bash -c "while kill -0 $pid; do sleep 0.05; done" 2>/dev/null
    berth_engine_start
    [ "$(stock_docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' short)" = "exited 4" ]
}

@test "a second engine on the same data root is refused" {
    run timeout 10 "$BERTH_BIN/berthd" --data-root "$BERTH_TEST_DIR/data" --exec-root "$BERTH_TEST_DIR/run2"
    [ "$status" -eq 1 ]
    [[ "$output" == *"another engine uses data root"* ]]
}

@test "SIGTERM ends the engine cleanly and leaves containers alone" {
    stock_docker run -d --name calm busybox sleep 60 >/dev/null
    pid=$(stock_docker inspect -f '{{.State.Pid}}' calm)
    kill -TERM "$BERTH_ENGINE_PID"
    wait "$BERTH_ENGINE_PID"
    [ ! -e "${BERTH_HOST#unix://}" ]
    kill -0 "$pid"
    berth_engine_start
}

@test "flags and daemon.json are checked" {
    run "$BERTH_BIN/berthd" --no-such-flag
    [ "$status" -eq 1 ]
    [[ "$output" == *"unknown flag: --no-such-flag"* ]]
    echo '{"debug":true,"data-root":"/x"}' >"$BERTH_TEST_DIR/good.json"
    run "$BERTH_BIN/berthd" --validate --config-file "$BERTH_TEST_DIR/good.json"
    [ "$status" -eq 0 ]
    [ "$output" = "configuration OK" ]
    echo '{"debg":true}' >"$BERTH_TEST_DIR/bad.json"
    run "$BERTH_BIN/berthd" --validate --config-file "$BERTH_TEST_DIR/bad.json"
    [ "$status" -eq 1 ]
    [[ "$output" == *"unknown key 'debg'"* && "$output" == *"did you mean 'debug'"* ]]
    run "$BERTH_BIN/berthd" -H tcp://127.0.0.1:2375 --validate
    [ "$status" -eq 1 ]
    [[ "$output" == *tlsverify* ]]
}

@test "the idle engine is small and quick to start" {
    # What a start takes of its own shows in the best of some: the machine may have other work.
    for try in $(seq 10); do
        berth_engine_halt
        berth_engine_start
        rss=$(awk '/VmRSS/ {print $2}' "/proc/$BERTH_ENGINE_PID/status")
        [ "$rss" -lt 30720 ]
        ready=$(grep -o 'ready_ms=[0-9]*' "$BERTH_TEST_DIR/engine.log" | tail -n 1 | cut -d= -f2)
        [ "$ready" -ge 300 ] || break
    done
    [ "$ready" -lt 300 ]
}

@test "the shim of a container that is quiet is small, again after it was asked for something" {
    stock_docker run -d --name quiet busybox sleep 1000 >/dev/null
    shim=$(ps -o ppid= -p "$(stock_docker inspect -f '{{.State.Pid}}' quiet)" | tr -d ' ')
    until_small() { timeout 30 bash -c "until [ \"\$(awk '/VmRSS/ {print \$2}' /proc/$shim/status)\" -lt 512 ]; do sleep 0.1; done"; }
    until_small
    stock_docker exec quiet true
    until_small
    [ "$(stock_docker exec quiet echo still)" = still ]
    stock_docker stop -t 0 quiet
}
