#!/usr/bin/env bats
# Who a process is: users, groups, capabilities, socket families, and what of the engine others on the host can reach. Images say
# one thing and mean another; the oracle is the process's own status and the host's modes.
load ../lib/hostile

setup_file() {
    shared_engine_start --debug
    local folder=$BATS_FILE_TMPDIR/accounts
    mkdir "$folder"
    cc -O2 -Wall -Wextra -Werror -static -o "$folder/inside" "$HOSTILE/inside.c"
    cat >"$folder/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
0:x:1234:1234:a name that is a number:/:/bin/sh
1000:x:0:0:another:/:/bin/sh
app:x:1001:1001:app:/home/app:/bin/sh
big:x:4294967296:0:beyond:/:/bin/sh
last:x:4294967295:0:none:/:/bin/sh
minus:x:-1:0:below:/:/bin/sh
empty:x::0:nothing:/:/bin/sh
far:x:7:4294967297:group beyond:/:/bin/sh
END
    printf 'root:x:0:\napp:x:1001:\ngrp:x:2000:app\nother:x:2001:root,app,x\nbig:x:4294967296:app\n0:x:77:\n' >"$folder/group"
    # The group may not read what everyone else may.
    printf 'FROM busybox\nCOPY passwd group /etc/\nCOPY inside /bin/\nRUN echo treasure >/secret && chown 0:2000 /secret && chmod 607 /secret\n' >"$folder/Dockerfile"
    berth build -q -t accounts "$folder" >/dev/null
}
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    export BERTH_DOCKER_DEFAULTS=1
    cd "$BATS_TEST_TMPDIR"
    make_canary
}
teardown() {
    remove_containers && canary_unchanged && rm -rf "$CANARY" && audit_data && still_works
}

# user, and the uid it is; "-" for one that must be refused
users='0 0
1 1
1000 1000
01000 1000
4294967294 4294967294
2147483648 2147483648
app 1001
app:grp 1001
1000:0 1000
1: 1
-1 -
+1 -
4294967295 -
4294967296 -
18446744073709551616 -
99999999999999999999999 -
0x0 -
1.0 -
1e3 -
big -
last -
minus -
empty -
far -
nobody-here -
app:nothing -
app:big -
1000:4294967296 -
1000:-1 -
../root -'

# is_user HOW USER UID: the last output is that uid, or the command failed.
is_user() {
    if [ "$3" = - ]; then
        [ "$status" -ne 0 ] || complain "$1: user '$2' is taken for somebody" || return 1
    else
        [ "$status" -eq 0 ] && [ "$(tail -n 1 <<<"$output")" = "$3" ] || complain "$1: user '$2' should be $3" || return 1
    fi
}
# CVE-2016-3697, CVE-2024-40635, CVE-2026-46680, CVE-2026-30892
@test "a user is the number or the name it says, or nobody" {
    berth run -d --name box accounts sleep 1000 >/dev/null
    local user uid
    while read -r user uid; do
        run timeout 20 berth run --rm --network none -u "$user" accounts id -u
        is_user run "$user" "$uid"
        run timeout 20 berth exec -u "$user" box id -u
        is_user exec "$user" "$uid"
        printf 'FROM accounts\nUSER %s\n' "$user" >Dockerfile
        if berth build -q -t named . >/dev/null 2>&1; then
            run timeout 20 berth run --rm --network none named id -u
            is_user image "$user" "$uid"
        fi
        printf 'FROM accounts\nUSER %s\nRUN echo "uid $(id -u)"; test "$(id -u)" = %s\n' "$user" "$uid" >Dockerfile
        run timeout 60 berth build --no-cache -q .
        { [ "$uid" = - ] && [ "$status" -ne 0 ]; } || { [ "$uid" != - ] && [ "$status" -eq 0 ]; } || complain "build: user '$user'"
    done <<<"$users"
    # With blanks around it, it is no number.
    for user in '1 ' ' 1' $'1\n' $'0\t'; do
        run timeout 20 berth run --rm --network none -u "$user" accounts id -u
        [ "$status" -ne 0 ] || [ "$output" = 1 ] || complain "user '$user'"
    done
    berth rmi named >/dev/null 2>&1 || true
    berth image prune -f >/dev/null
}

# CVE-2026-30892
@test "the runtime's own exec is who it was told to be" {
    local bundle=$BATS_TEST_TMPDIR/bundle text uid
    mkdir -p "$bundle/rootfs"
    berth create --name tree accounts x >/dev/null
    berth export tree | tar -x -C "$bundle/rootfs"
    berth-runtime spec --bundle "$bundle"
    jq '.process.terminal = false | .process.args = ["sleep", "1000"]' "$bundle/config.json" >new && mv new "$bundle/config.json"
    berth-runtime --root "$PWD/state" run --detach --bundle "$bundle" attack-identity </dev/null >/dev/null 2>&1 3>&-
    while read -r text uid; do
        run timeout 20 berth-runtime --root "$PWD/state" exec --user "$text" attack-identity id -u
        is_user 'runtime exec' "$text" "$uid"
    done <<<'0 0
1 1
1000 1000
1:5 1
4294967294 4294967294
-1 -
4294967295 -
4294967296 -
0x0 -
1.5 -
app -
1:-1 -
1:4294967296 -'
    berth-runtime --root "$PWD/state" delete --force attack-identity
}

# CVE-2022-36109, CVE-2022-2989, CVE-2023-25173
@test "members of a group are denied what the group is denied" {
    berth run -d --name box --health-cmd 'grep Groups /proc/self/status >/tmp/new && mv /tmp/new /tmp/groups' --health-interval 1s -u app accounts sleep 1000 >/dev/null
    local how
    for how in "run --rm --network none -u app accounts" "run --rm --network none -u 1001 accounts" "exec box" "exec -u app box" "exec -u 1001 box"; do
        run berth $how cat /secret
        [ "$status" -ne 0 ] && [[ $output != *treasure* ]] || complain "$how"
        [ "$(berth $how grep Groups /proc/self/status | cut -f2 | xargs)" = "1001 2000 2001" ] || complain "$how: $(berth $how id)"
    done
    until_true 30 berth exec box test -s /tmp/groups
    [ "$(berth exec box cut -f2 /tmp/groups | xargs)" = "1001 2000 2001" ]
    # Another user is not a member, and one that is given a group has that.
    [ "$(berth run --rm --network none -u 5 accounts cat /secret)" = treasure ]
    [ "$(berth run --rm --network none -u 5:9 accounts grep Groups /proc/self/status | cut -f2 | xargs)" = 9 ]
    [ "$(berth run --rm --network none -u 5 --group-add 2000 accounts sh -c 'cat /secret 2>&1' | grep -c denied)" = 1 ]
    printf 'FROM accounts\nUSER app\nRUN if cat /secret; then exit 1; fi; test "$(grep Groups /proc/self/status | cut -f2 | xargs)" = "1001 2000 2001"\n' >Dockerfile
    berth build -q --no-cache . >/dev/null
    berth image prune -f >/dev/null
}

# CVE-2022-24769 and the others of that week
@test "no process inherits capabilities, and none that is not root has some" {
    local how
    berth run -d --name box --health-cmd 'grep Cap /proc/self/status >/tmp/new && mv /tmp/new /tmp/caps' --health-interval 1s --cap-add NET_ADMIN accounts sleep 1000 >/dev/null
    for how in "run --rm --network none accounts" "run --rm --network none -u app accounts" "run --rm --network none --cap-add SYS_ADMIN accounts" \
        "run --rm --network none --cap-add ALL -u app accounts" "run --rm --network none --privileged accounts" "run --rm --network none --privileged -u app accounts" \
        "run --rm --network none --userns auto accounts" "exec box" "exec -u app box" "exec --privileged box" "exec --privileged -u app box"; do
        berth $how grep Cap /proc/self/status >caps
        [ "$(awk '/CapInh|CapAmb/ {print $2}' caps | sort -u)" = 0000000000000000 ] || { cat caps; complain "$how"; }
        [[ $how != *'-u app'* || $how == *exec*privileged* ]] || [ "$(awk '/CapEff|CapPrm/ {print $2}' caps | sort -u)" = 0000000000000000 ] || { cat caps; complain "$how"; }
    done
    until_true 30 berth exec box test -s /tmp/caps
    [ "$(berth exec box awk '/CapInh|CapAmb/ {print $2}' /tmp/caps | sort -u)" = 0000000000000000 ]
    printf 'FROM accounts\nRUN test "$(awk "/CapInh|CapAmb/ {print \\$2}" /proc/self/status | sort -u)" = 0000000000000000\nUSER app\nRUN test "$(awk "/CapInh|CapAmb|CapPrm|CapEff/ {print \\$2}" /proc/self/status | sort -u)" = 0000000000000000\n' >Dockerfile
    berth build -q --no-cache . >/dev/null
    berth image prune -f >/dev/null
}

# CVE-2026-47262, CVE-2025-4437, CVE-2024-9676
@test "account files that are no files, or have no end" {
    local kind plant name before after
    before=$(awk '/VmRSS/ {print $2}' "/proc/$BERTH_ENGINE_PID/status")
    for kind in fifo zero host loop folder sparse groups; do
        case $kind in
            # Whoever opens the other end of a FIFO is noticed.
            fifo) plant='for f in passwd group; do rm /etc/$f; mknod /etc/$f p; (echo x >/etc/$f; touch /opened) & done' ;;
            zero) plant='for f in passwd group; do rm /etc/$f; mknod /etc/$f c 1 5; done' ;;
            host) plant="rm /etc/passwd; ln -s $CANARY/victim /etc/passwd; rm /etc/group; ln -s ../../../../../../etc/shadow /etc/group" ;;
            loop) plant='for f in passwd group; do rm /etc/$f; ln -s $f /etc/$f; done' ;;
            folder) plant='for f in passwd group; do rm /etc/$f; mkdir /etc/$f; done' ;;
            sparse) plant='truncate -s 100G /etc/passwd; truncate -s 100G /etc/group' ;;
            groups) plant='rm /etc/group; i=0; while [ $i -lt 200000 ]; do echo "g$i:x:$i:app"; i=$((i+1)); done >/etc/group' ;;
        esac
        berth run -d --name "box-$kind" accounts sh -c "$plant; touch /planted; exec sleep 1000" >/dev/null
        until_true 60 sh -c "berth cp box-$kind:/planted - >/dev/null 2>&1"
        for name in app 1001 0; do
            run timeout 20 berth exec -u "$name" "box-$kind" id -u
            [ "$status" -lt 124 ] || [ "$status" -gt 125 ] || complain "$kind: exec as $name hangs"
            [[ $output != *precious* && $output != *'root:$'* ]] || complain "$kind: exec as $name tells of the host"
        done
        echo x >file
        timeout 20 berth cp -a file "box-$kind:/file" >/dev/null 2>&1 || [ $? -ne 124 ]
        berth stop -t 0 "box-$kind" >/dev/null
        timeout 20 berth start "box-$kind" >/dev/null 2>&1 || [ $? -ne 124 ]
        berth stop -t 0 "box-$kind" >/dev/null 2>&1 || true
        if berth cp "box-$kind:/opened" - >/dev/null 2>&1; then complain "$kind: was opened" || return 1; fi
        berth rm -f "box-$kind" >/dev/null
    done
    after=$(awk '/VmHWM/ {print $2}' "/proc/$BERTH_ENGINE_PID/status")
    echo "# memory $before kB before, $after kB at most" >&3
    [ "$((after - before))" -lt 250000 ]
}

# What is opened, though it is no regular file, may act on that: a watchdog starts, a tape rewinds, a FIFO lets its writer go on.
@test "the engine opens no special file of a container" {
    cat >plant.sh <<'END'
for f in /bin/program /etc/ssl/certs/ca-certificates.crt /etc/passwd /etc/group /files/fifo /etc/hosts.d; do
    mkdir -p "${f%/*}"; rm -rf "$f"; mknod "$f" p; chmod 755 "$f"
    (echo x >"$f"; echo "$f" >>/opened) &
done
touch /planted
exec sleep 1000
END
    berth create --name box --host-ca accounts sh /plant.sh >/dev/null
    berth cp plant.sh box:/plant.sh
    berth start box >/dev/null
    until_true 10 sh -c 'berth cp box:/planted - >/dev/null 2>&1'
    timeout 20 berth exec -u app box true >/dev/null 2>&1 || [ $? -ne 124 ]
    timeout 20 berth cp box:/etc - >/dev/null || [ $? -ne 124 ]
    timeout 20 berth cp box:/files/fifo - >/dev/null || [ $? -ne 124 ]
    timeout 20 berth cp -a plant.sh box:/copied >/dev/null 2>&1 || [ $? -ne 124 ]
    timeout 60 berth export box >/dev/null || [ $? -ne 124 ]
    timeout 60 berth commit box fifos >/dev/null || [ $? -ne 124 ]
    timeout 20 berth diff box >/dev/null || [ $? -ne 124 ]
    if berth cp box:/opened - 2>/dev/null | tar -xO; then return 1; fi
    # A program that is a FIFO is not started, and not read to tell why.
    run timeout 20 berth run --rm --network none fifos program
    [ "$status" -ne 124 ] && [ "$status" -ne 0 ]
    run timeout 20 berth run --rm --network none -u app fifos true
    [ "$status" -ne 124 ]
    berth rm -f box >/dev/null
    berth rmi fifos >/dev/null
}

# CVE-2022-4318
@test "nothing that is asked for adds a line to a file of the container's" {
    berth run --rm --network none busybox cat /etc/hosts >plain
    local request answer id
    api() { curl -sS --max-time 20 --unix-socket "${BERTH_HOST#unix://}" -H 'Content-Type: application/json' "$@"; }
    for request in '{"Image":"busybox","Cmd":["cat","/etc/hosts","/etc/resolv.conf","/etc/hostname"],"Hostname":"a\n6.6.6.6 evil"}' \
        '{"Image":"busybox","Cmd":["cat","/etc/hosts"],"Domainname":"a\n6.6.6.6 evil"}' \
        '{"Image":"busybox","Cmd":["cat","/etc/hosts"],"HostConfig":{"ExtraHosts":["a:1.2.3.4\n6.6.6.6 evil"]}}' \
        '{"Image":"busybox","Cmd":["cat","/etc/hosts"],"HostConfig":{"ExtraHosts":["a\n6.6.6.6 evil:1.2.3.4"]}}' \
        '{"Image":"busybox","Cmd":["cat","/etc/resolv.conf"],"HostConfig":{"Dns":["1.2.3.4\nnameserver 6.6.6.6"]}}' \
        '{"Image":"busybox","Cmd":["cat","/etc/resolv.conf"],"HostConfig":{"DnsSearch":["a\nnameserver 6.6.6.6"]}}' \
        '{"Image":"busybox","Cmd":["cat","/etc/resolv.conf"],"HostConfig":{"DnsOptions":["a\nnameserver 6.6.6.6"]}}'; do
        answer=$(api -X POST -d "$request" http://x/containers/create)
        id=$(jq -r '.Id // empty' <<<"$answer")
        [ -n "$id" ] || { [[ $answer == *'control character'* ]] || complain "$answer" || return 1; continue; }
        timeout 20 berth start -a "$id" >said 2>&1 || true
        if grep -E '^[[:space:]]*(nameserver )?6\.6\.6\.6' said; then complain "$request" || return 1; fi
        berth rm -f "$id" >/dev/null
    done
}

# CVE-2026-31431; a filter by "not this family" was got around by other ways to ask
@test "socket families that are not for everyone cannot be asked for, by whichever call" {
    berth run --rm --network none accounts inside sockets >asked
    # UNSPEC UNIX INET INET6 NETLINK PACKET RDS CAN TIPC BLUETOOTH SMC XDP
    awk '$1 != "socketcall" && $2 !~ /^(0|1|2|10|16|17|21|29|30|31|43|44)$/' asked >beyond
    cat beyond
    [ ! -s beyond ]
    grep -qx 'socket 2 1' asked
    grep -qx 'socket 1 1' asked
    grep -qx 'socketpair 1 1' asked
    # The same for programs that enter, and in a build.
    berth run -d --name box accounts sleep 1000 >/dev/null
    berth exec box inside sockets >entered
    diff asked entered
    printf 'FROM accounts\nRUN inside sockets >/asked\n' >Dockerfile
    berth build -q --no-cache --network none -t built . >/dev/null
    berth run --rm built cat /asked >built
    diff asked built
    berth rmi built >/dev/null
}

# CVE-2026-123876: the call that a filter cannot look into. Docker and podman leave it to AppArmor and SELinux, too.
@test "a 32-bit program has sockets, and strict takes away the call that hides their family" {
    [ "$(uname -m)" = x86_64 ] || skip 'no i386 here'
    cc -m32 -nostdlib -static -fno-pic -no-pie -fno-stack-protector -O1 -Wall -o i386 "$HOSTILE/i386.c" || skip 'no compiler for i386 here'
    printf 'FROM accounts\nCOPY i386 /bin/i386\n' >Dockerfile
    berth build -q -t small . >/dev/null
    # asked FLAG...: what became of families by socket(2) and by socketcall(2); EPERM is 1, ENOSYS 38, and 97 a kernel that was asked.
    asked() {
        berth run --rm --network none "$@" small sh -c 'for how in d m p; do for family in 1 2 38 40; do i386 $how $family; echo "$how$family=$?"; done; done' |
            sed 's/=97$/=asked/; s/=0$/=asked/; s/=9[0-9]$/=asked/' | paste -sd' '
    }
    [ "$(asked)" = 'd1=asked d2=asked d38=1 d40=1 m1=asked m2=asked m38=asked m40=asked p1=asked p2=asked p38=asked p40=asked' ] || complain "$(asked)"
    local strict='d1=asked d2=asked d38=1 d40=1 m1=38 m2=38 m38=38 m40=38 p1=38 p2=38 p38=38 p40=38'
    [ "$(asked --security-opt seccomp=strict)" = "$strict" ] || complain "$(asked --security-opt seccomp=strict)"
    # A profile of one's own can do the same; it is the same for programs that enter.
    echo '{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}],
        "syscalls": [{"names": ["socketcall"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}' >profile.json
    [[ "$(asked --security-opt seccomp=profile.json)" == 'd1=asked d2=asked d38=asked '*' m1=38 m2=38 m38=38 m40=38 '* ]]
    berth run -d --name box --security-opt seccomp=strict small sleep 1000 >/dev/null
    run berth exec box i386 m 38
    [ "$status" -eq 38 ]
    # The rest is the default profile.
    berth run --rm --network none --security-opt seccomp=strict accounts inside sockets | grep -v ^socketcall >strict
    berth run --rm --network none accounts inside sockets | grep -v ^socketcall | diff strict -
    berth rm -f box >/dev/null
    berth rmi small >/dev/null
}

# CVE-2020-13401, CVE-2020-10749
@test "router advertisements of a container configure nobody" {
    local network
    berth network create four >/dev/null
    berth network create --ipv6 --subnet fd00:77::/64 six >/dev/null
    for network in four six; do
        berth run -d --name "victim-$network" --network "$network" accounts sleep 1000 >/dev/null
        { ip -6 route; ip -6 -o addr; } | sed 's/ *expires.*//' | sort >before
        berth run --rm --network "$network" --cap-add NET_RAW accounts inside advertise eth0 >sent
        [ "$network" = four ] || grep -qx 'sent 5' sent
        sleep 1
        { ip -6 route; ip -6 -o addr; } | sed 's/ *expires.*//' | sort >after
        if grep 2001:db8:bad after; then return 1; fi
        run berth exec "victim-$network" sh -c 'ip -6 addr; ip -6 route'
        [[ $output != *2001:db8:bad* ]] || complain "a neighbour on $network was configured"
        berth rm -f "victim-$network" >/dev/null
        berth network rm "$network" >/dev/null
    done
}

# CVE-2021-21284, CVE-2021-41091, CVE-2021-41103, CVE-2024-25621
@test "users of the host reach nothing below the engine's folders" {
    command -v setpriv >/dev/null || skip "setpriv is not installed"
    local folder
    berth run -d --name box -v kept:/kept accounts sh -c 'cp /bin/busybox /planted; chmod 4755 /planted; cp /planted /kept/; echo ok >/kept/done; exec sleep 1000' >/dev/null
    until_true 10 berth exec box test -e /kept/done
    chmod 755 "$BERTH_TEST_DIR"
    as_user() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }
    as_user find "$BERTH_TEST_DIR/data" "$BERTH_TEST_DIR/run" -mindepth 1 >reached 2>/dev/null || true
    cat reached
    # By names that are known, too.
    as_user sh -c "cat /proc/$(berth inspect -f '{{.State.Pid}}' box)/root/planted >/dev/null" 2>/dev/null && return 1
    for folder in "$(berth volume inspect -f '{{.Mountpoint}}' kept)" "$BERTH_TEST_DIR"/data/containers/*/upper; do
        if as_user ls "$folder" 2>/dev/null; then complain "$folder" || return 1; fi
        if as_user "$folder/planted" id 2>/dev/null; then complain "$folder: setuid" || return 1; fi
    done
    # Names of the folders that hold the socket, and nothing in them.
    [ -z "$(grep -vE "^$BERTH_TEST_DIR/run/[a-z.]+$" reached)" ]
    if as_user curl -s --max-time 5 --unix-socket "${BERTH_HOST#unix://}" http://x/_ping; then return 1; fi
    chmod 700 "$BERTH_TEST_DIR"
    berth rm -f box >/dev/null
    berth volume rm kept >/dev/null
}

# CVE-2020-15257, CVE-2025-9074
@test "a container on the host's network finds no socket of the engine" {
    berth run -d --name other -p 127.0.0.1:5499:80 accounts sleep 1000 >/dev/null
    [ -z "$(berth run --rm --network host accounts sh -c "awk '\$8 ~ /^@/ {print}' /proc/net/unix")" ]
    # The one listener is the port that was published, if it has one at all.
    [ -z "$(berth run --rm --network host accounts netstat -ltn | awk 'NR > 2 {print $4}' | grep -v ':5499$')" ]
    [ "$(stat -c '%a' "${BERTH_HOST#unix://}")" = 660 ]
    run timeout 10 berthd --data-root "$PWD/other" --exec-root "$PWD/run" -H tcp://127.0.0.1:5498
    [ "$status" -ne 0 ] && [ "$status" -ne 124 ]
}

# CVE-2019-13509, CVE-2021-3602, CVE-2025-0495
@test "secrets are in no log, no image and no file that stays" {
    local secret=canary-of-a-secret
    mkdir -p "$DOCKER_CONFIG"
    echo "$secret-build" >file
    printf 'FROM accounts\nRUN --mount=type=secret,id=s cat /run/secrets/s | wc -c; env\n' >Dockerfile
    berth build --no-cache --progress plain --secret id=s,src=file -t built . >said 2>&1
    berth history --no-trunc built >>said
    berth save built >image.tar
    berth run -d --name box -e "TOKEN=$secret-run" accounts sleep 1000 >/dev/null
    berth exec -e "TOKEN=$secret-exec" box true
    echo "$secret-login" | timeout 20 berth login -u alice --password-stdin 127.0.0.1:1 >>said 2>&1 || true
    curl -s --max-time 20 --unix-socket "${BERTH_HOST#unix://}" -X POST -H "X-Registry-Auth: $(printf '{"username":"a","password":"%s-pull"}' "$secret" | base64 -w0)" \
        'http://x/images/create?fromImage=127.0.0.1:1/x&tag=1' >>said
    if grep -a "$secret" said image.tar; then return 1; fi
    if grep -ra "$secret" "$BERTH_TEST_DIR/engine.log" "$BERTH_TEST_DIR/run"; then return 1; fi
    # A container's own settings are kept for it, and nothing else is kept.
    berth rm -f box >/dev/null
    berth rmi built >/dev/null
    # What was removed is unlinked in the background.
    no_secret_stays() { ! grep -ra -- "$secret-\(build\|exec\|login\|pull\)" "$BERTH_TEST_DIR/data"; }
    until_true 20 no_secret_stays
    rm -f "$DOCKER_CONFIG/config.json"
}
