bats_require_minimum_version 1.5.0
load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() {
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f -v $ids >/dev/null
}

# The host's id behind root in a container.
root_of() { awk '/^Uid:/ {print $2}' "/proc/$(berth inspect -f '{{.State.Pid}}' "$1")/status"; }

@test "root inside is nobody outside, and no two containers are the same" {
    berth run -d --name one --userns auto busybox sleep 1000 >/dev/null
    berth run -d --name two --userns auto busybox sleep 1000 >/dev/null
    [ "$(berth exec one id -u)" = 0 ]
    [ "$(root_of one)" -ge 2147483648 ]
    [ "$(root_of one)" -ne "$(root_of two)" ]
    [ "$(readlink "/proc/$(berth inspect -f '{{.State.Pid}}' one)/ns/user")" != "$(readlink /proc/self/ns/user)" ]
    [ "$(berth exec one cat /proc/self/uid_map | awk '{print $1, $3}')" = "0 65536" ]
    # Its network namespace belongs to it.
    [ "$(berth exec one cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" = 0 ]
    [ "$(docker inspect -f '{{.HostConfig.UsernsMode}}' one)" = auto ]
    # Its processes are shown with its own users.
    [ "$(berth top one -o uid,user,args | tail -1 | tr -s ' ')" = "0 root sleep 1000" ]
    berth exec one sh -c 'echo heard >/dev/stdout' | grep -x heard
    [ "$(berth run --rm --userns auto busybox sh -c 'echo heard >/dev/stdout')" = heard ]
    [ "$(berth run --rm --userns auto -u 5:6 busybox sh -c 'id -u; echo heard >/dev/stderr' 2>&1 | paste -sd' ')" = "5 heard" ]
    with_terminal berth run --rm -it --userns auto busybox sh -c "'test -t 0 && echo a terminal'" | grep 'a terminal'
    before=$(root_of one)
    berth restart -t 0 one >/dev/null
    [ "$(root_of one)" = "$before" ]
}

@test "the image's files are whose they are, and new ones stay so" {
    berth run -d --name box --userns auto -w /made/here busybox sleep 1000 >/dev/null
    [ "$(berth exec box stat -c %u:%g / /bin/busybox /etc/passwd /made /made/here /etc/hosts | sort -u)" = 0:0 ]
    berth exec box sh -c 'echo mine >/root/file; touch /root/other; chown 33:44 /root/other; echo x >>/etc/passwd; echo 1.2.3.4 far >>/etc/hosts'
    [ "$(berth exec box stat -c %u:%g /root/file /root/other | paste -sd' ')" = "0:0 33:44" ]
    # Copies out and in, of a running container and of one that is not.
    for round in running stopped; do
        [ "$(berth cp box:/root - | tar -tv --numeric-owner | awk '/other/ {print $2}')" = 33/44 ]
        echo new >"from-$round"
        berth cp "from-$round" box:/root/
        berth stop -t 0 box >/dev/null 2>&1
    done
    [[ "$(berth diff box)" == *"A /root/file"* ]]
    berth commit box kept >/dev/null
    berth start box >/dev/null
    [ "$(berth exec box stat -c %u:%g /root/from-running /root/from-stopped | sort -u)" = 0:0 ]
    [ "$(berth run --rm kept stat -c %u:%g /root/file /root/other | paste -sd' ')" = "0:0 33:44" ]
    [ "$(berth export box | tar -tv --numeric-owner | awk '$6 == "root/other" {print $2}')" = 33/44 ]
}

@test "volumes and binds are shared with containers that have none" {
    berth run --rm --userns auto -v shared:/v busybox sh -c 'echo x >/v/file; chown 7:8 /v/file'
    [ "$(berth run --rm -v shared:/v busybox stat -c %u:%g /v/file)" = 7:8 ]
    [ "$(berth run --rm --userns auto -v shared:/v busybox stat -c %u:%g /v /v/file | paste -sd' ')" = "0:0 7:8" ]
    # Files copied into a volume of a running container belong to its root, too.
    berth run -d --name holder --userns auto -v shared:/v busybox sleep 1000 >/dev/null
    touch copied && berth cp copied holder:/v/
    [ "$(berth exec holder stat -c %u:%g /v/copied)" = 0:0 ]
    [ "$(berth run --rm -v shared:/v busybox stat -c %u:%g /v/copied)" = 0:0 ]
    [ "$(berth run --rm --userns auto --mount type=image,source=busybox,target=/image busybox stat -c %u:%g /image/bin/busybox)" = 0:0 ]
    mkdir home && chown 1234:1234 home
    SUDO_UID=1234 SUDO_GID=1234 berth run --rm --userns auto -v "$PWD/home:/h" busybox touch /h/file
    [ "$(stat -c %u:%g home/file)" = 1234:1234 ]
}

@test "limits, privileges and names are as without" {
    [ "$(berth run --rm --userns auto --ulimit nofile=3000000:3000000 busybox sh -c 'ulimit -Hn')" = "$(berth run --rm --ulimit nofile=3000000:3000000 busybox sh -c 'ulimit -Hn')" ]
    [ "$(berth run --rm --userns auto --hostname box --sysctl net.ipv4.ip_forward=1 busybox sh -c 'hostname; cat /proc/sys/net/ipv4/ip_forward' | paste -sd' ')" = "box 1" ]
    [ "$(berth run --rm --userns auto --network none busybox sh -c 'ls /sys/class/net')" = lo ]
    [ "$(berth run --rm --userns auto --read-only --tmpfs /scratch:uid=3 busybox stat -c %u:%g /scratch)" = 3:0 ]
    [ "$(berth run --rm --userns auto --device /dev/null:/dev/other busybox sh -c 'echo x >/dev/other && echo written')" = written ]
    [ "$(berth run --rm --userns auto --memory 64m --pids-limit 20 busybox echo limited)" = limited ]
}

@test "users beyond the namespace are told so" {
    berth run -d --name box --userns auto busybox sleep 1000 >/dev/null
    run berth exec -u 65536 box true
    [ "$status" -eq 126 ]
    [[ $output == *"65536 has no place in the container's user namespace, which ends at 65535"*"--userns host"* ]]
    berth exec box sh -c 'echo far:x:70000:70000::/:/bin/sh >>/etc/passwd'
    run berth exec -u far box true
    [ "$status" -eq 126 ]
    printf 'FROM busybox\nRUN echo far:x:70000:0::/:/bin/sh >>/etc/passwd\nUSER far\n' | berth build -q -t far - >/dev/null
    run berth run --rm far true
    [ "$status" -eq 125 ]
    [[ $output == *"70000 has no place"* ]]
    [ "$(berth run --rm --userns host far id -u)" = 70000 ]
}

@test "what makes no sense together is refused" {
    for flags in "--privileged" "--network host" "--pid host" "--ipc host" "--uts host"; do
        run berth run --rm --userns auto $flags busybox true
        [ "$status" -eq 125 ]
        [[ "$output" == *"exclude each other"* ]]
    done
}
