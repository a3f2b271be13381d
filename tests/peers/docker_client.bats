# The stock docker command at Berth's socket, Debian's and the newer one on PATH, step by step as at Debian's dockerd.
bats_require_minimum_version 1.5.0
load helpers

setup() {
    berth_engine_start
    busybox_root "$BERTH_TEST_DIR/busybox"
    tar -C "$BERTH_TEST_DIR/busybox" --owner=0 --group=0 --numeric-owner -cf "$BERTH_TEST_DIR/busybox.tar" .
}

teardown() {
    if [ -n "${DOCKERD_PID:-}" ]; then
        docker_peer ps -aq | xargs -r env DOCKER_HOST="unix://$BERTH_TEST_DIR/docker.sock" "$DEBIAN_DOCKER" rm -f >/dev/null
        dockerd_stop
    fi
    berth_engine_stop
    peers_unmount
    berth_audit
}

clients() { printf '%s\n' "$DEBIAN_DOCKER" "$(command -v docker)" | sort -u; }

# One step with the client and the engine under test. Ids, digests, times and sizes of the moment are made alike, and the
# streams come one after the other.
alike() {
    sed -E 's/[0-9a-f]{64}/ID/g; s/[0-9a-f]{12}([^0-9a-f]|$)/ID\1/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)/TIME/g
        s/(Less than a|About a|[0-9]+) (second|minute)s?( ago)?/TIME/g; s/ +/ /g; s/ $//' | tr -d '\0'
}
d() {
    local status=0
    printf -- '--- docker %s\n' "$*"
    timeout 60 "$CLIENT" -H "$ENGINE" "$@" </dev/null >"$BERTH_TEST_DIR/stdout" 2>"$BERTH_TEST_DIR/stderr" || status=$?
    alike <"$BERTH_TEST_DIR/stdout"
    alike <"$BERTH_TEST_DIR/stderr" | sed -E '/^Run .docker (run|create) --help/d; /^See .docker (run|create) --help/d; /^$/d; /^DEPRECATED/,/^$/d'
    printf 'exit %d\n' "$status"
}

# Signals are handled from then on.
been_up() { wait_until sh -c "[ \$('$CLIENT' -H $ENGINE logs lived | grep -c '^up') -ge $1 ]"; }
containers() {
    d run --rm busybox echo hi
    d run --rm busybox sh -c 'echo err >&2; exit 7'
    d run --name life -d -l a=b -e X=1 --hostname h busybox sh -c 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done'
    wait_until sh -c "'$CLIENT' -H $ENGINE logs life | grep up"
    d logs life
    d logs --tail 0 life
    d ps --format '{{.Names}}|{{.Image}}|{{.Command}}|{{.Status}}|{{.Ports}}|{{.Labels}}|{{.Mounts}}|{{.Networks}}|{{.State}}'
    d ps -a --filter label=a=b --format '{{.ID}} {{.Names}}'
    d exec life sh -c 'echo in; exit 5'
    d exec -u nobody -w /tmp -e A=b life sh -c 'id -u; pwd; echo $A $X'
    d exec life nothere | sed '/^exit/d' # 126 with Docker 20.10, 127 since
    d exec -d life touch /tmp/detached
    echo file >"$BERTH_TEST_DIR/file"
    d cp "$BERTH_TEST_DIR/file" life:/tmp/copied
    d cp life:/tmp/copied "$BERTH_TEST_DIR/back"
    d cp life:/nothere "$BERTH_TEST_DIR/back2" | sed '/rror/d' # one names the container, the other its id
    cat "$BERTH_TEST_DIR/back"
    d diff life | sort
    d top life -eo pid,comm | sed 's/[0-9]* //; /sleep/d' # the loop is sometimes in it
    d rename life lived
    d pause lived
    d ps --format '{{.Names}} {{.Status}}'
    d exec lived true
    d unpause lived
    d update --memory 64m --memory-swap 128m lived
    d inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.Config.Hostname}} {{json .Config.Labels}} {{.State.Status}}' lived
    d rm lived | sed '/rror/d' # reworded since
    d kill -s TERM lived
    d wait lived
    d start lived
    been_up 2
    d stop -t 5 lived
    d restart -t 1 lived
    been_up 3
    d port lived
    d stop lived
    d commit -m note lived committed:1
    d run --rm committed:1 cat /tmp/copied
    d inspect -f '{{.State.Status}} {{.State.ExitCode}}' lived
    d rm lived
    d rm lived
    d run --rm nothere:5000/nothere true | sed '/dial\|lookup/d; /nothere/d'
    d run --rm busybox nothere | sed '/rror/d'
    d run -d --name web -p 127.0.0.1:8093:80 -p 127.0.0.1:8094:81/udp busybox sleep 1000
    d port web | sort # an old client lists them in no order
    d port web 80
    d ps --format '{{.Ports}}'
    d run -d --name web busybox true
    d rm -f web
    d create --name made -it --entrypoint sh busybox -c 'exit 4'
    d start -a made
    d container prune -f | sed '/^Total/d'
    d rmi committed:1 | sort -u
    d logs nothere
    d inspect nothere
}

objects() {
    d network create --subnet 10.77.0.0/24 --gateway 10.77.0.1 --label k=v net1
    d network ls --filter name=net1 --format '{{.Name}} {{.Driver}} {{.Scope}}'
    d network inspect -f '{{.Name}} {{json .IPAM.Config}} {{json .Labels}} {{.Internal}} {{.EnableIPv6}}' net1
    d run -d --name one --network net1 --network-alias uno --ip 10.77.0.9 busybox sleep 1000
    d run --rm --network net1 busybox sh -c 'ping -c 1 -W 20 uno | head -1'
    d network rm net1 | sed '/rror/d'
    d network create net2
    d network connect --alias eins net2 one
    d inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}' one
    d network disconnect net2 one
    d network create net1
    d rm -f one
    d network rm net1 net2
    d network rm net1
    d network inspect nothere
    d network prune -f
    d volume create --label k=v vol1
    d volume create vol1
    d volume ls --format '{{.Name}} {{.Driver}}'
    d volume inspect -f '{{.Name}} {{.Driver}} {{json .Labels}} {{.Scope}}' vol1
    d run --rm -v vol1:/data busybox sh -c 'echo kept >/data/file'
    d run --rm -v vol1:/data:ro busybox sh -c 'cat /data/file; touch /data/x'
    d run -d --name user -v vol1:/data busybox sleep 1000
    d volume rm vol1
    d rm -f user
    d volume rm vol1
    d volume rm vol1
    d volume inspect nothere
    d tag busybox other:1
    d images --format '{{.Repository}}:{{.Tag}}' other
    d rmi other:1
    d rmi other:1
    d image inspect -f '{{json .Config.Cmd}} {{json .Config.Env}} {{.Os}} {{.RootFS.Type}} {{len .RootFS.Layers}}' busybox
    d history --format '{{.Comment}}' busybox
    d pull nothere/nothere:x | sed '/lookup\|dial\|connect/d; /rror\|^hint/d'
    d image prune -f
    d system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'
    d events --since 0s --until 0s
    d system prune -f
}

# Writes the transcript of $1 at dockerd and at Berth, and shows where they differ.
same_as_dockerd() {
    ENGINE=unix://$BERTH_TEST_DIR/docker.sock "$1" >"$BERTH_TEST_DIR/docker.txt" 2>&1
    dockerd_rest
    ENGINE=$BERTH_HOST "$1" >"$BERTH_TEST_DIR/berth.txt" 2>&1
    diff -u "$BERTH_TEST_DIR/docker.txt" "$BERTH_TEST_DIR/berth.txt"
}
dockerd_rest() { docker_peer system prune -f >/dev/null; }

begin() {
    dockerd_start
    docker_peer import -c 'CMD ["sh"]' -c 'ENV PATH=/bin' "$BERTH_TEST_DIR/busybox.tar" busybox:latest
    "$BERTH_BIN/berth" import -c 'CMD ["sh"]' -c 'ENV PATH=/bin' "$BERTH_TEST_DIR/busybox.tar" busybox:latest
}

@test "docker 20.10: containers answer as dockerd's do" {
    begin
    CLIENT=$DEBIAN_DOCKER same_as_dockerd containers
}

@test "docker on PATH: containers answer as dockerd's do" {
    begin
    CLIENT=$(command -v docker) same_as_dockerd containers
}

@test "docker: networks, volumes and images answer as dockerd's do" {
    begin
    for CLIENT in $(clients); do same_as_dockerd objects; done
}
