#!/usr/bin/env bats
# What an image, a volume or an id says of itself, taken for an order: labels, volumes, settings, names that become paths, texts that
# a terminal obeys. tests/attack/registry.bats has the fields of images; here is what acts on them, and what is written by them.
load ../lib/hostile

setup_file() {
    shared_engine_start
    local folder=$BATS_FILE_TMPDIR/steering
    mkdir "$folder"
    # The labels by which compose knows its own, those by which podman and systemd take orders, and ours.
    cat >"$folder/Dockerfile" <<'END'
FROM busybox
LABEL com.docker.compose.project=shop com.docker.compose.service=web com.docker.compose.container-number=1 \
      com.docker.compose.oneoff=False com.docker.compose.config-hash=0000 com.docker.compose.project.working_dir=/etc \
      com.docker.compose.project.config_files=/etc/shadow com.docker.compose.depends_on="" com.docker.compose.version=2.0 \
      org.berth.seccomp=unconfined berth.privileged=true com.docker.volume.anonymous="" \
      run.oci.handler=krun run.oci.hooks.stdout=/tmp/escaped io.podman.annotations.label=disable \
      org.systemd.property.ExecStartPre="'touch /tmp/escaped'" io.containers.autoupdate=registry PODMAN_SYSTEMD_UNIT=sshd.service
CMD ["sleep", "1000"]
END
    berth build -q -t steering "$folder" >/dev/null
}
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    export BERTH_DOCKER_DEFAULTS=1
    cd "$BATS_TEST_TMPDIR"
    make_canary
}
teardown() {
    remove_containers && berth volume prune -a -f >/dev/null && canary_unchanged && rm -rf "$CANARY" &&
        [ -z "$(find / /tmp /var/tmp /etc /root -maxdepth 1 -name 'escaped*' 2>/dev/null)" ] && audit_data && still_works
}
api() { curl -sS -g --path-as-is --max-time 20 --unix-socket "${BERTH_HOST#unix://}" -H 'Content-Type: application/json' "$@"; }

# CVE-2026-53488, CVE-2026-55887
@test "labels of an image make its containers no part of an application" {
    cat >compose.yaml <<'END'
name: shop
services:
  web:
    image: busybox
    command: sleep 1000
END
    berth run -d --name stranger steering >/dev/null
    # Not taken for the service that is wanted, not listed, not stopped and not removed with it.
    berth compose up -d >/dev/null 2>&1
    [ "$(berth inspect -f '{{.Config.Image}}' shop-web-1)" = busybox ]
    [ "$(berth compose ps -q | wc -l)" -eq 1 ]
    [[ "$(berth compose ls --format json 2>/dev/null)" != */etc/shadow* ]]
    berth compose down --remove-orphans -t 0 >/dev/null 2>&1
    [ "$(berth inspect -f '{{.State.Running}}' stranger)" = true ]
    # The image says what it says, and what a caller says of a container holds.
    [ "$(berth image inspect -f '{{index .Config.Labels "com.docker.compose.project"}}' steering)" = shop ]
    berth run -d --name labelled --label com.docker.compose.project=mine steering >/dev/null
    [ "$(berth inspect -f '{{index .Config.Labels "com.docker.compose.project"}}' labelled)" = mine ]
}

# CVE-2014-6408, CVE-2026-121885
@test "labels of an image are orders to nobody" {
    local how
    for how in "run --rm --network none" "run --rm --network none --userns auto"; do
        berth $how busybox grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status >plain
        berth $how steering grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status >steered
        diff plain steered
    done
    berth run -d --name box --restart always steering >/dev/null
    [ "$(berth inspect -f '{{.HostConfig.Privileged}}' box)" = false ]
    diff <(berth exec box cat /proc/self/status | grep -E '^(Cap|Seccomp:|NoNewPrivs)') plain
    printf 'FROM steering\nRUN grep -E "^(Cap|Seccomp:|NoNewPrivs)" /proc/self/status >/status\n' >Dockerfile
    berth build -q -t built . >/dev/null
    printf 'FROM busybox\nRUN grep -E "^(Cap|Seccomp:|NoNewPrivs)" /proc/self/status >/status\n' >Dockerfile
    berth build -q -t plain . >/dev/null
    diff <(berth run --rm built cat /status) <(berth run --rm plain cat /status)
    berth rmi built plain >/dev/null
}

# CVE-2022-23648: what is copied from the image into a new volume
@test "a volume is filled with the image's own files, and with nothing that they lead to" {
    cat >Dockerfile <<END
FROM busybox
RUN mkdir -p /v/sub && echo own >/v/own && ln -s $CANARY /v/door && ln -s $CANARY/victim /v/link && ln -s ../../../../../..$CANARY /v/up && mknod /v/pipe p \
    && mknod /v/memory c 1 1 && ln /v/own /v/hard && echo x >/v/setuid && chmod 4755 /v/setuid && ln -s /v /real && ln -s $CANARY /outside
VOLUME /v /real/sub /outside/inner
CMD ["sh", "-c", "cat /v/link /v/door/victim /v/up/victim; echo evil >/v/door/escaped; echo evil >/v/link; ls /v"]
END
    berth build -q -t filler . >/dev/null
    local round
    for round in 1 2; do
        run timeout 30 berth run --rm -v kept:/v filler
        [[ $output == *own* && $output != *precious* ]]
        canary_unchanged
    done
    # The next container with the volume, and the host's own look at it.
    run timeout 30 berth run --rm -v kept:/data busybox sh -c 'cat /data/link /data/door/victim; cat /data/own'
    [[ $output == *own* && $output != *precious* ]]
    timeout 30 berth run --rm -v kept:/data --mount type=volume,src=kept,dst=/part,volume-subpath=door busybox ls /part && return 1
    timeout 20 berth system df -v >/dev/null
    berth volume rm kept >/dev/null
    berth rmi filler >/dev/null
}

# CVE-2022-0811, CVE-2022-0532
@test "kernel parameters are those of the container's own namespaces, one each" {
    local before text
    cat /proc/sys/kernel/core_pattern >"$BATS_TEST_TMPDIR/pattern"
    before=$(cat /proc/sys/kernel/core_pattern /proc/sys/vm/swappiness /proc/sys/kernel/hostname /proc/sys/net/ipv4/ip_forward)
    for text in 'kernel.core_pattern=|/x' 'kernel/core_pattern=|/x' 'vm.swappiness=1' 'net/../kernel/core_pattern=|/x' 'net./../kernel/core_pattern=|/x' \
        'net.ipv4.ip_forward=1+kernel.core_pattern=|/x' $'net.ipv4.ip_forward=1\nkernel.core_pattern=|/x' 'net.ipv4/../../kernel/core_pattern=|/x' \
        'kernel.shm_rmid_forced=1 kernel.core_pattern=|/x' '../kernel/core_pattern=|/x' 'fs.mqueue.../../kernel/core_pattern=|/x' 'kernel.msg/../core_pattern=|/x' '=x' 'net.=x'; do
        timeout 20 berth run --rm --network none --sysctl "$text" busybox true >/dev/null 2>&1 || true
        timeout 20 berth run --rm --network none --privileged --sysctl "$text" busybox true >/dev/null 2>&1 || true
        [ "$(cat /proc/sys/kernel/core_pattern /proc/sys/vm/swappiness /proc/sys/kernel/hostname /proc/sys/net/ipv4/ip_forward)" = "$before" ] || { cat "$BATS_TEST_TMPDIR/pattern" >/proc/sys/kernel/core_pattern; complain "$text"; }
    done
    # A namespace that is the host's has the host's.
    run berth run --rm --network host --sysctl net.ipv4.ip_forward=1 busybox true
    [ "$status" -ne 0 ]
    run berth run --rm --network none --ipc host --sysctl kernel.shm_rmid_forced=1 busybox true
    [ "$status" -ne 0 ]
    [ "$(cat /proc/sys/kernel/shm_rmid_forced)" = 0 ]
}

# CVE-2024-5154, CVE-2022-4123, CVE-2026-94603: ids and names that would be paths
@test "an id or a name is never a path" {
    berth run -d --name box busybox sleep 1000 >/dev/null
    local name verb answer long
    long=$(printf 'a%.0s' $(seq 300))
    for name in '../../../../../../../etc' '..%2f..%2f..%2f..%2fetc' '%2e%2e' '..' '.' '/' "$long" 'box%00' 'box%0aX' '-box' "$CANARY" 'a/b' '*' '%'; do
        for verb in "GET /containers/$name/json" "DELETE /containers/$name?force=1" "POST /containers/$name/start" "GET /containers/$name/logs?stdout=1" \
            "GET /containers/$name/archive?path=/" "POST /containers/create?name=$name" "POST /containers/box/rename?name=$name" "GET /images/$name/json" \
            "DELETE /images/$name?force=1" "POST /images/busybox/tag?repo=$name" "GET /volumes/$name" "DELETE /volumes/$name?force=1" "GET /networks/$name" \
            "DELETE /networks/$name" "GET /exec/$name/json" "POST /exec/$name/start" "GET /distribution/$name/json" "POST /build/cancel?id=$name"; do
            api -o answer -X "${verb%% *}" -d '{"Image":"busybox"}' "http://x${verb#* }" >/dev/null 2>&1 || true
            if grep -aE 'precious|root:x:0' answer; then complain "$verb" || return 1; fi
            kill -0 "$BERTH_ENGINE_PID"
        done
        for verb in volumes networks; do
            api -o /dev/null -X POST -d "$(jq -cn --arg n "$name" '{Name: $n, Driver: (if $n == "" then "" else "local" end)}')" "http://x/$verb/create" || true
        done
    done
    canary_unchanged
    [ "$(berth inspect -f '{{.State.Running}}' box)" = true ]
    [ -z "$(berth volume ls -q | grep -E '/|\.\.|^.$')" ]
    [ "$(find "$BERTH_TEST_DIR/data/containers" -mindepth 1 -maxdepth 1 | grep -vcE '/[0-9a-f]{64}$')" = 0 ]
}

# CVE-2026-94603, CVE-2026-92574: there is no restoring, so an archive can steer none
@test "a checkpoint is neither taken nor given" {
    berth create --name box busybox true >/dev/null
    local answer
    for answer in "$(api -o /dev/null -w '%{http_code}' -X POST 'http://x/containers/box/start?checkpoint=../../x&checkpoint-dir=/etc')" \
        "$(api -o /dev/null -w '%{http_code}' -X POST -d '{"CheckpointID":"../../x","CheckpointDir":"/etc"}' http://x/containers/box/checkpoints)" \
        "$(api -o /dev/null -w '%{http_code}' -X GET 'http://x/containers/box/checkpoints?dir=/etc')"; do
        [ "$answer" -ge 400 ] || complain "$answer"
    done
}

# containerd 2.4.2: a log that is replaced while its container runs
@test "a log that became a link or a FIFO is not followed" {
    local kind log id
    for kind in link fifo; do
        id=$(berth run -d --name box --restart always busybox sh -c 'i=0; while [ $i -lt 200 ]; do echo line; i=$((i+1)); done; sleep 0.3')
        until_true 10 sh -c 'berth logs box | grep -q line'
        for log in $(find "$BERTH_TEST_DIR/data/containers/$id" -maxdepth 2 -type f -name '*log*'); do
            rm "$log"
            if [ "$kind" = link ]; then ln -s "$CANARY/victim" "$log"; else mkfifo "$log"; fi
        done
        # A log that cannot be written to may keep a container from being started.
        timeout 20 berth restart -t 0 box >/dev/null 2>&1 || [ $? -ne 124 ]
        sleep 1
        timeout 10 berth logs box >seen 2>&1 || [ $? -ne 124 ]
        if grep precious seen; then return 1; fi
        timeout 10 berth logs --tail 5 box >/dev/null 2>&1 || [ $? -ne 124 ]
        timeout 20 berth logs --clear box >/dev/null 2>&1 || [ $? -ne 124 ]
        timeout 20 berth rm -f box >/dev/null
        canary_unchanged
    done
}

# A terminal obeys what it is shown: titles, colours, keys that it types back.
@test "texts of images and processes reach no terminal with its control characters" {
    local escape=$'\033]0;title\007\033[31mred'
    berth create --name from busybox >/dev/null
    berth commit -m "message $escape" -a "author $escape" -c "LABEL note=\"$escape\"" -c "CMD [\"sh\", \"-c\", \"sleep 1000 # $(printf '\\u001b]0;title\\u0007')\"]" from loud >/dev/null
    berth run -d --name loud loud >/dev/null
    berth exec -d loud sh -c "exec -a '$escape' sleep 1000" || true
    local view
    for view in 'history --no-trunc loud' 'ps -a --no-trunc' 'images' 'top loud' 'inspect loud' 'image inspect loud' 'system df -v'; do
        timeout 20 berth $view >shown 2>&1 || true
        if grep -a $'\033' shown; then complain "berth $view" || return 1; fi
    done
    berth rm -f loud from >/dev/null
    berth rmi loud >/dev/null
}
