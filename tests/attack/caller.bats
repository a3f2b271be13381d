#!/usr/bin/env bats
# What others on the host have put in the way of whoever uses or runs the engine: programs in the current folder, names in folders
# that everyone writes to, files given to be mounted; and requests that two readers would read differently.
load ../lib/hostile

setup_file() { shared_engine_start --default-userns-mode host; }
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    cd "$BATS_TEST_TMPDIR"
    make_canary
}
teardown() {
    remove_containers && berth volume prune -a -f >/dev/null && canary_unchanged && rm -rf "$CANARY" && audit_data && still_works
}
api() { curl -sS -g --path-as-is --max-time 20 --unix-socket "${BERTH_HOST#unix://}" "$@"; }

# plant FILE: a credential helper that shows that it was run.
plant() {
    mkdir -p "$(dirname "$1")"
    printf '#!/bin/sh\ncat >>%s/secrets\necho "{}"\n' "$BATS_TEST_TMPDIR" >"$1"
    chmod +x "$1"
}
was_run() { [ -e "$BATS_TEST_TMPDIR/secrets" ]; }

# CVE-2025-15558, CVE-2019-15752
@test "no program of the current folder, or of one below it, is run for credentials" {
    mkdir here
    cd here
    plant ./docker-credential-evil
    plant ./bin/docker-credential-evil
    plant ./home/.docker/cli-plugins/docker-compose
    # The Python client of Docker falls to it.
    if [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import docker' 2>/dev/null; then
        PATH="$PATH:" /usr/bin/python3 -c 'import docker.credentials as c; c.Store("evil").store("registry", "user", "secret")' >/dev/null 2>&1 || true
        was_run || return 1
        rm ../secrets
    fi
    mkdir config
    echo '{"credsStore": "evil"}' >config/config.json
    local path
    for path in "$PATH:" ":$PATH" ".:$PATH" "bin:$PATH" "./bin:$PATH" "$PATH::/usr/bin"; do
        PATH=$path run timeout 20 berth --config config login -u user -p secret 127.0.0.1:1
        [ "$status" -ne 0 ]
        PATH=$path run timeout 20 berth --config config pull 127.0.0.1:1/x
        [ "$status" -ne 0 ]
        says 'docker-credential-evil'
        PATH=$path run timeout 20 berth --config config logout 127.0.0.1:1
        PATH=$path HOME=$PWD/home timeout 20 berth compose version >/dev/null 2>&1 || true
    done
    if was_run; then return 1; fi
    # Where its folder is named from the root, it is the caller's.
    PATH="$PWD/bin:$PATH" timeout 20 berth --config config logout 127.0.0.1:1 >/dev/null 2>&1 || true
    was_run
}

# The state of a runtime says what is run, so nobody else may be the one to make its folder.
@test "the runtime of an ordinary user takes no orders from a folder of everyone's" {
    local id=65533 place
    place=/tmp/$id
    [ ! -e "$place" ]
    mkdir -p "$place/berth-runtime/evil"
    cat >"$place/berth-runtime/evil/state.json" <<END
{"id": "evil", "pid": 999999, "startTime": 1, "start_time": 1, "bundle": "/", "rootfs": "/", "created": "2026-01-01T00:00:00Z", "cgroup": "", "owner": 0, "annotations": {}}
END
    printf '{"ociVersion": "1.0.2", "root": {"path": "/"}, "hooks": {"poststop": [{"path": "/bin/touch", "args": ["touch", "%s/hooked"]}]}}' "$PWD" \
        >"$place/berth-runtime/evil/config.json"
    chmod -R a+rwX "$place" .
    env -u XDG_RUNTIME_DIR setpriv --reuid $id --regid $id --clear-groups "$BERTH_BIN/berth-runtime" list >listed 2>&1 || true
    env -u XDG_RUNTIME_DIR setpriv --reuid $id --regid $id --clear-groups "$BERTH_BIN/berth-runtime" delete --force evil >deleted 2>&1 || true
    rm -rf "$place"
    if grep evil listed; then return 1; fi
    [ ! -e hooked ]
}

# CVE-2020-27534: a name that can be foreseen is one that another user makes first.
@test "no file is made in folders of everyone's by a name that was there to be taken" {
    command -v strace >/dev/null || skip 'no strace here'
    mkdir -m 1777 shared
    export TMPDIR=$PWD/shared
    local tracer verb
    strace -f -qq -o engine.trace -e trace=open,openat,openat2,creat,mkdir,mkdirat,symlink,symlinkat,mknod,mknodat,rename,renameat2 \
        -p "$BERTH_ENGINE_PID" 2>/dev/null 3>&- &
    tracer=$!
    until_true 10 grep -q "^TracerPid:[[:space:]]*$tracer" "/proc/$BERTH_ENGINE_PID/status"
    printf 'FROM busybox\nRUN echo x >/x\n' >Dockerfile
    traced() { strace -f -qq -A -o client.trace -e trace=open,openat,openat2,creat,mkdir,mkdirat,symlink,symlinkat,mknod,mknodat "$@" >/dev/null 2>&1; }
    traced berth build -q -t built . || true
    traced berth run -d --name box --cidfile "$PWD/cid" busybox sleep 1000
    traced berth cp Dockerfile box:/tmp/x
    traced berth cp box:/etc out
    traced berth exec box true
    traced berth commit box kept
    traced berth save -o saved.tar busybox
    traced berth load -i saved.tar
    traced berth export -o exported.tar box
    traced berth import exported.tar imported
    printf 'services:\n  one:\n    image: busybox\n    command: sleep 1000\n' >compose.yaml
    traced berth compose -p shop up -d
    traced berth compose -p shop down -t 0
    kill "$tracer"
    wait "$tracer" || true
    berth rmi built kept imported >/dev/null
    # mkdir and the like never take what is there; open does, unless it is told not to.
    grep -hE "\"(/tmp|/var/tmp|/dev/shm|$TMPDIR)/" client.trace engine.trace | grep -E 'O_CREAT|creat\(' | grep -vE 'O_EXCL|O_TMPFILE' |
        grep -vE "\"$BERTH_TEST_DIR/|\"$BATS_TEST_TMPDIR/[a-z]+(\.tar)?\"" >taken || true
    cat taken
    [ ! -s taken ]
    [ -z "$(ls -A shared)" ]
}

# CVE-2021-43816
@test "a file of the host that is mounted where the engine has its own stays as it is" {
    local target mode userns
    chmod 640 "$CANARY/victim"
    setfattr -n user.mark -v kept "$CANARY/victim" 2>/dev/null || true
    canary_state >"$BATS_TEST_TMPDIR/canary"
    for target in /etc/hosts /etc/resolv.conf /etc/hostname /etc/mtab /dev/console /run/secrets/x; do
        for mode in ro z Z ro,Z; do
            for userns in '' auto; do
                run timeout 30 berth run -h box --add-host far:1.2.3.4 --dns 9.9.9.9 --name box ${userns:+--userns $userns} -v "$CANARY/victim:$target:$mode" busybox cat "$target"
                [ "$status" -ne 0 ] || [ "$output" = precious ] || complain "$target:$mode"
                timeout 30 berth start -a box >/dev/null 2>&1 || true
                berth rm -f box >/dev/null
                canary_unchanged || return 1
            done
        done
    done
    # The engine updates its own files when a container joins a network, and no other.
    berth network create later >/dev/null
    berth run -d --name box -v "$CANARY/victim:/etc/hosts" -v "$CANARY/victim:/etc/resolv.conf" busybox sleep 1000 >/dev/null
    berth network connect later box
    berth rename box other
    berth network disconnect later other
    berth restart -t 0 other >/dev/null
    berth rm -f other >/dev/null
    berth network rm later >/dev/null
}

# CVE-2024-41110, CVE-2026-34040, CVE-2026-6406. There is no authorization plugin that could be shown another request than the one
# that is carried out; who asks for one is told so, and not left without it.
@test "an engine that is told to ask an authorization plugin does not start without one" {
    local state=$PWD/other
    fails_with 1 timeout 10 berthd --data-root "$state" --exec-root "$state" -H "unix://$state/s" --authorization-plugin policy
    says 'authorization plugins are not supported'
    local document
    for document in '{"authorization-plugins": ["policy"]}' '{"authorization-plugins": "policy"}'; do
        echo "$document" >daemon.json
        fails_with 1 timeout 10 berthd --config-file daemon.json --data-root "$state" --exec-root "$state" -H "unix://$state/s"
        says 'authorization'
    done
    [ ! -e "$state/s" ]
    # CVE-2026-33997: nothing asks for privileges either.
    fails_with 1 berth plugin install vendor/plugin
    [ "$(api -o /dev/null -w '%{http_code}' -X POST 'http://d/v1.44/plugins/pull?remote=vendor/plugin' -H 'Content-Type: application/json' -d '[]')" = 404 ]
}

@test "what is checked of a request is what is carried out" {
    make() { api -X POST "http://d/v1.44/containers/create?name=box" -H 'Content-Type: application/json' "$@"; }
    local rights
    # A key that is there twice, or in another case, counts once.
    for document in '{"Image":"busybox","Cmd":["sleep","9"],"HostConfig":{"Privileged":true,"Privileged":false}}' \
        '{"Image":"busybox","Cmd":["sleep","9"],"HostConfig":{"Privileged":false,"Privileged":true}}' \
        '{"Image":"busybox","Cmd":["sleep","9"],"HostConfig":{"Privileged":true},"hostconfig":{"privileged":false}}' \
        '{"Image":"busybox","Cmd":["sleep","9"],"HostConfig":{"Privileged":false},"HostConfig":{"Privileged":true}}' \
        '{"Image":"busybox","Cmd":["sleep","9"],"HostConfig":{"CapAdd":["SYS_ADMIN"],"Privileged":false,"UsernsMode":"auto","UsernsMode":""}}'; do
        make -d "$document" >made
        if ! jq -e .Id made >/dev/null; then jq -e .message made >/dev/null && continue; fi
        berth start box >/dev/null
        rights=$(berth exec --privileged=false box grep CapEff /proc/self/status | cut -f2)
        case $(berth inspect -f '{{.HostConfig.Privileged}}' box) in
            true) [ "$(berth exec box sh -c 'test -w /proc/sys/kernel/core_pattern && echo yes')" = yes ] ;;
            false) [[ $rights == 00000000*fb ]] || complain "$document: $rights" ;;
        esac
        berth rm -f box >/dev/null
    done
    # One and the same document, however it is sent.
    document='{"Image":"busybox","HostConfig":{"Binds":["'$CANARY':/c:ro"],"Mounts":[{"Type":"bind","Source":"'$CANARY'","Target":"/d","ReadOnly":true}]}}'
    echo "$document" >document
    { head -c 3000000 /dev/zero | tr '\0' ' '; echo "$document"; } >long
    { echo "${document%\}}"; printf ',"Labels":{"pad":"'; head -c 3000000 /dev/zero | tr '\0' x; printf '"}}'; } >padded
    gzip -k document
    for how in '-d @document' '-d @long' '-d @padded' '-H Transfer-Encoding:chunked -d @document' '-H Expect:100-continue -d @document' \
        '-H Content-Type:application/json;charset=utf-8 -d @document'; do
        # shellcheck disable=SC2086
        make $how >made
        jq -e .Id made >/dev/null || complain "$how: $(head -c 300 made)"
        [ "$(berth inspect -f '{{len .HostConfig.Binds}} {{len .Mounts}}' box)" = '1 2' ]
        berth rm box >/dev/null
    done
    # What cannot be read makes nothing: cut, compressed, without a body, followed by a second document.
    for how in '-H Content-Length:10 -d @document' '--data-binary @document.gz -H Content-Encoding:gzip' '-H Content-Length:0' '-d @document -d @document'; do
        # shellcheck disable=SC2086
        make $how >made 2>/dev/null || true
        if jq -e .Id made >/dev/null 2>&1; then complain "$how: $(cat made)"; fi
    done
    [ -z "$(berth ps -aq)" ]
}

# CVE-2025-23266, CVE-2025-23267, CVE-2026-24260: what a device brings along runs on the host, and not as the image says.
@test "hooks of a device get nothing from the image" {
    mkdir -p /var/run/cdi
    cat >hook <<END
#!/bin/sh
{ echo called; pwd; env; ls -l /proc/self/fd; } >>$PWD/hooked
END
    chmod +x hook
    local kind hooks=''
    for kind in prestart createRuntime createContainer; do hooks+="{\"hookName\": \"$kind\", \"path\": \"$PWD/hook\", \"args\": [\"hook\"]},"; done
    echo "{\"cdiVersion\": \"0.6.0\", \"kind\": \"berth-attack.example/dev\", \"devices\": [{\"name\": \"one\", \"containerEdits\": {\"hooks\": [${hooks%,}]}}]}" >/var/run/cdi/berth-attack.json
    mkdir library
    cat >library/Dockerfile <<'END'
FROM busybox
ENV LD_PRELOAD=/evil.so LD_AUDIT=/evil.so LD_LIBRARY_PATH=/evil PATH=/evil:/bin BASH_ENV=/evil ENV=/evil PYTHONPATH=/evil GCONV_PATH=/evil IFS=/evil
RUN mkdir /evil && cp /bin/busybox /evil/env && touch /evil.so
WORKDIR /evil
END
    berth build -q -t evil library >/dev/null
    run timeout 30 berth run --rm --device berth-attack.example/dev=one evil /bin/true
    rm -f /var/run/cdi/berth-attack.json
    rmdir /var/run/cdi 2>/dev/null || true
    [ "$status" -eq 0 ]
    berth rmi evil >/dev/null
    [ "$(grep -c '^called' hooked)" -eq 3 ]
    if grep -E 'evil|BERTH_|sock' hooked; then return 1; fi
}

# CVE-2022-1708, CVE-2022-31030, CVE-2025-64329, CVE-2018-20699: sessions whose client is gone.
@test "clients that vanish in the middle of exec, attach, resize and logs leave nothing in engine and shim" {
    berth run -d -i --name box busybox sh -c 'while :; do echo line; sleep 0.01; done' >/dev/null
    berth run -d -t --name terminal busybox sh -c 'while :; do echo line; sleep 0.01; done' >/dev/null
    local shims round
    shims=$(pgrep -P "$BERTH_ENGINE_PID" -x berth-shim || pgrep -x berth-shim)
    held() {
        local pid
        for pid in $BERTH_ENGINE_PID $shims; do
            echo "$(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l) $(awk '/^Threads/ {print $2}' "/proc/$pid/status")"
        done
        berth exec box sh -c 'ls -d /proc/[0-9]* | wc -l'
    }
    vanish() {
        python3 - "$1" "${BERTH_HOST#unix://}" <<'END'
import json, socket, sys
rounds, path = int(sys.argv[1]), sys.argv[2]
def ask(request, body=b"", read=1):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(path)
    s.sendall(request.encode() + b" HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
              + (b"Connection: Upgrade\r\nUpgrade: tcp\r\n" if read == 1 else b"") + b"\r\n" + body)
    data = s.recv(4096)
    return s, data
for i in range(rounds):
    for name in ("box", "terminal"):
        s, _ = ask("POST /v1.44/containers/%s/attach?stream=1&stdin=1&stdout=1&stderr=1&logs=1" % name)
        s.close()
        s, _ = ask("GET /v1.44/containers/%s/logs?follow=1&stdout=1" % name, read=0)
        s.close()
        ask("POST /v1.44/containers/%s/resize?h=%d&w=80" % (name, 20 + i % 30), read=0)[0].close()
        tty = name == "terminal"
        s, data = ask("POST /v1.44/containers/%s/exec" % name, json.dumps({"Cmd": ["sh", "-c", "read x; yes | head -c 200000"], "AttachStdin": True, "AttachStdout": True, "Tty": tty}).encode(), read=0)
        s.close()
        id = json.loads(data.split(b"\r\n\r\n", 1)[1])["Id"]
        s, _ = ask("POST /v1.44/exec/%s/start" % id, json.dumps({"Detach": False, "Tty": tty}).encode())
        s.sendall(b"go\n")
        s.close()
        ask("POST /v1.44/exec/%s/resize?h=10&w=10" % id, read=0)[0].close()
        s, _ = ask("GET /v1.44/containers/%s/stats" % name, read=0)
        s.close()
END
    }
    vanish 5
    sleep 1
    held >before
    vanish "${BERTH_ATTACK_ROUNDS:-40}"
    settled() { held >after && awk 'NR == FNR {was[FNR] = $1; threads[FNR] = $2; next} $1 > was[FNR] + 2 || $2 > threads[FNR] + 4 {bad = 1} END {exit bad}' before after; }
    until_true 60 settled || { paste before after; return 1; }
}
