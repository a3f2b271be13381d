# Berth's engine and command under the names dockerd and docker, with dockerd's flags and its configuration file.
bats_require_minimum_version 1.5.0
load helpers

setup() {
    peers_begin
    mkdir "$BERTH_TEST_DIR/bin"
    ln -s "$BERTH_BIN/berthd" "$BERTH_TEST_DIR/bin/dockerd"
    ln -s "$BERTH_BIN/berth" "$BERTH_TEST_DIR/bin/docker"
    export DOCKER_HOST=unix://$BERTH_TEST_DIR/d.sock BERTH_HOST=unix://$BERTH_TEST_DIR/d.sock DOCKER_CONFIG=$BERTH_TEST_DIR/config
    mkdir "$DOCKER_CONFIG"
}

teardown() {
    berth_engine_stop
    berth_audit
}

# Starts it as dockerd with the usual flags and those given.
as_dockerd() {
    "$BERTH_TEST_DIR/bin/dockerd" --data-root "$BERTH_TEST_DIR/data" --exec-root "$BERTH_TEST_DIR/run" -H "$DOCKER_HOST" \
        --cgroup-parent "$BERTH_CGROUP" "$@" >"$BERTH_TEST_DIR/engine.log" 2>&1 3>&- &
    BERTH_ENGINE_PID=$!
    wait_until "$DEBIAN_DOCKER" version || { cat "$BERTH_TEST_DIR/engine.log"; return 1; }
}

@test "dockerd: every usual flag is taken, and those with a meaning have it" {
    as_dockerd -p "$BERTH_TEST_DIR/pid" --insecure-registry reg.test:5000 --registry-mirror https://mirror.test --log-level debug -D \
        --default-ulimit nofile=100:200 --log-driver json-file --log-opt max-size=1m --bip 10.66.0.1/24 \
        --default-address-pool base=10.67.0.0/16,size=24 --storage-driver overlay2 --live-restore --iptables=true --ip6tables=false \
        --userland-proxy=false --add-runtime x=/bin/true --exec-opt native.cgroupdriver=cgroupfs --label a=b --dns 192.0.2.1 \
        --dns-search example.test --mtu 1400 --icc=true --ip 127.0.0.1 --ip-forward=true --selinux-enabled=false \
        --max-concurrent-downloads 2 --max-concurrent-uploads=2 --shutdown-timeout 5 --default-shm-size 32m --group root
    [ "$(cat "$BERTH_TEST_DIR/pid")" = "$BERTH_ENGINE_PID" ]
    berth_busybox
    "$DEBIAN_DOCKER" info --format '{{json .}}' >"$BERTH_TEST_DIR/info"
    jq -e '.Debug and .Labels == ["a=b"] and .LoggingDriver == "json-file" and .LiveRestoreEnabled
        and .RegistryConfig.IndexConfigs["reg.test:5000"].Secure == false and (.RegistryConfig.Mirrors[0] | startswith("https://mirror.test"))' "$BERTH_TEST_DIR/info"
    run "$DEBIAN_DOCKER" run --rm busybox sh -c 'ulimit -n; ulimit -Hn; ip -4 -o addr show eth0 | grep -o "inet 10.66.0"; cat /sys/class/net/eth0/mtu
        df -k /dev/shm | tail -1 | awk "{print \$2}"; cat /etc/resolv.conf'
    [ "${lines[0]} ${lines[1]} ${lines[2]} ${lines[3]} ${lines[4]}" = '100 200 inet 10.66.0 1400 32768' ]
    [[ $output == *'example.test'* ]]
    "$DEBIAN_DOCKER" network create pooled
    [[ $("$DEBIAN_DOCKER" network inspect -f '{{(index .IPAM.Config 0).Subnet}}' pooled) == 10.67.*/24 ]]
    "$DEBIAN_DOCKER" run -d --name web -p 80 busybox sleep 1000
    [[ $("$DEBIAN_DOCKER" port web 80) == 127.0.0.1:* ]]
}

@test "dockerd: the configuration file means the same, and flag and file must not both say it" {
    cat >"$BERTH_TEST_DIR/daemon.json" <<'JSON'
{"debug": true, "labels": ["from=file"], "insecure-registries": ["reg.test:5000"], "log-driver": "json-file", "log-opts": {"max-size": "2m"},
 "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 100, "Hard": 200}}, "default-address-pools": [{"base": "10.68.0.0/16", "size": 24}],
 "exec-opts": ["native.cgroupdriver=cgroupfs"], "live-restore": true, "features": {"buildkit": false}, "userland-proxy": false,
 "storage-driver": "overlay2", "runtimes": {"x": {"path": "/bin/true"}}, "experimental": false, "iptables": true}
JSON
    as_dockerd --config-file "$BERTH_TEST_DIR/daemon.json"
    [ "$("$DEBIAN_DOCKER" info --format '{{json .Labels}} {{.Debug}}')" = '["from=file"] true' ]
    berth_busybox
    [ "$("$DEBIAN_DOCKER" run --rm --network none busybox sh -c 'ulimit -n')" = 100 ]
    run "$BERTH_TEST_DIR/bin/dockerd" --config-file "$BERTH_TEST_DIR/daemon.json" --label from=flag --debug --validate
    [ "$status" -eq 1 ]
    [[ $output == *'specified both as a flag and in the configuration file'* && $output == *labels* && $output == *debug* ]]
    echo '{"debgu": true}' >"$BERTH_TEST_DIR/wrong.json"
    run "$BERTH_TEST_DIR/bin/dockerd" --config-file "$BERTH_TEST_DIR/wrong.json" --validate
    [ "$status" -eq 1 ]
    [[ $output == *"debgu"* && $output == *"did you mean 'debug'"* ]]
    echo '{"debug": ' >"$BERTH_TEST_DIR/wrong.json"
    run "$BERTH_TEST_DIR/bin/dockerd" --config-file "$BERTH_TEST_DIR/wrong.json" --validate
    [ "$status" -eq 1 ]
    run "$BERTH_TEST_DIR/bin/dockerd" --config-file /nothere.json --validate
    [ "$status" -eq 1 ]
    run "$BERTH_TEST_DIR/bin/dockerd" --nonsense
    [ "$status" -eq 1 ]
    [[ $output == *'unknown flag: --nonsense'* ]]
}

@test "dockerd: without -H it listens where Docker does, and a second one on the same root is refused" {
    mkdir "$BERTH_TEST_DIR/keep-run"
    mount --bind "$BERTH_TEST_DIR/keep-run" /run
    DOCKER_HOST= BERTH_HOST= "$BERTH_TEST_DIR/bin/dockerd" --data-root "$BERTH_TEST_DIR/data" --exec-root "$BERTH_TEST_DIR/run" \
        --cgroup-parent "$BERTH_CGROUP" >"$BERTH_TEST_DIR/engine.log" 2>&1 3>&- &
    BERTH_ENGINE_PID=$!
    export DOCKER_HOST=unix:///run/docker.sock BERTH_HOST=unix:///run/docker.sock
    wait_until "$DEBIAN_DOCKER" version
    run "$BERTH_TEST_DIR/bin/dockerd" --data-root "$BERTH_TEST_DIR/data" --exec-root "$BERTH_TEST_DIR/run2" -H "unix://$BERTH_TEST_DIR/e.sock"
    [ "$status" -eq 1 ]
    [[ $output == *'another engine uses data root'* ]]
    berth_engine_stop
    umount /run
}

@test "docker: the link serves Docker's verbs, with Docker's words" {
    as_dockerd
    berth_busybox
    local docker=$BERTH_TEST_DIR/bin/docker
    [ "$($docker run --rm --network none busybox echo hi)" = hi ]
    [ "$($docker ps -q)" = '' ]
    [ "$($docker images --format '{{.Repository}}')" = busybox ]
    $docker --help | grep -q '^Usage:'
    $docker version --format '{{.Server.Version}}'
    run $docker run --rm --network none busybox sh -c 'exit 9'
    [ "$status" -eq 9 ]
}
