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
    [ -z "$(mode_of)" ]
    berth_engine_halt
    berth_engine_start --default-userns-mode auto
    [ "$(mode_of)" = auto ]
    [ "$(mode_of --userns host)" = host ]
    [ "$(mode_of --cap-add NET_ADMIN --cap-add cap_kill)" = auto ]
    for flags in --privileged "--network host" "--pid host" "--cap-add SYS_ADMIN" "--device /dev/null"; do
        [ -z "$(mode_of $flags)" ]
    done
    berth run -d --name donor busybox sleep 1000 >/dev/null
    [ "$(root_of donor)" -ge 2147483648 ]
    [ "$(berth run --rm --network container:donor busybox cat /proc/self/uid_map | awk '{print $2, $3}')" = "0 4294967295" ]
    printf 'FROM busybox\nRUN echo built >/file\n' | berth build -q -t built - >/dev/null
    [ "$(berth run --rm built stat -c %u:%g /file)" = 0:0 ]
}
