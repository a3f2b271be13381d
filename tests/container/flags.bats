bats_require_minimum_version 1.5.0
load helpers

setup_file() {
    # As on an ordinary host: what is mounted later shows in the engine's namespace, too.
    mount --make-rshared /
    start_engine
}
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() {
    rm -f /var/run/cdi/berth-test.json
    rmdir /var/run/cdi 2>/dev/null || true
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f -v $ids >/dev/null
}

@test "modes and limits that do not exist are refused as docker does" {
    for flags in "--pid private" "--ipc x" "--uts x" "--cgroupns x" "--userns x" "--oom-score-adj 2000" "--memory 1m" "--cpus 999" \
        "--cpuset-cpus 4000" "--blkio-weight 5" "--stop-signal NOPE" "--storage-opt size=1g" "--sysctl nonsense=1" \
        "--cap-add NOPE" "--security-opt nope=1" "--log-driver nope" "--device vendor.example/class=none" "--gpus all"; do
        run berth run --rm $flags busybox true
        echo "$flags: $status $output"
        [ "$status" -eq 125 ]
    done
    [ -z "$(berth ps -aq)" ]
}

@test "namespaces of another container are joined" {
    berth run -d --name donor --ipc shareable busybox sh -c 'echo hello >/dev/shm/note; sleep 1000' >/dev/null
    until_true berth exec donor test -s /dev/shm/note
    [ "$(berth run --rm --ipc container:donor busybox cat /dev/shm/note)" = hello ]
    [[ "$(berth run --rm --pid container:donor busybox ps -o args)" == *"sleep 1000"* ]]
    berth run -d --name private busybox sleep 1000 >/dev/null
    run berth run --rm --ipc container:private busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *"non-shareable IPC"* ]]
    [ "$(berth run --rm --uts host busybox hostname)" = "$(hostname)" ]
    [ "$(berth run --rm --pid host busybox readlink /proc/self/ns/pid)" = "$(readlink /proc/self/ns/pid)" ]
    run berth run --rm --ipc none busybox test -e /dev/shm
    [ "$status" -eq 1 ]
}

@test "an image is mounted read-only, whole or in part" {
    berth run -d --name user --mount type=image,src=busybox,dst=/image busybox sleep 1000 >/dev/null
    [ "$(berth exec user cat /image/etc/passwd)" = "$(berth exec user cat /etc/passwd)" ]
    run berth exec user touch /image/x
    [ "$status" -ne 0 ]
    berth restart -t 0 user >/dev/null
    berth exec user test -e /image/bin/busybox
    [ "$(berth run --rm --mount type=image,src=busybox,dst=/i,image-subpath=etc busybox ls /i | head -1)" = group ]
    run berth run --rm --mount type=image,src=nosuch,dst=/i --pull never busybox true
    [ "$status" -eq 125 ]
}

@test "an image that a container mounts is in use, and stays the one that it was" {
    printf 'FROM busybox\nRUN echo first >/which\n' | berth build -q -t data:1 - >/dev/null
    berth run -d --name user --mount type=image,src=data:1,dst=/image busybox sleep 1000 >/dev/null
    run berth rmi data:1
    [ "$status" -eq 1 ]
    [[ $output == *"container"* ]]
    berth image prune -af >/dev/null
    printf 'FROM busybox\nRUN echo second >/which\n' | berth build -q -t data:1 - >/dev/null
    berth image prune -f >/dev/null
    berth restart -t 0 user >/dev/null
    [ "$(berth exec user cat /image/which)" = first ]
    berth rm -f user >/dev/null
    berth rmi data:1 >/dev/null
    berth image prune -f >/dev/null
}

@test "bind mounts follow recursion, propagation and creation keys" {
    mkdir -p outer/inner
    mount -t tmpfs tmpfs outer/inner
    echo deep >outer/inner/file
    [ "$(berth run --rm --mount "type=bind,src=$PWD/outer,dst=/o" busybox cat /o/inner/file)" = deep ]
    run berth run --rm --mount "type=bind,src=$PWD/outer,dst=/o,bind-recursive=disabled" busybox cat /o/inner/file
    [ "$status" -eq 1 ] || { echo "$status: $output" >&2; false; }
    run berth run --rm --mount "type=bind,src=$PWD/outer,dst=/o,readonly" busybox touch /o/inner/x
    [ "$status" -eq 1 ] || { echo "$status: $output" >&2; false; }
    berth run --rm --mount "type=bind,src=$PWD/outer,dst=/o,readonly,bind-recursive=writable" busybox touch /o/inner/x
    umount outer/inner
    run berth run --rm --mount "type=bind,src=$PWD/otter,dst=/o" busybox true
    [[ "$output" == *"did you mean $PWD/outer?"* ]]
    berth run --rm --mount "type=bind,src=$PWD/made,dst=/o,bind-create-src" busybox touch /o/x
    [ -e made/x ]
}

@test "devices come by path, by rule and by CDI name" {
    [ "$(berth run --rm --device /dev/null:/dev/nothing:rw busybox sh -c 'echo x >/dev/nothing && stat -c %t:%T /dev/nothing')" = 1:3 ]
    run berth run --rm --device /nosuch busybox true
    [ "$status" -eq 125 ]
    mkdir -p /var/run/cdi
    cat >/var/run/cdi/berth-test.json <<'J'
{"cdiVersion":"0.6.0","kind":"berth-test.example/dev","devices":[{"name":"zero","containerEdits":{
  "env":["FROM_CDI=yes"],"deviceNodes":[{"path":"/dev/cdi0","hostPath":"/dev/zero"}],
  "mounts":[{"hostPath":"/etc","containerPath":"/host-etc","options":["ro"]}]}}]}
J
    [ "$(berth run --rm --device berth-test.example/dev=zero busybox sh -c 'echo $FROM_CDI; stat -c %t:%T /dev/cdi0; test -e /host-etc/hostname && echo mounted; head -c 3 /dev/cdi0 | wc -c' | paste -sd' ')" = "yes 1:5 mounted 3" ]
    run berth run --rm --device berth-test.example/dev=other busybox true
    [[ "$output" == *"unresolvable CDI devices berth-test.example/dev=other"* ]]
}

@test "limits, groups, kernel parameters and shared memory reach the process" {
    [ "$(berth run --rm --ulimit nofile=123:456 busybox sh -c 'ulimit -n; ulimit -Hn' | paste -sd' ')" = "123 456" ]
    [ "$(berth run --rm --sysctl net.core.somaxconn=77 busybox cat /proc/sys/net/core/somaxconn)" = 77 ]
    [ "$(berth run --rm --shm-size 2m busybox df -k /dev/shm | awk 'END {print $2}')" = 2048 ]
    [[ "$(berth run --rm --tmpfs /t:size=1m,mode=700 busybox sh -c 'df -k /t; stat -c %a /t')" == *1024*700* ]]
    [ "$(berth run --rm --group-add 77 -u 5 busybox id -G)" = "0 77" ]
    [ "$(berth run --rm --cap-drop ALL busybox grep CapEff /proc/self/status | cut -f2)" = 0000000000000000 ]
    [ "$(berth run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status | cut -f2)" = 1 ]
    [ "$(berth run --rm --security-opt seccomp=unconfined busybox grep 'Seccomp:' /proc/self/status | cut -f2)" = 0 ]
    run berth run --rm --read-only busybox touch /x
    [ "$status" -eq 1 ]
    printf 'a=1\n# comment\nb\n' >labels
    id=$(berth create --label-file labels busybox)
    [ "$(berth inspect -f '{{json .Config.Labels}}' $id)" = '{"a":"1"}' ]
}

@test "volumes of another container are taken over" {
    berth run --name data -v /data busybox sh -c 'echo kept >/data/file'
    [ "$(berth run --rm --volumes-from data busybox cat /data/file)" = kept ]
    run berth run --rm --volumes-from data:ro busybox touch /data/x
    [ "$status" -eq 1 ]
}

@test "logs are cleared, whether it runs or not" {
    berth run -d --name talker busybox sh -c 'echo one; read x; echo two; sleep 1000' >/dev/null
    until_true sh -c 'berth logs talker | grep -q one'
    berth logs --clear talker
    [ -z "$(berth logs talker)" ]
    berth stop -t 0 talker >/dev/null 2>&1
    berth logs --clear talker
    [ -z "$(berth logs talker)" ]
}

@test "what a container makes in a folder belongs to the caller" {
    mkdir home && chown 1234:1234 home
    SUDO_UID=1234 SUDO_GID=1234 berth run --rm -v "$PWD/home:/h" busybox sh -c 'echo x >/h/root; mkdir /h/d; touch /h/other; chown 33:33 /h/other; stat -c %u:%g /h /h/root /h/other' >seen
    [ "$(paste -sd' ' seen)" = "0:0 0:0 33:33" ]
    [ "$(stat -c %u:%g home/root home/d | sort -u)" = 1234:1234 ]
    [ "$(stat -c %u home/other)" -gt 65536 ]
    [ "$(SUDO_UID=1234 SUDO_GID=1234 berth run --rm -u 50 -v "$PWD/home:/h" busybox sh -c 'touch /h/fifty && stat -c %u /h/fifty')" = 50 ]
    [ "$(stat -c %u home/fifty)" = 1234 ]
    SUDO_UID=1234 SUDO_GID=1234 berth --docker-defaults run --rm -v "$PWD/home:/h" busybox touch /h/raw
    docker run --rm -v "$PWD/home:/h" busybox touch /h/compatible
    [ "$(stat -c %u home/raw home/compatible | sort -u)" = 0 ]
    # A file system that cannot map owners goes without.
    SUDO_UID=1234 SUDO_GID=1234 berth run --rm -v /proc/sys/kernel:/k:ro busybox cat /k/ostype
}

@test "what belongs to somebody else keeps its numbers, compose follows the same rules" {
    mkdir roots home && chown 1234:1234 home
    echo secret >roots/file && chmod 600 roots/file
    export SUDO_UID=1234 SUDO_GID=1234
    [ "$(berth run --rm -v "$PWD/roots:/r" busybox sh -c 'stat -c %u /r/file; cat /r/file' | paste -sd' ')" = "0 secret" ]
    docker_socket=${BERTH_HOST#unix://}
    [ "$(berth run --rm -v "$docker_socket:/s" busybox stat -c %u /s)" = 0 ]
    cat >compose.yaml <<'Y'
services:
  maker:
    image: busybox
    command: touch /h/made /new/made
    volumes: ["./home:/h", "./new:/new"]
Y
    berth compose up >/dev/null 2>&1
    [ "$(stat -c %u:%g home/made new new/made | sort -u)" = 1234:1234 ]
    berth compose down >/dev/null 2>&1
    unset SUDO_UID SUDO_GID
}

@test "a container with the API socket speaks to the engine with the user's logins" {
    folder=$(mktemp -d)
    export DOCKER_CONFIG=$folder
    inside=(--use-api-socket -e DOCKER_HOST=unix:///var/run/docker.sock -v "$BERTH_BIN/berth:/bin/berth:ro")
    # Without a login there is nothing to copy.
    berth create --name asking "${inside[@]}" busybox sh -c 'berth inspect -f "{{.Name}}" asking; ls /run/secrets/docker; echo $DOCKER_CONFIG' >/dev/null
    # Of the two streams either may come first.
    berth start -a asking >"$folder/out" 2>"$folder/err"
    [ "$(paste -sd' ' "$folder/out")" = "/asking /run/secrets/docker" ]
    [[ "$(cat "$folder/err")" == *"/run/secrets/docker: No such file"* ]]
    # One login in the file, one in a helper, and a setting that is nobody's business inside.
    printf '#!/bin/sh\necho %s\n' "'{\"Username\": \"helped\", \"Secret\": \"hush\"}'" >"$folder/docker-credential-test"
    chmod +x "$folder/docker-credential-test"
    printf '{"auths": {"one.test": {"auth": "%s"}}, "credHelpers": {"two.test": "test"}, "psFormat": "x"}' \
        "$(printf me:secret | base64)" >"$folder/config.json"
    PATH=$folder:$PATH berth run --name with_logins "${inside[@]}" busybox sh -c \
        'cat $DOCKER_CONFIG/config.json; stat -c " %a %u" $DOCKER_CONFIG/config.json' >"$folder/said"
    grep -q ' 600 0$' "$folder/said"
    sed 's/ 600 0$//' "$folder/said" | jq -S -c . >"$folder/logins"
    diff "$folder/logins" <(printf '{"auths":{"one.test":{"auth":"%s"},"two.test":{"auth":"%s"}}}\n' \
        "$(printf me:secret | base64)" "$(printf helped:hush | base64)")
    # What the user says himself wins.
    [ "$(berth run --rm "${inside[@]}" -e DOCKER_CONFIG=/mine busybox sh -c 'echo $DOCKER_CONFIG')" = /mine ]
    rm -r "$folder"
}

@test "what is left open is safer than Docker's, unless Docker's is asked for" {
    said='grep -E "^Cap(Eff|Bnd)" /proc/self/status | cut -f2 | sort -u; cat /proc/self/cgroup | head -1 | cut -d: -f3'
    [ "$(berth run --rm busybox sh -c "$said" | paste -sd' ')" = "00000000800405fb /" ]
    [ "$(berth run --rm --cap-add NET_RAW busybox sh -c "$said" | head -1)" = 00000000800425fb ]
    [ "$(berth run --rm busybox ping -c 1 127.0.0.1 2>&1 | tail -1)" = "ping: permission denied (are you root?)" ]
    berth run --rm --cap-add NET_RAW busybox ping -c 1 127.0.0.1 >/dev/null
    [ "$(docker run --rm busybox sh -c "$said" | head -1)" = 00000000a80425fb ]
    [ "$(berth --docker-defaults run --rm busybox sh -c "$said" | head -1)" = 00000000a80425fb ]
    [ "$(BERTH_DOCKER_DEFAULTS=1 berth run --rm busybox sh -c "$said" | head -1)" = 00000000a80425fb ]
    limit() { berth inspect -f '{{.HostConfig.PidsLimit}}' "$("$@" busybox true)"; }
    [ "$(limit berth create)" = 2048 ]
    [ "$(limit berth create --pids-limit 50)" = 50 ]
    [ "$(limit berth create --pids-limit -1)" = -1 ]
    [[ "$(limit docker create)" != 2048 ]]
    printf 'services: {one: {image: busybox, command: sleep 1000}}\n' >compose.yaml
    berth compose -p defaults up -d >/dev/null 2>&1
    [ "$(berth inspect -f '{{.HostConfig.PidsLimit}} {{.HostConfig.UsernsMode}}' defaults-one-1)" = "2048 auto" ]
    berth compose -p defaults down -t 0 >/dev/null 2>&1
}
