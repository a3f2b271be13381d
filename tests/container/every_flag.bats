bats_require_minimum_version 1.5.0
load helpers

setup_file() { start_engine; }
setup() { use_engine; wrong=0; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() {
    ids=$(berth ps -aq)
    [ -z "$ids" ] || berth rm -f -v $ids >/dev/null
}

# says FLAG... -- COMMAND PATTERN: what the shell command prints in a container with these flags, as one line.
says() {
    local flags=()
    while [ "$1" != -- ]; do flags+=("$1") && shift; done
    local got
    got=$(timeout 30 berth run --rm "${flags[@]}" busybox sh -c "$2" 2>&1 | paste -sd' ')
    [[ "$got" == $3 ]] || { echo "${flags[*]}: $got" && wrong=$((wrong + 1)); }
}

# equals FLAG... -- COMMAND TEXT: the same without a pattern.
equals() {
    local flags=()
    while [ "$1" != -- ]; do flags+=("$1") && shift; done
    says "${flags[@]}" -- "$2" "${3//[/\\[}"
}

# shows FLAG... -- TEMPLATE PATTERN: what inspect shows of a container made with these flags.
shows() {
    local flags=()
    while [ "$1" != -- ]; do flags+=("$1") && shift; done
    local id got
    id=$(berth create "${flags[@]}" busybox true)
    got=$(berth inspect -f "$2" "$id")
    berth rm "$id" >/dev/null
    [[ "$got" == $3 ]] || { echo "${flags[*]}: $got" && wrong=$((wrong + 1)); }
}

# limit CONTROLLER V1-FILE V2-FILE: prints the command that reads a limit from inside.
limit() {
    if [ -d "/sys/fs/cgroup/$1" ]; then echo "cat /sys/fs/cgroup/$1/$2"; else echo "cat /sys/fs/cgroup/$3"; fi
}

@test "names, command and environment" {
    equals --name named -h myhost --domainname example.org -- 'hostname; cat /proc/sys/kernel/domainname' 'myhost example.org'
    printf 'X=fromfile\n' >variables
    B=2 equals -e A=1 -e B --env-file variables -- 'echo $A $B $X' '1 2 fromfile'
    equals -w /tmp -- pwd /tmp
    equals -u 5:6 --group-add 77 -- 'id -u; id -g; id -G' '5 6 6 77'
    [ "$(berth run --rm --entrypoint echo busybox a b)" = 'a b' ]
    says --init -- 'tr "\0" " " </proc/1/cmdline' '*init*sh -c*'
    [ "$(echo in | berth run --rm -i busybox cat)" = in ]
    [ "$(berth run --rm -a stderr busybox sh -c 'echo out; echo err >&2' 2>&1)" = err ]
    [ "$(berth run --rm --sig-proxy=false -q --pull missing --platform linux/amd64 --runtime runc --isolation default busybox echo x)" = x ]
    [ "$(berth run --rm --disable-content-trust --kernel-memory 10m busybox echo x)" = x ]
    berth run --rm --cidfile cid busybox true
    [ "$(wc -c <cid)" -eq 64 ]
    [ "$wrong" -eq 0 ]
}

@test "files" {
    equals --tmpfs /t:size=1m --shm-size 3m -- 'df -k /t | awk "END {print \$2}"; df -k /dev/shm | awk "END {print \$2}"' '1024 3072'
    says --read-only -- 'touch /x' '*Read-only*'
    berth create --name other -v /data busybox >/dev/null
    equals --volumes-from other -v named:/v -v /anonymous -- 'for i in /data /v /anonymous; do grep -c " $i " /proc/mounts; done' '1 1 1'
    equals --mount type=tmpfs,dst=/m,tmpfs-size=1m,tmpfs-mode=700 -- 'stat -c %a /m' 700
    says --mount type=volume,src=labelled,dst=/m,volume-label=a=b,volume-driver=local,volume-nocopy,readonly -- 'touch /m/x' '*Read-only*'
    [ "$(berth volume inspect -f '{{.Labels.a}}' labelled)" = b ]
    berth run --rm -v named:/v busybox sh -c 'mkdir /v/sub && touch /v/sub/file'
    equals --mount type=volume,src=named,dst=/m,volume-subpath=sub -- 'ls /m' file
    shows --volume-driver local -- '{{.HostConfig.VolumeDriver}}' local
    [ "$wrong" -eq 0 ]
}

@test "limits" {
    equals -m 32m --memory-swap 64m --memory-reservation 16m -- "$(limit memory memory.limit_in_bytes memory.max)" 33554432
    equals --memory-reservation 16m -- "$(limit memory memory.soft_limit_in_bytes memory.low)" 16777216
    says -m 32m --memory-swappiness 10 --oom-score-adj 500 -- 'cat /proc/1/oom_score_adj' 500
    says --cpus 0.5 -- "$(limit cpu cpu.cfs_quota_us cpu.max)" '50000*'
    says --cpu-period 50000 --cpu-quota 20000 -- "$(limit cpu cpu.cfs_quota_us cpu.max)" '20000*'
    says -c 512 -- "$(limit cpu cpu.shares cpu.weight)" '@(512|20|59)'
    equals --cpuset-cpus 0 --cpuset-mems 0 -- "$(limit cpuset cpuset.cpus cpuset.cpus)" 0
    equals --pids-limit 33 -- "$(limit pids pids.max pids.max)" 33
    equals --ulimit nofile=50:60 -- 'ulimit -n; ulimit -Hn' '50 60'
    says --blkio-weight 300 --device-read-bps /dev/null:1mb -- 'echo made' '*'
    [ "$wrong" -eq 0 ]
}

@test "rights" {
    says --cap-drop CHOWN -- 'chown 5 /tmp' '*not permitted*'
    equals --cap-drop ALL --cap-add NET_ADMIN -- 'ip link set lo down && echo did' did
    equals --privileged -- 'mount -t tmpfs tmpfs /tmp && echo did' did
    says --security-opt no-new-privileges --security-opt label=disable --security-opt apparmor=unconfined -- 'grep NoNewPrivs /proc/1/status' '*1'
    equals --security-opt systempaths=unconfined -- 'grep -c /proc/interrupts /proc/mounts' 0
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' >filter.json
    says --security-opt seccomp=filter.json -- 'mkdir /q' '*not permitted*'
    equals --sysctl net.core.somaxconn=55 -- 'cat /proc/sys/net/core/somaxconn' 55
    equals --device /dev/null:/dev/other:rw --device-cgroup-rule 'c 42:* rmw' -- 'stat -c %t:%T /dev/other' 1:3
    for kind in pid uts ipc; do equals --$kind host -- "readlink /proc/self/ns/$kind" "$(readlink /proc/self/ns/$kind)"; done
    equals --network host -- 'readlink /proc/self/ns/net' "$(readlink /proc/self/ns/net)"
    equals --userns host -- 'readlink /proc/self/ns/user' "$(readlink /proc/self/ns/user)"
    says --cgroupns private -- 'head -1 /proc/self/cgroup' '*:/'
    says --cgroupns host --cgroup-parent "/$BERTH_CGROUP/parent" -- 'cat /proc/self/cgroup' '*/parent/*'
    rmdir /sys/fs/cgroup/*/"$BERTH_CGROUP"/parent /sys/fs/cgroup/"$BERTH_CGROUP"/parent 2>/dev/null || true
    [ "$wrong" -eq 0 ]
}

@test "network" {
    berth network create --subnet 10.99.0.0/24 first >/dev/null
    berth network create --subnet 10.98.0.0/24 second >/dev/null
    equals --network none -- 'ls /sys/class/net' lo
    says --dns 9.9.9.9 --dns-search corp --dns-option ndots:3 -- 'cat /etc/resolv.conf' '*9.9.9.9*corp*ndots:3*'
    says --add-host far:1.2.3.4 --add-host gateway:host-gateway -- 'cat /etc/hosts' '*1.2.3.4*far*gateway*'
    equals --network first --ip 10.99.0.77 --mac-address 02:42:0a:63:00:4d -- 'ip -o -4 addr show eth0 | grep -c 10.99.0.77/24; cat /sys/class/net/eth0/address' '1 02:42:0a:63:00:4d'
    equals --network name=first,alias=other,ip=10.99.0.78 --network second -- 'ls /sys/class/net | wc -l; nslookup other 127.0.0.11 | grep -c 10.99.0.78' '3 1'
    equals --network first --network-alias also -- 'nslookup also 127.0.0.11 | grep -c "Address.*10.99"' 1
    equals --network first --link-local-ip 169.254.9.9 -- 'ip -o addr show eth0 | grep -c 169.254.9.9/16' 1
    says --network first --network name=second,gw-priority=5 -- 'ip route show default' '*10.98.0.1*'
    shows --link-local-ip 169.254.9.9 --network first -- '{{json .NetworkSettings.Networks}}' '*169.254.9.9*'
    berth run -d --name linked busybox sleep 1000 >/dev/null
    equals --link linked:db -- 'grep -cw db /etc/hosts' 1
    shows -p 127.0.0.1:9999:80 --expose 81/udp -P -- '{{json .HostConfig.PortBindings}} {{json .Config.ExposedPorts}} {{.HostConfig.PublishAllPorts}}' '*9999*81/udp*true'
    berth rm -f linked >/dev/null
    berth network rm first second >/dev/null
    [ "$wrong" -eq 0 ]
}

@test "life, health, logs and labels" {
    shows --restart on-failure:3 -- '{{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}' on-failure:3
    shows --stop-signal INT --stop-timeout 7 -- '{{.Config.StopSignal}} {{.Config.StopTimeout}}' 'INT 7'
    printf 'c=d\n' >labels
    shows -l a=b --label-file labels --annotation x=y -- '{{json .Config.Labels}}{{json .HostConfig.Annotations}}' '{"a":"b","c":"d"}{"x":"y"}'
    shows --health-cmd true --health-interval 5s --health-timeout 4s --health-retries 2 --health-start-period 3s --health-start-interval 2s -- '{{json .Config.Healthcheck}}' '*"Interval":5000000000*"Retries":2*'
    shows --no-healthcheck -- '{{json .Config.Healthcheck.Test}}' '\["NONE"\]'
    shows --log-driver local --log-opt max-size=1m -- '{{.HostConfig.LogConfig.Type}} {{index .HostConfig.LogConfig.Config "max-size"}}' 'local 1m'
    shows -t -i -- '{{.Config.Tty}} {{.Config.OpenStdin}}' 'true true'
    [ "$wrong" -eq 0 ]
}
