bats_require_minimum_version 1.5.0
load helpers

# User namespaces, with an engine of each test's own.
setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    berth_engine_start
    berth_busybox >/dev/null
}
teardown() { berth_engine_stop; berth_audit; }

# The host's id behind root in a container.
root_of() { awk '/^Uid:/ {print $2}' "/proc/$(berth inspect -f '{{.State.Pid}}' "$1")/status"; }

@test "a container outlives its engine, and starts again under the next one" {
    berth run -d --name lasting --userns auto --restart always -v shared:/v busybox sh -c 'while sleep 0.1; do date >>/v/log; done' >/dev/null
    before=$(root_of lasting)
    berth_engine_kill
    berth_engine_start
    [ "$(root_of lasting)" = "$before" ]
    [ "$(berth exec lasting id -u)" = 0 ]
    kill -KILL "$(berth inspect -f '{{.State.Pid}}' lasting)"
    came_back() { [ "$(berth inspect -f '{{.RestartCount}} {{.State.Status}}' lasting)" = "1 running" ]; }
    until_true came_back
    [ "$(root_of lasting)" = "$before" ]
    berth restart -t 0 lasting >/dev/null
    [ "$(root_of lasting)" = "$before" ]
    berth run -d --name next --userns auto busybox sleep 1000 >/dev/null
    [ "$(root_of next)" -ne "$before" ]
}

@test "layers that are directories are mapped as well" {
    berth_engine_stop
    rm -rf "$BERTH_TEST_DIR/data"
    berth_engine_start --storage-driver directory
    berth_busybox >/dev/null
    berth run -d --name box --userns auto -w /made/here busybox sleep 1000 >/dev/null
    [ "$(berth exec box stat -c %u:%g / /bin/busybox /made | sort -u)" = 0:0 ]
    berth exec box sh -c 'echo mine >/root/file && chown 5:6 /root/file && rm /etc/group'
    [[ "$(berth diff box)" == *"D /etc/group"* ]]
    berth commit box kept >/dev/null
    [ "$(berth run --rm kept stat -c %u:%g /root/file)" = 5:6 ]
    berth stop -t 0 box >/dev/null
    [ "$(berth cp box:/root/file - | tar -tv --numeric-owner | awk '{print $2}')" = 5/6 ]
}

@test "as a default it is for those whom it suits" {
    mode_of() { berth inspect -f '{{.HostConfig.UsernsMode}}' "$(berth create "$@" busybox true)"; }
    # The engine sees what was mounted before it started.
    berth_engine_halt
    mkdir -p folder outer/inner
    mount -t tmpfs below outer/inner
    berth_engine_start
    [ "$(mode_of)" = auto ]
    [ "$(mode_of --userns host)" = host ]
    [ "$(mode_of --cap-add NET_ADMIN --cap-add cap_kill -u 65535:0 --sysctl net.ipv4.ip_forward=1)" = auto ]
    [ "$(mode_of -v "$PWD/folder:/f" -v named:/n -v /anonymous --tmpfs /t)" = auto ]
    berth volume create --opt type=tmpfs --opt device=tmpfs special >/dev/null
    for flags in --privileged "--network host" "--pid host" "--cap-add SYS_ADMIN" "--device /dev/null" "--cap-add MKNOD" \
        "-u 65536" "-u 0:70000" "--group-add 65536" "--sysctl kernel.shmmni=4000" "--security-opt systempaths=unconfined" \
        "-v /run:/r" "-v ${BERTH_HOST#unix://}:/engine.sock" "-v $PWD/outer:/outer" "-v special:/s" \
        "-v $PWD/folder:/f:rslave" "--device-cgroup-rule=c~1:3~r"; do
        [ -z "$(mode_of ${flags//\~/ })" ] || { echo "$flags" >&2; false; }
    done
    umount outer/inner
    # Not for whoever asks for Docker's ways, or where the engine's settings say no.
    [ -z "$(mode_of_docker() { docker inspect -f '{{.HostConfig.UsernsMode}}' "$(docker create busybox true)"; }; mode_of_docker)" ]
    [ -z "$(berth inspect -f '{{.HostConfig.UsernsMode}}' "$(berth --docker-defaults create busybox true)")" ]
    berth_engine_halt
    berth_engine_start --default-userns-mode host
    [ -z "$(mode_of)" ]
    berth_engine_halt
    berth_engine_start --default-userns-mode auto
    [ "$(docker inspect -f '{{.HostConfig.UsernsMode}}' "$(docker create busybox true)")" = auto ]
    berth run -d --name donor busybox sleep 1000 >/dev/null
    [ "$(root_of donor)" -ge 2147483648 ]
    [ "$(berth run --rm --network container:donor busybox cat /proc/self/uid_map | awk '{print $2, $3}')" = "0 4294967295" ]
    printf 'FROM busybox\nRUN echo built >/file\n' | berth build -q -t built - >/dev/null
    [ "$(berth run --rm built stat -c %u:%g /file)" = 0:0 ]
}

@test "engines of one host never give the same ids, and enter what they have where the record was lost" {
    local second=$BERTH_TEST_DIR/second ids
    other() { BERTH_HOST=unix://$second/run/berth.sock "$BERTH_BIN/berth" "$@"; }
    start_other() {
        "$BERTH_BIN/berthd" --data-root "$second/data" --exec-root "$second/run" -H "unix://$second/run/berth.sock" \
            --cgroup-parent "$BERTH_CGROUP" >>"$BERTH_TEST_DIR/engine.log" 2>&1 3>&- &
        other_pid=$!
        other_is_up() { other version >/dev/null 2>&1; }
        until_true other_is_up
    }
    # The test's own record, so that it may be lost: both engines see it in this mount namespace.
    berth_engine_halt
    mkdir -p /var/lib/berth-ids "$second"
    mount -t tmpfs ids /var/lib/berth-ids
    berth_engine_start
    start_other
    berth save busybox | other load -q
    berth run -d --name one --userns auto busybox sleep 1000 >/dev/null
    berth run -d --name two --userns auto busybox sleep 1000 >/dev/null
    other run -d --name one --network none --userns auto busybox sleep 1000 >/dev/null
    ids="$(root_of one) $(root_of two) $(awk '/^Uid:/ {print $2}' "/proc/$(other inspect -f '{{.State.Pid}}' one)/status")"
    [ "$(tr ' ' '\n' <<<"$ids" | sort -u | wc -l)" -eq 3 ]
    [ "$(jq -r '.blocks[]' /var/lib/berth-ids/blocks.json | sort -u | wc -l)" -eq 2 ]
    local before
    before=$(jq -c .blocks /var/lib/berth-ids/blocks.json)
    berth_engine_halt
    rm /var/lib/berth-ids/blocks.json
    berth_engine_start
    kill -TERM "$other_pid" && wait "$other_pid"
    start_other
    [ "$(jq -c .blocks /var/lib/berth-ids/blocks.json)" = "$before" ]
    echo damaged >/var/lib/berth-ids/blocks.json
    other rm -f one >/dev/null
    kill -TERM "$other_pid" && wait "$other_pid"
    start_other
    run other run --rm --network none --userns auto busybox true
    [ "$status" -eq 125 ]
    [[ $output == *"remove /var/lib/berth-ids/blocks.json"* ]]
    # Who did not ask goes without, and is told.
    run other run --rm --network none busybox true
    [ "$status" -eq 0 ]
    [[ $output == *"without a user namespace of its own"*"blocks.json"* ]]
    kill -TERM "$other_pid" && wait "$other_pid"
    berth rm -f one two >/dev/null
    umount /var/lib/berth-ids
}
