# Every form of the verbs that act on a container, each seen by what it does: mounts, security options, cp, logs, update, wait, exec,
# attach, commit. The flags of run are in every_flag.bats.
bats_require_minimum_version 1.5.0
load helpers

setup_file() {
    mount --make-rshared /
    start_engine
}
setup() { use_engine; wrong=0; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() {
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f -v $ids >/dev/null
    berth volume prune -a -f >/dev/null
}

# is WHAT GOT WANTED: a mismatch is told, and counted in $wrong. WANTED is a pattern.
is() {
    # shellcheck disable=SC2053
    [[ $2 == $3 ]] || { echo "$1: got '$2', wanted '$3'" && wrong=$((wrong + 1)); }
}
all_right() { [ "$wrong" -eq 0 ]; }
line_of() { "$@" 2>&1 | paste -sd' '; }
api() { curl -sS -g --max-time 20 --unix-socket "${BERTH_HOST#unix://}" "$@"; }
# group CONTAINER CONTROLLER V1-FILE V2-FILE: what a limit is, seen from the host.
group() {
    local path
    if [ -d "/sys/fs/cgroup/$2" ]; then
        path=$(awk -F: -v c="$2" '{n = split($2, parts, ","); for (i = 1; i <= n; ++i) if (parts[i] == c) print $3}' "/proc/$(berth inspect -f '{{.State.Pid}}' "$1")/cgroup")
        paste -sd' ' "/sys/fs/cgroup/$2$path/$3"
    else
        path=$(sed -n 's/^0:://p' "/proc/$(berth inspect -f '{{.State.Pid}}' "$1")/cgroup")
        paste -sd' ' "/sys/fs/cgroup$path/$4"
    fi
}
# v1_or_v2 VALUE VALUE: the first with controllers of their own.
v1_or_v2() { if [ -d /sys/fs/cgroup/memory ]; then echo "$1"; else echo "$2"; fi; }

@test "every key of --mount" {
    mkdir -p source/inner image
    echo host >source/file
    mount -t tmpfs inner source/inner
    local mountinfo='awk "\$5 == \"/m\" {for (i = 7; \$i != \"-\"; ++i) printf \"%s\", \$i}" /proc/self/mountinfo'
    for key in consistency=cached consistency=delegated bind-propagation=rprivate bind-propagation=private; do
        is "$key" "$(berth run --rm --mount "type=bind,source=$PWD/source,target=/m,$key" busybox sh -c "$mountinfo; cat /m/file")" host
    done
    for key in rshared shared; do
        is $key "$(berth run --rm --mount "type=bind,src=$PWD/source,destination=/m,bind-propagation=$key" busybox sh -c "$mountinfo")" 'shared:*'
    done
    for key in rslave slave; do
        is $key "$(berth run --rm --mount "type=bind,src=$PWD/source,dst=/m,bind-propagation=$key" busybox sh -c "$mountinfo")" 'master:*'
    done
    run berth run --rm --mount "type=bind,src=$PWD/source,dst=/m,bind-propagation=sideways" busybox true
    is 'bad propagation' "$status" 125
    is recursive "$(line_of berth run --rm --mount "type=bind,src=$PWD/source,dst=/m,ro,bind-recursive=readonly,bind-propagation=rprivate" busybox sh -c 'touch /m/inner/x || touch /m/x')" '*Read-only*Read-only*'
    umount source/inner
    is readonly "$(line_of berth run --rm --mount "type=bind,src=$PWD/source,dst=/m,readonly=true" busybox touch /m/x)" '*Read-only*'
    is 'readonly=false' "$(line_of berth run --rm --mount "type=bind,src=$PWD/source,dst=/m,readonly=false" busybox touch /m/x)" ''
    printf 'FROM busybox\nRUN mkdir /data && echo image >/data/file\n' | berth build -q -t filled - >/dev/null
    is copy-up "$(berth run --rm --mount type=volume,src=one,dst=/data filled ls /data)" file
    is nocopy "$(berth run --rm --mount type=volume,src=two,dst=/data,volume-nocopy=true filled ls /data)" ''
    is 'nocopy by -v' "$(berth run --rm -v three:/data:nocopy filled ls /data)" ''
    is anonymous "$(berth run --rm --mount type=volume,dst=/data filled ls /data)" file
    is volume-opt "$(berth run --rm --mount type=volume,src=memory,dst=/m,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=2m busybox sh -c 'df -k /m | awk "END {print \$2}"')" 2048
    is volume-label "$(berth run --rm --mount type=volume,src=four,dst=/m,volume-label=a=b,volume-label=c busybox true; berth volume inspect -f '{{json .Labels}}' four)" '{"a":"b","c":""}'
    berth run --rm -v five:/v busybox sh -c 'mkdir -p /v/a/b && echo deep >/v/a/b/file'
    is volume-subpath "$(berth run --rm --mount type=volume,src=five,dst=/m,volume-subpath=a/b busybox cat /m/file)" deep
    is 'missing subpath' "$(line_of berth run --rm --mount type=volume,src=five,dst=/m,volume-subpath=nowhere busybox true)" '*nowhere*'
    is tmpfs "$(line_of berth run --rm --mount type=tmpfs,dst=/m,tmpfs-size=3m,tmpfs-mode=0710 busybox sh -c 'df -k /m | awk "END {print \$2}"; stat -c %a /m')" '3072 710'
    is image "$(line_of berth run --rm --mount type=image,src=filled,dst=/m,image-subpath=data busybox sh -c 'cat /m/file; touch /m/x')" 'image *Read-only*'
    for bad in type=cluster,src=x,dst=/m type=npipe,src=x,dst=/m type=bind,dst=/m type=tmpfs,src=x,dst=/m type=bind,src=/tmp type=bind,src=/tmp,dst=/m,tmpfs-size=1m \
        type=volume,src=x,dst=/m,nonsense=1 type=bind,src=/tmp,dst=relative; do
        run berth run --rm --mount "$bad" busybox true
        is "$bad" "$status" 125
    done
    for option in ro rw z Z consistent cached delegated rprivate rslave rshared ro,z,cached; do
        run berth run --rm -v "$PWD/source:/m:$option" busybox cat /m/file
        is "-v :$option" "$output" host
    done
    run berth run --rm -v "$PWD/source:/m:nonsense" busybox true
    is 'bad mode' "$status" 125
    berth rmi filled >/dev/null
    all_right
}

@test "every form of --security-opt" {
    status_of() { berth run --rm "$@" busybox awk "/^(NoNewPrivs|Seccomp):/ {printf \"%s \", \$2}" /proc/self/status; }
    is none "$(status_of)" '0 2 '
    for form in no-new-privileges no-new-privileges=true no-new-privileges:true; do is $form "$(status_of --security-opt $form)" '1 2 '; done
    is no-new-privileges=false "$(status_of --security-opt no-new-privileges=false)" '0 2 '
    for form in seccomp=unconfined seccomp:unconfined; do is $form "$(status_of --security-opt $form)" '0 0 '; done
    for form in builtin strict; do is seccomp=$form "$(status_of --security-opt seccomp=$form)" '0 2 '; done
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chmod","fchmod","fchmodat","fchmodat2"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}' >profile.json
    is seccomp=FILE "$(line_of berth run --rm --security-opt seccomp=profile.json busybox chmod 700 /tmp)" '*not supported*'
    is 'exec keeps it' "$(berth run -d --name box --security-opt seccomp=profile.json busybox sleep 1000 >/dev/null; line_of berth exec box chmod 700 /tmp)" '*not supported*'
    is 'exec --privileged keeps it, too' "$(line_of berth exec --privileged box sh -c 'grep CapEff /proc/self/status; chmod 700 /tmp')" '*ffffff*not supported*'
    for form in apparmor=unconfined label=disable label:disable label=type:x label=user:u label=role:r label=level:s0 label=filetype:x; do
        is $form "$(status_of --security-opt $form)" '0 2 '
    done
    is systempaths "$(berth run --rm --security-opt systempaths=unconfined busybox sh -c 'grep -cE " /proc/(keys|sys|kcore) " /proc/mounts')" 0
    is 'paths are masked' "$(berth run --rm busybox sh -c 'grep -cE " /proc/(keys|sys|kcore) " /proc/mounts')" '[123]'
    is 'cgroups are read-only' "$(line_of berth run --rm busybox sh -c 'find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs | head -1 | xargs dirname | xargs -I {} mkdir {}/below')" '*Read-only*'
    is writable-cgroups "$(line_of berth run --rm --security-opt writable-cgroups=true busybox sh -c 'd=$(find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs | head -1 | xargs dirname); mkdir $d/below && ls $d/below/cgroup.procs && rmdir $d/below')" '*/below/cgroup.procs'
    is 'writable-cgroups=false' "$(line_of berth run --rm --privileged --security-opt writable-cgroups=false busybox sh -c 'find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs | head -1 | xargs dirname | xargs -I {} mkdir {}/below')" '*Read-only*'
    for bad in nope nope=1 no-new-privileges=x writable-cgroups=x seccomp=/nowhere.json seccomp=profile; do
        run berth run --rm --security-opt "$bad" busybox true
        is "$bad" "$status" 125
    done
    all_right
}

@test "every form of cp" {
    berth run -d --name box -v kept:/v --tmpfs /t busybox sh -c 'mkdir -p /d/sub; echo one >/d/file; echo two >/d/sub/deep; ln -s file /d/link; chown 5:6 /d/file; chmod 640 /d/file; ln -s /d /abs; sleep 1000' >/dev/null
    until_true berth exec box test -L /abs
    for state in running stopped; do
        rm -rf here && mkdir here
        berth cp -q box:/d/file here/
        is "$state: file into a folder" "$(cat here/file)" one
        berth cp box:/d/file here/name
        is "$state: file to a name" "$(cat here/name)" one
        berth cp box:/d here/new
        is "$state: folder to a new name" "$(cat here/new/sub/deep)" two
        mkdir here/old
        berth cp box:/d here/old
        is "$state: folder into a folder" "$(cat here/old/d/sub/deep)" two
        berth cp box:/d/. here/content
        is "$state: its content" "$(ls here/content | paste -sd' ')" 'file *link *sub*'
        berth cp box:/d/link here/link
        is "$state: a link as it is" "$(readlink here/link)" file
        mkdir here/root
        berth cp box:/ here/whole
        berth cp box:/. here/root
        is "$state: everything" "$(cat here/whole/d/file here/root/d/sub/deep | paste -sd' ')" 'one two'
        berth cp -L box:/d/link here/followed
        is "$state: a link followed" "$(cat here/followed)" one
        berth cp -a box:/d/file here/archived
        is "$state: owner and mode with -a" "$(stat -c '%u:%g %a' here/archived)" '5:6 640'
        is "$state: without -a" "$(stat -c '%u:%g %a' here/file)" "$(id -u):$(id -g) 640"
        is "$state: to a stream" "$(berth cp box:/d - | tar -t | sort | paste -sd' ')" 'd/ d/file *d/link *d/sub/ d/sub/deep*'
        is "$state: through an absolute link" "$(berth cp box:/abs/file - | tar -xO)" one
        echo in >in
        chmod 600 in
        berth cp in box:/d/
        berth cp in box:/d/named
        berth cp in box:/abs/through
        mkdir -p tree/x && echo y >tree/x/y
        berth cp tree box:/d/tree-new
        berth cp tree box:/d
        berth cp tree/. box:/d/sub
        tar -c in | berth cp - box:/d/sub
        chown 7:8 in
        berth cp -a in box:/d/owned
        chown 0:0 in
        berth cp box:/d - | tar -t | sort >inside
        for path in d/in d/named d/through d/tree-new/x/y d/tree/x/y d/sub/x/y d/sub/in; do is "$state: $path" "$(grep -cx $path inside)" 1; done
        is "$state: whose" "$(berth cp box:/d - | tar -tv --numeric-owner | awk '$6 == "d/in" || $6 == "d/owned" {print $2}' | paste -sd' ')" '0/0 7/8'
        run berth cp box:/nowhere here
        is "$state: missing there" "$status $output" '1 *nowhere*'
        run berth cp nowhere box:/d
        is "$state: missing here" "$status $output" '1 *nowhere*'
        run berth cp in box:/no/such/folder/x
        is "$state: no folder for it" "$status" 1
        run berth cp in box:/d/file/
        is "$state: a file taken for a folder" "$status" 1
        run berth cp box:/a box:/b
        is "$state: between containers" "$status" 1
        berth cp in box:/v/
        is "$state: into a volume" "$(berth run --rm -v kept:/v busybox cat /v/in)" in
        [ $state = stopped ] || berth stop -t 0 box >/dev/null 2>&1
    done
    berth start box >/dev/null
    berth cp in box:/t/
    is 'into a tmpfs' "$(berth exec box cat /t/in)" in
    is 'out of a tmpfs' "$(berth cp box:/t/in - | tar -xO)" in
    berth run -d --name fixed --read-only -v "$PWD/here:/m:ro" -v kept:/v busybox sleep 1000 >/dev/null
    for place in /x /m/x; do
        run berth cp in "fixed:$place"
        is "read-only $place" "$status $output" '1 *read-only*'
    done
    berth cp in fixed:/v/again
    is 'a volume of a read-only container' "$(berth exec fixed cat /v/again)" in
    all_right
}

@test "every option of logs" {
    berth run --name box --label app=web -e STAGE=test --log-opt labels=app --log-opt env=STAGE busybox sh -c 'for i in 1 2 3 4; do echo line $i; done; echo wrong >&2' >/dev/null 2>&1
    is all "$(line_of berth logs box)" '*line 1 line 2 line 3 line 4*'
    is '-n 2' "$(berth logs -n 2 box 2>&1 | wc -l)" 2
    is '--tail all' "$(berth logs --tail all box 2>&1 | wc -l)" 5
    is --details "$(berth logs --details -n 1 box 2>&1)" 'STAGE=test,app=web *'
    is -t "$(berth logs -t box 2>/dev/null | head -1)" '20[0-9][0-9]-*T*Z line 1'
    is '-t --details' "$(berth logs -t --details box 2>/dev/null | head -1)" '20*Z STAGE=test,app=web line 1'
    is '--since far' "$(line_of berth logs --since 2000-01-01 box)" '*line 1*'
    is '--since seconds' "$(line_of berth logs --since "$(($(date +%s) - 3600))" box)" '*line 1*'
    is '--since fraction' "$(line_of berth logs --since "$(($(date +%s) + 3600)).5" box)" ''
    is '--until 10m' "$(line_of berth logs --until 10m box)" ''
    is '--until zone' "$(line_of berth logs --until "$(date -d '+1 hour' +%Y-%m-%dT%H:%M:%S+00:00)" box)" '*line 1*'
    is -f "$(timeout 20 berth logs -f box 2>/dev/null | wc -l)" 4
    is 'docker --details' "$(docker logs --details -n 1 box 2>&1)" 'STAGE=test,app=web *'
    berth logs --clear box
    is --clear "$(line_of berth logs box)" ''
    all_right
}

@test "update of every resource, seen in the running container" {
    berth run -d --name box -m 64m --memory-swap 128m --restart no busybox sleep 1000 >/dev/null
    berth update -m 96m --memory-swap 192m box >/dev/null
    is memory "$(group box memory memory.limit_in_bytes memory.max)" $((96 << 20))
    [ -d /sys/fs/cgroup/memory ] && [ ! -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ] ||
        is memory-swap "$(group box memory memory.memsw.limit_in_bytes memory.swap.max)" "$(v1_or_v2 $((192 << 20)) $((96 << 20)))"
    berth update --memory-reservation 32m box >/dev/null
    is memory-reservation "$(group box memory memory.soft_limit_in_bytes memory.low)" $((32 << 20))
    berth update --cpus 0.5 box >/dev/null
    is cpus "$(group box cpu cpu.cfs_quota_us cpu.max)" "$(v1_or_v2 50000 '50000 100000')"
    is 'cpus in inspect' "$(berth inspect -f '{{.HostConfig.NanoCpus}}' box)" 500000000
    berth update -c 512 box >/dev/null
    is cpu-shares "$(group box cpu cpu.shares cpu.weight)" "$(v1_or_v2 512 '@(20|59)')"
    berth update --cpuset-cpus 0 --cpuset-mems 0 box >/dev/null
    is cpuset "$(group box cpuset cpuset.cpus cpuset.cpus) $(group box cpuset cpuset.mems cpuset.mems)" '0 0'
    berth update --pids-limit 44 box >/dev/null
    is pids "$(group box pids pids.max pids.max)" 44
    berth update --pids-limit -1 box >/dev/null
    is 'pids without' "$(group box pids pids.max pids.max)" max
    berth update --restart on-failure:4 box >/dev/null
    is restart "$(berth inspect -f '{{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}' box)" on-failure:4
    berth run -d --name quota --cpu-period 100000 --cpu-quota 20000 busybox sleep 1000 >/dev/null
    berth update --cpu-period 50000 --cpu-quota 10000 quota >/dev/null
    is 'quota and period' "$(group quota cpu cpu.cfs_quota_us cpu.max)" "$(v1_or_v2 10000 '10000 50000')"
    # What was changed holds after a restart, and for what is stopped.
    berth restart -t 0 box >/dev/null 2>&1
    is 'after a restart' "$(group box memory memory.limit_in_bytes memory.max) $(group box cpuset cpuset.cpus cpuset.cpus)" "$((96 << 20)) 0"
    berth stop -t 0 quota >/dev/null 2>&1
    berth update -m 40m --memory-swap 80m quota >/dev/null
    berth start quota >/dev/null
    is 'while stopped' "$(group quota memory memory.limit_in_bytes memory.max)" $((40 << 20))
    # The policy of a running container is the shim's: it acts on the new one.
    berth run -d --name dies --restart no busybox sh -c 'until [ -e /go ]; do sleep 0.05; done; exit 3' >/dev/null
    berth update --restart on-failure:1 dies >/dev/null
    berth exec dies touch /go
    until_true sh -c '[ "$(berth inspect -f "{{.RestartCount}} {{.State.Status}}" dies)" = "1 exited" ]'
    for bad in '-m 1m' '--cpus 999' '--memory-swap 1m' '--restart nope' '--cpuset-cpus 999' ''; do
        # shellcheck disable=SC2086
        run berth update $bad box
        is "update $bad" "$((status != 0))" 1
    done
    is 'several at once' "$(berth update --pids-limit 50 box quota | paste -sd' ')" 'box quota'
    all_right
}

@test "wait: conditions, several containers, and what is not there" {
    wait_for() { api -X POST "${@:3}" "http://d/v1.44/containers/$1/wait?condition=$2"; }
    berth run -d --name box busybox sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done' >/dev/null
    berth create --name never busybox sh -c 'exit 6' >/dev/null
    is 'not-running of what never ran' "$(wait_for never not-running | jq -c .StatusCode)" 0
    # The head of the answer says that it waits; only curl's verbose output is unbuffered.
    wait_for never next-exit -Nv >next 2>next.log 3>&- &
    local waiter=$!
    wait_for never removed -Nv >removed 2>removed.log 3>&- &
    local other=$!
    until_true grep -q '200 OK' next.log
    until_true grep -q '200 OK' removed.log
    kill -0 $waiter && kill -0 $other
    berth start never >/dev/null
    wait $waiter
    is next-exit "$(jq -c .StatusCode next)" 6
    is 'not-running of what ended' "$(wait_for never not-running | jq -c .StatusCode)" 6
    kill -0 $other
    berth rm never >/dev/null
    wait $other
    is removed "$(jq -c .StatusCode removed)" 6
    berth wait box >waited 3>&- &
    waiter=$!
    sleep 0.3
    berth stop box >/dev/null 2>&1
    wait $waiter
    is 'wait of a stop' "$(cat waited)" 5
    berth run --name two busybox sh -c 'exit 7' || true
    is several "$(berth wait box two | paste -sd' ')" '5 7'
    run berth wait nosuch
    is 'not there' "$status" 1
    is 'a condition that is none' "$(wait_for box nonsense | jq -r .message)" '*nonsense*'
    all_right
}

@test "every flag of exec, and attach" {
    printf 'F=file\nG=2\n' >variables
    berth run -d --name box -e KEPT=yes -w /tmp -u 5:6 busybox sleep 1000 >/dev/null
    is 'as the container' "$(line_of berth exec box sh -c 'id -u; id -g; pwd; echo $KEPT')" '5 6 /tmp yes'
    is '-u -w -e --env-file' "$(A=1 line_of berth exec -u 0:7 -w /etc -e A -e B=3 --env-file variables box sh -c 'id -u; id -g; pwd; echo $A $B $F $G')" '0 7 /etc 1 3 file 2'
    is '-u name' "$(berth exec -u nobody box id -u)" 65534
    is -i "$(echo text | berth exec -i box cat)" text
    is 'without -i' "$(echo text | berth exec box cat)" ''
    is -t "$(with_terminal berth exec -t box tty)" '/dev/pts/*'
    is --privileged "$(berth exec -u 0 --privileged box grep CapEff /proc/self/status | cut -f2)" '0000*ffffff*'
    is 'not privileged' "$(berth exec -u 0 box grep CapEff /proc/self/status | cut -f2)" '00000000*fb'
    berth exec -d -u 0 box sh -c 'echo done >/detached'
    until_true berth exec -u 0 box test -s /detached
    run berth exec box sh -c 'exit 42'
    is status "$status" 42
    run -127 berth exec box nothing-there
    is 'no such command' "$status" 127
    run berth exec box /etc
    is 'no program' "$status" 126
    berth pause box >/dev/null
    run berth exec box true
    is paused "$status $output" '1 *paused*'
    is 'ps of a paused one' "$(berth ps --format '{{.Status}}')" '*Paused*'
    berth unpause box >/dev/null
    berth rename box other
    is renamed "$(berth exec other echo here)" here
    run berth exec box true
    is 'the old name' "$status" 1
    berth run -d -i --name reader busybox sh -c 'while read -r line; do echo "got $line"; done' >/dev/null
    printf 'one\ntwo\n' | berth attach reader >attached 3>&- &
    local client=$!
    until_true grep -q two attached
    kill -KILL $client
    is attach "$(paste -sd' ' attached)" 'got one got two'
    berth run -d -i --name stays busybox sh -c 'until [ -e /go ]; do echo begin; sleep 0.05; done; echo end; sleep 1000' >/dev/null
    berth attach --no-stdin --sig-proxy=false stays >attached </dev/null 3>&- &
    client=$!
    until_true grep -q begin attached
    berth exec stays touch /go
    until_true grep -q end attached
    kill -TERM $client
    wait $client || true
    is '--no-stdin --sig-proxy=false' "$(berth inspect -f '{{.State.Status}}' stays)" running
    is 'what it read' "$(grep -c end attached)" 1
    all_right
}

@test "diff, commit, export, top, stats and port" {
    berth run -d --name box -p 127.0.0.1::80 -p 127.0.0.1::81/udp busybox sh -c 'echo x >/made; rm /etc/group; chmod 700 /root; sleep 1000' >/dev/null
    until_true berth exec box sh -c '[ "$(stat -c %a /root)" = 700 ]'
    is diff "$(berth diff box | sort | paste -sd' ')" 'A /made C /etc C /root D /etc/group'
    berth commit -a 'Some One' -m 'a message' -c 'ENV X=1' -c 'CMD ["echo", "committed"]' -c 'LABEL l=v' -p=false box kept:1 >/dev/null
    is commit "$(berth run --rm kept:1)" committed
    is 'commit: settings' "$(berth image inspect -f '{{.Author}}|{{.Comment}}|{{index .Config.Labels "l"}}' kept:1)" 'Some One|a message|v'
    is 'commit: files' "$(line_of berth run --rm kept:1 sh -c 'cat /made; test -e /etc/group || echo gone; stat -c %a /root; echo $X')" 'x gone 700 1'
    is 'export' "$(berth export box | tar -t | grep -cE '^(\./)?(made|etc/passwd)$')" 2
    berth export -o out.tar box
    is 'export -o' "$(tar -xOf out.tar made)" x
    is top "$(berth top box | awk 'NR == 1 {print $1} NR > 1 {print $NF}' | paste -sd' ')" 'UID 1000'
    is 'top with columns' "$(berth top box -o pid,comm | head -1 | tr -s ' ')" 'PID COMMAND*'
    is stats "$(berth stats --no-stream --format '{{.Name}} {{.PIDs}}' box)" 'box [12]'
    is port "$(berth port box | sort | cut -d' ' -f1-2 | paste -sd' ')" '80/tcp -> 81/udp ->'
    is 'port of one' "$(berth port box 80)" '127.0.0.1:*'
    run berth port box 99
    is 'no such port' "$status" 1
    berth rmi kept:1 >/dev/null
    all_right
}

@test "limits that have a file are in it" {
    local disk numbers
    disk=$(lsblk -dnpo NAME 2>/dev/null | head -1)
    [ -b "$disk" ] || disk=$(find /dev -maxdepth 1 -type b | head -1)
    if [ -b "$disk" ]; then
        numbers=$((0x$(stat -c %t "$disk"))):$((0x$(stat -c %T "$disk")))
        if berth run -d --name box --device-read-bps "$disk:1mb" --device-write-bps "$disk:2mb" --device-read-iops "$disk:100" --device-write-iops "$disk:200" busybox sleep 1000 >/dev/null 2>said; then
            if [ -d /sys/fs/cgroup/blkio ]; then
                is read-bps "$(group box blkio blkio.throttle.read_bps_device '')" "$numbers 1048576"
                is write-bps "$(group box blkio blkio.throttle.write_bps_device '')" "$numbers 2097152"
                is read-iops "$(group box blkio blkio.throttle.read_iops_device '')" "$numbers 100"
                is write-iops "$(group box blkio blkio.throttle.write_iops_device '')" "$numbers 200"
            else
                is io.max "$(group box io '' io.max)" "$numbers rbps=1048576 wbps=2097152 riops=100 wiops=200"
            fi
        else
            is 'throttling' "$(cat said)" '*blkio*'
        fi
    fi
    if [ -d /sys/fs/cgroup/memory ]; then
        berth run -d --name calm -m 64m --memory-swappiness 17 --oom-kill-disable busybox sleep 1000 >/dev/null
        is swappiness "$(group calm memory memory.swappiness '')" 17
        is oom-kill-disable "$(group calm memory memory.oom_control '')" 'oom_kill_disable 1*'
    fi
    berth run -d --name rt --ulimit nproc=55 --ulimit core=0 busybox sleep 1000 >/dev/null
    is ulimits "$(awk '/processes|core file/ {print $(NF-2) ":" $(NF-1)}' "/proc/$(berth inspect -f '{{.State.Pid}}' rt)/limits" | sort | paste -sd' ')" '0:0 55:55'
    all_right
}

@test "lives: restart policies, stop signals and their time, pulls" {
    berth run -d --name always --restart always busybox sh -c 'exit 0' >/dev/null
    berth run -d --name failing --restart on-failure:2 busybox sh -c 'exit 4' >/dev/null
    berth run -d --name fine --restart on-failure busybox true >/dev/null
    until_true sh -c '[ "$(berth inspect -f "{{.RestartCount}}" always)" -ge 2 ]'
    until_true sh -c '[ "$(berth inspect -f "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}" failing)" = "2 exited 4" ]'
    until_true has_ended fine
    is 'on-failure and code 0' "$(berth inspect -f '{{.RestartCount}} {{.State.Status}}' fine)" '0 exited'
    berth run -d --name kept --restart unless-stopped busybox sleep 1000 >/dev/null
    kill -KILL "$(berth inspect -f '{{.State.Pid}}' kept)"
    until_true sh -c '[ "$(berth inspect -f "{{.RestartCount}} {{.State.Status}}" kept)" = "1 running" ]'
    berth stop -t 0 kept >/dev/null 2>&1
    is 'unless-stopped, stopped' "$(berth inspect -f '{{.State.Status}}' kept)" exited
    berth run -d --name signal --stop-signal USR1 busybox sh -c 'trap "exit 9" USR1; trap "" TERM; echo ready; while :; do sleep 0.05; done' >/dev/null
    until_true sh -c 'berth logs signal | grep -q ready'
    berth stop signal >/dev/null 2>&1
    is stop-signal "$(berth inspect -f '{{.State.ExitCode}}' signal)" 9
    berth run -d --name slow --stop-timeout 1 busybox sh -c 'trap : TERM; echo ready; while :; do sleep 0.05; done' >/dev/null
    until_true sh -c 'berth logs slow | grep -q ready'
    local before=$SECONDS
    berth stop slow >/dev/null 2>&1
    is stop-timeout "$((SECONDS - before <= 8)) $(berth inspect -f '{{.State.ExitCode}}' slow)" '1 137'
    berth run -d --name hup busybox sh -c 'trap "exit 3" HUP; echo ready; while :; do sleep 0.05; done' >/dev/null
    until_true sh -c 'berth logs hup | grep -q ready'
    berth kill -s HUP hup >/dev/null
    is 'kill -s' "$(berth wait hup)" 3
    run berth run --rm --pull never nosuch:image true
    is '--pull never' "$status" 125
    run timeout 20 berth run --rm --pull always 127.0.0.1:1/x true
    is '--pull always' "$status" 125
    run berth run --rm --pull sometimes busybox true
    is '--pull nonsense' "$status" 125
    is --rm "$(berth run --rm --name gone busybox true; berth ps -aq -f name=gone)" ''
    all_right
}
