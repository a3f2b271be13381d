#!/usr/bin/env bats
# Containers that attack the engine that starts, enters, copies and restarts them. The oracle is the host's: the canary tree, the
# null device, the engine's programs, its mounts. BERTH_ATTACK_ROUNDS is the number of rounds of each race, else 40.
# limit: 600
load ../lib/hostile

ROUNDS=${BERTH_ATTACK_ROUNDS:-40}
setup_file() {
    shared_engine_start
    cc -O2 -Wall -Wextra -Werror -static -o "$BATS_FILE_TMPDIR/inside" "$HOSTILE/inside.c"
    mkdir "$BATS_FILE_TMPDIR/tool"
    cp "$BATS_FILE_TMPDIR/inside" "$BATS_FILE_TMPDIR/tool/"
    # busybox with the attacker's tool.
    printf 'FROM busybox\nCOPY inside /bin/inside\n' >"$BATS_FILE_TMPDIR/tool/Dockerfile"
    berth build -q -t hostile "$BATS_FILE_TMPDIR/tool" >/dev/null
}
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    export BERTH_DOCKER_DEFAULTS=1
    cd "$BATS_TEST_TMPDIR"
    make_canary
    programs >"$BATS_TEST_TMPDIR/programs"
}
teardown() {
    remove_containers && berth volume prune -a -f >/dev/null && canary_unchanged && programs | diff "$BATS_TEST_TMPDIR/programs" - &&
        rm -rf "$CANARY" && audit_data && still_works
}
# The engine's programs, and the device that everyone shares.
programs() {
    sha256sum "$BERTH_BIN/berth" "$BERTH_BIN/berthd" "$BERTH_BIN/berth-shim" "$BERTH_BIN/berth-runtime"
    stat -c '%a %u:%g %n' /dev/null /dev/zero /dev/tty
    cat /proc/sys/kernel/core_pattern
}

# CVE-2021-25741, CVE-2017-1002101, CVE-2026-76061
@test "a part of a volume that another container swaps for a link to the host" {
    berth volume create shared >/dev/null
    berth run -d --name swapper -v shared:/s hostile sh -c "mkdir /s/part; echo inside >/s/part/victim; ln -s $CANARY /s/link
        exec inside swap /s/part /s/link" >/dev/null
    until_true 10 berth exec swapper test -L /s/link -o -L /s/part
    local round won=0
    for round in $(seq $((ROUNDS * 10))); do
        timeout 20 berth run --rm --network none --mount type=volume,src=shared,dst=/m,volume-subpath=part busybox \
            sh -c 'cat /m/victim; echo evil >/m/escaped' >seen 2>&1 || true
        if grep precious seen; then return 1; fi
        ! grep -q inside seen || won=$((won + 1))
        [ "$round" -lt "$ROUNDS" ] || [ "$won" -eq 0 ] || break
    done
    # Now and then it is the folder, and that works.
    [ "$won" -gt 0 ]
    # The same while a container is started again and again.
    berth rm -f swapper >/dev/null
    berth run --rm -v shared:/s busybox sh -c 'rm -rf /s/*; mkdir /s/part; echo inside >/s/part/victim' >/dev/null
    berth create --name again --network none --mount type=volume,src=shared,dst=/m,volume-subpath=part busybox cat /m/victim >/dev/null
    [ "$(berth start -a again)" = inside ]
    berth run --rm -v shared:/s busybox sh -c "rm -r /s/part; ln -s $CANARY /s/part"
    run timeout 20 berth start -a again
    [ "$status" -ne 0 ]
    [[ $output != *precious* ]]
}

@test "a part of a volume is what cp sees of a container that is stopped" {
    berth volume create parts >/dev/null
    berth run --rm -v parts:/v busybox sh -c "mkdir -p /v/a/b; echo outer >/v/file; echo inner >/v/a/b/file; ln -s / /v/a/up"
    berth create --name part --mount type=volume,src=parts,dst=/m,volume-subpath=a/b busybox sleep 100 >/dev/null
    [ "$(berth cp part:/m/file - | tar -xO)" = inner ]
    echo new >new
    berth cp new part:/m/new
    [ "$(berth run --rm -v parts:/v busybox sh -c 'ls /v /v/a/b')" = "$(printf '/v:\na\nfile\n\n/v/a/b:\nfile\nnew')" ]
    # A file, a part with a link on the way, a part that leads out.
    [ "$(berth run --rm --mount type=volume,src=parts,dst=/m,volume-subpath=file busybox cat /m)" = outer ]
    [ "$(berth run --rm --userns auto --mount type=volume,src=parts,dst=/m,volume-subpath=a/b busybox sh -c 'cat /m/file; stat -c %u /m/file' | paste -sd' ')" = "inner 0" ]
    local part
    for part in a/up/etc ../../etc /../.. a/up; do
        run berth run --rm --mount "type=volume,src=parts,dst=/m,volume-subpath=$part" busybox ls /m
        [ "$status" -ne 0 ] || [[ $output != *shadow* ]] || complain "subpath $part"
    done
}

# CVE-2015-3629: started again, a root is as hostile as any image.
@test "a container that planted links at every path that is written to, started again" {
    local target
    for target in "$CANARY" "../../../../../../..$CANARY" /nowhere /etc/hosts .; do
        berth run --name planter --init -v anonymous:/data/volume -w /work/dir --health-cmd 'echo x >/tmp/health' --health-interval 1s hostile sh -c "
            for d in etc sbin data work run var tmp root; do rm -rf /\$d /\$d.old 2>/dev/null; mv /\$d /\$d.old 2>/dev/null; ln -s '$target' /\$d 2>/dev/null; done
            rm -f /etc/mtab /.dockerenv; ln -s '$CANARY/victim' /.dockerenv; exit 0" >/dev/null 2>&1 || true
        timeout 30 berth start planter >/dev/null 2>&1 || true
        timeout 30 berth restart -t 0 planter >/dev/null 2>&1 || true
        timeout 30 berth cp "$BATS_FILE_TMPDIR/tool/Dockerfile" planter:/data/volume/escaped >/dev/null 2>&1 || true
        timeout 30 berth cp "$BATS_FILE_TMPDIR/tool/Dockerfile" planter:/work/dir/escaped >/dev/null 2>&1 || true
        timeout 30 berth cp planter:/etc/victim - >out.tar 2>/dev/null || true
        if grep -a precious out.tar; then return 1; fi
        timeout 30 berth commit planter planted >/dev/null
        timeout 30 berth run --rm --init --host-ca -t -v anonymous:/data/volume -w /work/other planted sh -c 'cat /etc/victim /data/victim; echo evil >/data/escaped; echo evil >/work/escaped' >said 2>&1 || true
        if grep precious said; then return 1; fi
        printf 'FROM planted\nWORKDIR /work/third\nCOPY Dockerfile /data/escaped\nRUN --mount=type=cache,target=/run/cache echo evil >/run/escaped; cat /etc/victim\n' >Dockerfile
        timeout 60 berth build --no-cache --progress plain . >said 2>&1 || true
        if grep precious said; then return 1; fi
        berth rm -f -v planter >/dev/null
        berth rmi planted >/dev/null
        canary_unchanged
    done
    berth image prune -f >/dev/null
}

# CVE-2024-21626, by every verb that takes a working directory, with descriptors that the caller leaked
@test "working directories behind descriptors of the host" {
    exec 20<"$CANARY" 21</ 22<"$CANARY/victim"
    berth run -d --name box busybox sleep 1000 >/dev/null
    local fd
    for fd in $(seq 3 30); do
        output=$(timeout 20 berth exec -w "/proc/self/fd/$fd" box sh -c 'cat ./victim ../victim ../../../../etc/shadow; pwd' 2>&1) || true
        [[ $output != *precious* && $output != *'root:$'* && $output != *'root:*'* ]] || complain "exec: $fd"
    done
    for fd in 3 4 5 6 7 8 9 10 11 12 20 21; do
        output=$(timeout 20 berth run --rm --network none -w "/proc/self/fd/$fd" busybox sh -c 'cat ./victim ../victim ../../../../etc/shadow; echo evil >./escaped' 2>&1) || true
        [[ $output != *precious* && $output != *'root:$'* && $output != *'root:*'* ]] || complain "run: $fd"
    done
    for fd in 3 7 8 9 20; do
        printf 'FROM busybox\nWORKDIR /proc/self/fd/%s\nRUN cat ./victim ../victim ../../../../etc/shadow; echo evil >./escaped; true\n' "$fd" >Dockerfile
        run timeout 60 berth build --no-cache --progress plain .
        [[ $output != *precious* && $output != *'root:$'* && $output != *'root:*'* ]] || complain "build: $fd"
    done
    exec 20<&- 21<&- 22<&-
}

@test "no stream of any kind of process is a device of the host's" {
    local change='for f in 0 1 2; do chmod 600 /proc/self/fd/$f; chown 7 /proc/self/fd/$f; done 2>/dev/null; chmod 600 /proc/keys /proc/interrupts 2>/dev/null; true'
    berth run --rm busybox sh -c "$change"
    berth run --rm -i busybox sh -c "$change" </dev/null
    berth run -d --name box --health-cmd "$change" --health-interval 1s busybox sleep 1000 >/dev/null
    berth exec box sh -c "$change"
    berth exec -d box sh -c "$change"
    until_true 10 sh -c '[ "$(berth inspect -f "{{.State.Health.Status}}" box)" != starting ]'
    printf 'FROM busybox\nRUN %s\n' "$change" >Dockerfile
    berth build -q --no-cache . >/dev/null
    programs | diff "$BATS_TEST_TMPDIR/programs" -
    berth image prune -f >/dev/null
}

# CVE-2019-5736 at every program that enters
@test "programs that enter a container cannot be written to" {
    berth run --name base hostile sh -c "printf '#!/proc/self/exe\n' >/bin/self; chmod +x /bin/self"
    berth commit base selfish >/dev/null
    run timeout 20 berth run --rm selfish /bin/self
    berth run -d --name box --health-cmd /bin/self --health-interval 1s selfish inside executables 600 >/dev/null
    local round
    for round in $(seq $((ROUNDS * 20))); do
        timeout 20 berth exec box /bin/self >/dev/null 2>&1 || true
        timeout 20 berth exec box true
        # As often as it takes the attacker to see one, and not less often than was asked for.
        [ "$round" -lt "$ROUNDS" ] || ! berth logs box | grep -q SEEN || break
    done
    berth logs box >seen
    grep -q SEEN seen
    if grep WRITABLE seen; then return 1; fi
    berth rm -f base box >/dev/null
    berth rmi selfish >/dev/null
}

# CVE-2016-9962 through the engine
@test "processes that enter are neither looked into nor attached to" {
    berth run -d --name box hostile inside newcomers 600 >/dev/null
    local round
    for round in $(seq $((ROUNDS * 20))); do
        timeout 20 berth exec box true
        [ "$round" -lt "$ROUNDS" ] || ! berth logs box | grep -q SEEN || break
    done
    berth logs box >seen
    grep -q SEEN seen
    if grep -E 'HOST|ATTACHED|DESCRIPTOR' seen; then return 1; fi
}

# CVE-2017-16539, CVE-2018-10892, CVE-2020-8694 and their like
@test "files of the kernel that root of a container can write to" {
    berth run --rm --network none hostile inside writable /proc /sys | sort >writable
    # Of its own process, namespace and cgroup only; and files that ask for a capability when written to.
    grep -vE '^/proc/(self|thread-self|net)/|^/proc/(pressure/(cpu|io|memory|irq))$' writable >beyond || true
    cat beyond
    [ ! -s beyond ]
    [ -z "$(berth run --rm --network none busybox sh -c 'cat /proc/keys /proc/timer_list /proc/interrupts /proc/kcore /proc/sched_debug /proc/latency_stats 2>/dev/null;
        for d in /proc/acpi /proc/scsi /proc/asound /sys/firmware /sys/devices/virtual/powercap; do ls -A $d 2>/dev/null; done
        find /sys/devices/system/cpu -path "*/thermal_throttle/*" 2>/dev/null' | tr -d '\0' | head -c 100)" ]
}

# CVE-2022-0492, CVE-2023-25809
@test "cgroups are out of reach, also from a user namespace of one's own" {
    run timeout 30 berth run --rm --network none hostile sh -c '
        for f in $(find /sys/fs/cgroup -name "release_agent" -o -name "cgroup.procs" -o -name "memory.limit_in_bytes" -o -name memory.max -o -name notify_on_release 2>/dev/null); do
            { echo 1 >$f; } 2>/dev/null && echo "WROTE $f"; done
        mkdir /c; mount -t cgroup -o memory none /c 2>/dev/null && echo MOUNTED; mount -t cgroup2 none /c 2>/dev/null && echo MOUNTED
        unshare -Urm sh -c "mount -t cgroup2 none /c || mount -t cgroup -o memory none /c" 2>/dev/null && echo MOUNTED; true'
    [ "$status" -eq 0 ]
    [[ $output != *WROTE* && $output != *MOUNTED* ]]
}

# GHSA-g54h-m393-cpwq
@test "of all devices there are, those that every container has" {
    berth run --rm --network none hostile inside devices /tmp | sort -u >opened
    # null zero full random urandom, tty console ptmx, terminals
    grep -vE '^c (1:(3|5|7|8|9)|5:(0|1|2)|136:[0-9]+)$' opened >beyond || true
    cat beyond
    [ ! -s beyond ]
    grep -qx 'c 1:3' opened
}

# CVE-2019-14271, CVE-2022-1227, CVE-2026-41567
@test "no program or library of a container is used by the engine" {
    mkdir trojan
    cat >trojan/evil <<'END'
#!/bin/busybox sh
echo "$0 $*" >>/escaped-trojan
END
    chmod +x trojan/evil
    head -c 100 /dev/urandom >trojan/library
    cat >trojan/Dockerfile <<'END'
FROM busybox
COPY evil /evil
COPY library /lib/evil.so
RUN for p in xz unpigz pigz gzip gunzip zstd bzip2 tar nsenter ps runc berth-shim berth-runtime newuidmap iptables git getent sh.real; do \
        mkdir -p /usr/bin /usr/sbin /usr/local/bin; for d in /usr/bin /usr/sbin /usr/local/bin; do cp /evil $d/$p; done; done; \
    for l in libnss_files.so.2 libnss_dns.so.2 libnss_compat.so.2 libc.so.6 libseccomp.so.2; do \
        mkdir -p /usr/lib/x86_64-linux-gnu; cp /lib/evil.so /lib/$l; cp /lib/evil.so /usr/lib/x86_64-linux-gnu/$l; done; \
    echo /lib/evil.so >/etc/ld.so.preload; echo 'passwd: evil' >/etc/nsswitch.conf
END
    berth build -q -t trojan trojan >/dev/null
    berth run -d --name box trojan /bin/busybox sleep 1000 >/dev/null
    tar -cJf archive.tar.xz trojan
    gzip -kc archive.tar.xz >archive.gz
    berth top box >/dev/null
    berth top box aux >/dev/null
    berth cp trojan/evil box:/tmp/x
    berth cp box:/etc - >/dev/null
    berth cp - box:/tmp <archive.tar.xz >/dev/null 2>&1 || true
    berth export box >/dev/null
    berth commit box committed >/dev/null
    berth diff box >/dev/null
    berth stats --no-stream box >/dev/null
    berth logs box
    berth stop -t 0 box >/dev/null
    berth cp box:/etc - >/dev/null
    berth cp trojan/evil box:/tmp/y
    berth cp box:/escaped-trojan - >/dev/null 2>&1 && return 1
    [ ! -e /escaped-trojan ]
    printf 'FROM trojan\nADD archive.tar.xz /x/\nADD archive.gz /y/\nCOPY --chown=nobody trojan /z/\n' >Dockerfile
    berth build -q --no-cache -t built . >/dev/null
    [ ! -e /escaped-trojan ]
    berth create --name second built x >/dev/null
    berth cp second:/escaped-trojan - >/dev/null 2>&1 && return 1
    berth rm -f box second >/dev/null
    berth rmi built committed trojan >/dev/null
}

# CVE-2018-15664, CVE-2026-42306: the folders that are exported change places with links meanwhile.
@test "export, cp of a folder, diff and commit of a container that swaps folders for links" {
    berth run -d --name swapper hostile sh -c "mkdir -p /s/real/deep; echo inside >/s/real/deep/victim; echo inside >/s/real/victim; ln -s $CANARY /s/link
        inside swap /s/real /s/link" >/dev/null
    until_true 10 berth exec swapper ls /s/link >/dev/null
    local round
    for round in $(seq "$ROUNDS"); do
        timeout 20 berth cp swapper:/s - >>out.tar 2>/dev/null || true
        timeout 20 berth cp swapper:/s/real/. - >>out.tar 2>/dev/null || true
        timeout 20 berth cp "$BATS_FILE_TMPDIR/tool" swapper:/s/real/deep >/dev/null 2>&1 || true
        timeout 20 berth diff swapper >>out.tar 2>/dev/null || true
    done
    # What is exchanged while it is read may end the reading.
    timeout 60 berth export swapper >>out.tar 2>/dev/null || true
    timeout 60 berth commit swapper swapped >/dev/null
    grep -qa inside out.tar
    if grep -qa precious out.tar; then return 1; fi
    [[ "$(berth run --rm swapped cat /s/link/victim /s/real/victim 2>&1)" != *precious* ]]
    berth rmi swapped >/dev/null
}
