bats_require_minimum_version 1.5.0
load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }

@test "every command has help with an example" {
    check() {
        local text=$("$@" --help) word
        [[ "$text" == "Usage:  $*"* ]] || { echo "no help: $*"; return 1; }
        if grep -q '^Commands:' <<<"$text"; then
            for word in $(sed -n '/^\(Commands\|Groups\):/,/^$/p' <<<"$text" | awk '/^  /{print $1}'); do check "$@" "$word" || return 1; done
        else
            grep -q '^Example:' <<<"$text" || { echo "no example: $*"; return 1; }
        fi
    }
    check berth
}

@test "typing mistakes are named, and the nearest command or flag with them" {
    run berth rnu
    [ "$status" -eq 1 ]
    [[ "$output" == *"did you mean 'berth run'?"* ]]
    run berth ps --fromat x
    [ "$status" -eq 125 ]
    [[ "$output" == *"did you mean --format?"* ]]
    run berth network ct
    [ "$status" -eq 1 ]
    run berth stop
    [ "$status" -eq 1 ]
    [[ "$output" == *"at least 1 argument"* ]]
}

@test "a link named docker is the same command" {
    ln -s "$(command -v berth)" docker
    ./docker ps | grep -q 'CONTAINER ID'
}

@test "version, info, df and events answer" {
    [ "$(berth version --format '{{.Server.Version}}')" = "$(berth version --format '{{.Client.Version}}')" ]
    [ -n "$(berth info -f '{{.Driver}}')" ]
    berth system df | grep -q '^Build Cache'
    berth system df --format json | head -1 | jq -e '.Type == "Images"'
    berth run --rm --name seen busybox true
    berth events --since 1m --until 0s --filter container=seen | grep -q ' container start '
    [ "$(berth events --since 1m --until 0s --filter event=die --format '{{.Actor.Attributes.name}}' | tail -1)" = seen ]
}

@test "networks and volumes come and go" {
    berth network create --subnet 10.99.0.0/24 --label a=b back
    [ "$(berth network inspect -f '{{(index .IPAM.Config 0).Subnet}}' back)" = 10.99.0.0/24 ]
    berth run -d --name member --network back --network-alias db busybox sleep 600 >/dev/null
    [ "$(berth run --rm --network back --cap-add NET_RAW busybox ping -c 1 -W 20 db | grep -c '1 packets received')" = 1 ]
    run berth network rm back
    [ "$status" -eq 1 ]
    berth network disconnect back member
    berth network connect --ip 10.99.0.77 back member
    [ "$(berth inspect -f '{{.NetworkSettings.Networks.back.IPAddress}}' member)" = 10.99.0.77 ]
    berth rm -f member
    [ "$(berth network ls -q --filter label=a=b | wc -l)" = 1 ]
    berth network prune -f | grep -qx back
    berth volume create --label k=v data
    berth run --rm -v data:/d busybox sh -c 'echo kept >/d/f'
    [ "$(berth run --rm -v data:/d busybox cat /d/f)" = kept ]
    [ "$(berth volume ls -q --filter label=k=v)" = data ]
    berth volume rm data
    run berth volume inspect data
    [ "$status" -eq 1 ]
    [ "$(berth volume rm -f data)" = data ]
}

@test "prune asks before it removes, and never without anybody to answer" {
    run berth system prune </dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == *"--force"* ]]
    berth create --name stopped busybox true >/dev/null
    berth container prune -f | grep -q 'Deleted Containers'
    [ -z "$(berth ps -aq)" ]
}

@test "an engine that is not there is said so" {
    run berth -H unix:///nosuch/sock ps
    [ "$status" -eq 1 ]
    [[ "$output" == *"cannot connect to the engine at unix:///nosuch/sock"* ]]
    run berth -H ftp://x ps
    [ "$status" -eq 1 ]
}

@test "the engine starts by itself, once, and a failed start shows why" {
    run unshare --mount --pid --fork --mount-proc --kill-child bash -c '
        mount -t tmpfs none /run && mount -t tmpfs none /var/lib || exit 1
        unset BERTH_HOST DOCKER_HOST
        berth ps >/run/one & berth ps >/run/two & berth ps >/run/three
        wait
        grep -l "CONTAINER ID" /run/one /run/two /run/three | wc -l
        pgrep -xc berthd
        kill $(pgrep -x berthd)
        while pgrep -x berthd >/dev/null; do sleep 0.05; done
        rm -rf /var/lib/berth && touch /var/lib/berth
        berth ps'
    [ "${lines[0]}" = 3 ]
    [ "${lines[1]}" = 1 ]
    [ "$status" -eq 1 ]
    [[ "$output" == *"the engine did not start"* ]]
}
