#!/usr/bin/env bats
# Ctrl-C and SIGTERM in every command that can take long: it ends at once with 130 (or 143), and leaves nothing behind.
load ../lib/hostile

setup_file() { shared_engine_start; }
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    cd "$BATS_TEST_TMPDIR"
}
teardown() {
    stop_hostile_registry
    stop_silent_server
    # At last: no request goes on in the engine for a client that is gone.
    remove_containers && audit_data && still_works && until_true 30 no_stuck_threads
}
no_stuck_threads() { [ "$(ls "/proc/$BERTH_ENGINE_PID/task" | wc -l)" -le 40 ]; }

# interrupted SIGNAL WHEN STATUS COMMAND...: the signal, and within 5 seconds the command has ended with STATUS. WHEN is so many
# seconds after the start, or, for what acts on a signal only from some point on, a text that the command has printed by then.
interrupted() {
    local signal=$1 after=$2 wanted=$3 got=0 pid
    shift 3
    : >out
    # A shell starts background jobs with SIGINT ignored; env gives it back.
    env --default-signal=INT,QUIT "$@" <"${INPUT:-/dev/null}" >out 2>&1 &
    pid=$!
    case $after in
        [0-9]*) sleep "$after" ;;
        *) until_true 60 grep -q "$after" out || { cat out; return 1; } ;;
    esac
    kill -0 $pid 2>/dev/null || { cat out; echo "ended before the signal: $*"; return 1; }
    kill -"$signal" $pid
    local start=$SECONDS
    ( sleep 8; kill -KILL $pid 2>/dev/null ) 3>&- &
    local guard=$!
    wait $pid || got=$?
    kill $guard 2>/dev/null
    wait $guard 2>/dev/null || true
    [ $((SECONDS - start)) -le 6 ] || { echo "took $((SECONDS - start)) s to end: $*"; return 1; }
    [ "$got" -eq "$wanted" ] || { cat out; echo "status $got instead of $wanted after SIG$signal: $*"; return 1; }
}
# interrupted_or_done SIGNAL STATUS COMMAND...: for what may be too fast to be met; the status in `got`.
interrupted_or_done() {
    local signal=$1 wanted=$2 pid
    shift 2
    env --default-signal=INT,QUIT "$@" >out 2>&1 &
    pid=$! got=0
    sleep 0.2
    kill -"$signal" $pid 2>/dev/null || true
    wait $pid || got=$?
    [ "$got" -eq 0 ] || [ "$got" -eq "$wanted" ] || { cat out; echo "status $got: $*"; return 1; }
}
# both STATUS_OF_INT STATUS_OF_TERM WHEN COMMAND...
both() {
    local int=$1 term=$2 after=$3
    shift 3
    interrupted INT "$after" "$int" "$@"
    interrupted TERM "$after" "$term" "$@"
}

@test "what only looks on: logs -f, events, stats, wait, attach, ps of compose" {
    berth run -d --name quiet busybox sleep 1000 >/dev/null
    both 130 143 0.7 berth logs -f quiet
    both 130 143 0.7 berth events
    both 130 143 0.7 berth stats quiet
    both 130 143 0.7 berth wait quiet
    both 130 143 0.7 berth attach --no-stdin --sig-proxy=false quiet
    [ "$(berth inspect -f '{{.State.Running}}' quiet)" = true ]
}

@test "run passes the signal on, and its status is the program's" {
    # sleep as process 1 ignores what it does not handle; a shell with a trap does handle it.
    local trap='trap "exit 42" INT TERM; while :; do echo ready; sleep 0.1; done'
    both 42 42 ready berth run --rm busybox sh -c "$trap"
    both 130 143 ready berth run --rm --init busybox sh -c 'echo ready; exec sleep 1000'
    [ -z "$(berth ps -aq)" ]
    berth run -d --name host busybox sh -c "$trap" >/dev/null
    interrupted INT ready 42 berth attach --no-stdin host
}

@test "exec ends with its program, and the container goes on" {
    berth run -d --name host busybox sleep 1000 >/dev/null
    both 130 143 ready berth exec host sh -c 'echo ready; exec sleep 1001'
    [ "$(berth inspect -f '{{.State.Running}}' host)" = true ]
    berth exec host true
}

@test "pull and push while the registry is silent, and run that pulls" {
    hostile_registry
    both 130 143 1 berth pull "127.0.0.1:$REGISTRY_PORT/never:1"
    both 130 143 1 berth run --rm "127.0.0.1:$REGISTRY_PORT/never:1" true
    both 130 143 1 berth create "127.0.0.1:$REGISTRY_PORT/never:1"
    [ -z "$(berth ps -aq)" ]
    # A registry that takes connections and says nothing.
    silent_server 5195
    berth tag busybox 127.0.0.1:5195/x:1
    both 130 143 1 berth push 127.0.0.1:5195/x:1
    both 130 143 1 berth login -u a -p b 127.0.0.1:5195
    berth rmi 127.0.0.1:5195/x:1
    stop_silent_server
    berth system prune -f >/dev/null
    [ -z "$(find "$BERTH_TEST_DIR/data/ingest" -type f)" ]
}

@test "build: in a step, while the context is sent, while the base is pulled" {
    mkdir context
    printf 'FROM busybox\nRUN echo step has begun; sleep 4322\n' >context/Dockerfile
    both 130 143 '[0-9] step has begun' berth build --progress plain -t slow context
    until_true 20 bash -c '! pgrep -x -f "sleep 4322"'
    if berth image inspect slow; then return 1; fi
    hostile_registry
    printf 'FROM 127.0.0.1:%s/never:1\n' "$REGISTRY_PORT" >context/Dockerfile
    both 130 143 1 berth build -t slow context
    mkfifo pipe
    sleep 600 3>&- >pipe &
    INPUT=pipe both 130 143 1 berth build -
    kill %% 2>/dev/null || true
}

@test "load, import and cp whose input does not come" {
    berth create --name target busybox >/dev/null
    mkfifo pipe
    { python3 "$HOSTILE/image_archives.py" good /dev/stdout | head -c 500000; exec sleep 600; } 3>&- >pipe &
    local writer=$!
    INPUT=pipe interrupted INT 1 130 berth load
    kill $writer 2>/dev/null || true
    sleep 600 3>&- >pipe &
    writer=$!
    INPUT=pipe both 130 143 1 berth import - half:latest
    INPUT=pipe both 130 143 1 berth cp - target:/root
    kill $writer 2>/dev/null || true
    [ "$(berth images -q | wc -l)" -eq 1 ]
}

@test "save and export whose reader has stopped leave no half file" {
    mkfifo pipe
    sleep 600 3>&- <pipe &
    local reader=$!
    berth create --name source busybox >/dev/null
    both 130 143 1 bash -c 'exec berth save busybox >pipe'
    both 130 143 1 bash -c 'exec berth export source >pipe'
    both 130 143 1 bash -c 'exec berth cp source:/bin - >pipe'
    kill $reader 2>/dev/null || true
    # A file that could not be finished is not there at all.
    head -c 200M /dev/urandom >big
    tar -c big | berth import - big:latest >/dev/null
    env --default-signal=INT berth save -o saved.tar big:latest &
    local pid=$!
    sleep 0.15
    kill -INT $pid 2>/dev/null || true
    local status=0
    wait $pid || status=$?
    if [ "$status" -ne 0 ]; then
        [ "$status" -eq 130 ]
        [ ! -e saved.tar ]
    fi
    [ -z "$(find . -name '.*tar*')" ]
    berth rmi big:latest >/dev/null
}

@test "image copy from what is silent, and to what does not read" {
    berth image copy -q busybox oci-archive:whole.tar
    mkfifo pipe
    { head -c 500000 whole.tar; exec sleep 600; } 3>&- >pipe &
    local writer=$!
    INPUT=pipe both 130 143 1 berth image copy oci-archive:- oci:half
    INPUT=pipe both 130 143 1 berth image copy oci-archive:- oci-archive:half.tar
    INPUT=pipe both 130 143 1 berth image copy oci-archive:- half:1
    kill $writer 2>/dev/null || true
    hostile_registry
    both 130 143 1 berth image copy "docker://127.0.0.1:$REGISTRY_PORT/never:1" oci:half
    both 130 143 1 berth image copy "docker://127.0.0.1:$REGISTRY_PORT/never:1" oci-archive:half.tar
    silent_server 5196
    both 130 143 1 berth image copy oci-archive:whole.tar docker://127.0.0.1:5196/x:1
    stop_silent_server
    sleep 600 3>&- <pipe &
    local reader=$!
    both 130 143 1 bash -c 'exec berth image copy busybox oci-archive:- >pipe'
    kill $reader 2>/dev/null || true
    [ ! -e half/index.json ] && [ -z "$(find . -name '*.part')" ] && [ ! -e half.tar ]
    [ "$(berth images -q | wc -l)" -eq 1 ]
}

@test "stop and restart that wait for a stubborn program; rm of many; prune" {
    berth run -d --name stubborn busybox sh -c 'trap : TERM; while :; do sleep 1; done' >/dev/null
    both 130 143 1 berth stop -t 300 stubborn
    [ "$(berth inspect -f '{{.State.Running}}' stubborn)" = true ]
    both 130 143 1 berth restart -t 300 stubborn
    # Others are not held up by the stop that nobody waits for any more.
    timeout 10 berth kill stubborn
    timeout 10 berth rm -f stubborn
}

@test "compose: up, up -d --wait, logs -f, run, build" {
    mkdir shop
    cat >shop/compose.yaml <<'YAML'
services:
  web:
    image: busybox
    command: ["sh", "-c", "trap 'exit 0' TERM; while :; do echo tick; sleep 0.1; done"]
  never:
    image: busybox
    command: sleep 1000
    stop_grace_period: 1s
    healthcheck: {test: [CMD, "false"], interval: 60s, retries: 100}
  late:
    image: busybox
    command: sleep 1000
    stop_grace_period: 1s
    depends_on: {never: {condition: service_healthy}}
YAML
    cd shop
    both 130 143 2 berth compose up -d --wait
    berth compose down -t 1 >/dev/null 2>&1
    both 130 143 1.5 berth compose up -d
    both 130 143 1 berth compose logs -f
    both 130 143 1 berth compose wait web
    berth compose down -t 1 >/dev/null 2>&1
    # In the foreground, Ctrl-C stops the services and ends.
    interrupted INT tick 130 berth compose up web
    [ -z "$(berth ps -q)" ]
    both 42 42 ready berth compose run --rm --no-deps web sh -c "trap 'exit 42' INT TERM; while :; do echo ready; sleep 0.1; done"
    until_true 20 bash -c '[ -z "$(berth ps -q)" ]'
    berth compose down -t 1 >/dev/null 2>&1
    [ "$(berth network ls -q | wc -l)" -eq 3 ]
}

@test "compose: pull, build and down" {
    hostile_registry
    mkdir shop
    cat >shop/compose.yaml <<YAML
services:
  never:
    image: 127.0.0.1:$REGISTRY_PORT/never:1
  slow:
    build: {context: ., dockerfile_inline: "FROM busybox\nRUN sleep 4323\n"}
  stubborn:
    image: busybox
    command: ["sh", "-c", "trap : TERM; while :; do sleep 0.2; done"]
    stop_grace_period: 300s
YAML
    cd shop
    both 130 143 1 berth compose pull never
    both 130 143 1 berth compose pull --ignore-pull-failures never
    both 130 143 1 berth compose up -d never
    both 130 143 1 berth compose up never
    both 130 143 1 berth compose run --rm never true
    both 130 143 2 berth compose build slow
    until_true 20 bash -c '! pgrep -x -f "sleep 4323"'
    timeout 60 berth compose up -d stubborn
    both 130 143 1 berth compose stop stubborn
    both 130 143 1 berth compose down
    # Nothing was half removed: the next one finishes.
    [ "$(berth compose ps -q | wc -l)" -eq 1 ]
    timeout 30 berth compose down -t 0
    [ "$(berth network ls -q | wc -l)" -eq 3 ]
}

@test "image bootstrap whose mirror is silent" {
    silent_server 5194
    both 130 143 1.5 berth image bootstrap --mirror http://127.0.0.1:5194/debian debian:bookworm
    until_true 10 bash -c '! pgrep -f "[m]mdebstrap.*5194"'
    [ "$(berth images -q | wc -l)" -eq 1 ]
}

@test "commit of much, and prune of much" {
    berth run --name big busybox sh -c 'head -c 150000000 /dev/urandom >/big' >/dev/null
    interrupted_or_done INT 130 berth commit big big:latest
    if [ "$got" -ne 0 ]; then
        if berth image inspect big:latest >/dev/null 2>&1; then return 1; fi
        berth commit big big:latest >/dev/null
    fi
    berth rm big >/dev/null
    interrupted_or_done TERM 143 berth system prune -a -f
    # Whatever was left undone, the next one does. The engine may need a moment to notice that nobody waits for the first.
    until_true 20 berth system prune -a -f >/dev/null 2>&1
    if berth image inspect big:latest >/dev/null 2>&1; then return 1; fi
    berth_busybox >/dev/null
}

@test "a third Ctrl-C leaves a program that does not hear it" {
    # Process 1 without a handler is not reached by these signals at all.
    env --default-signal=INT berth run --name deaf busybox sleep 1000 >out 2>&1 &
    local pid=$! status=0 i
    until_true 10 bash -c '[ "$(berth inspect -f "{{.State.Running}}" deaf 2>/dev/null)" = true ]'
    sleep 0.3
    # Signals that come while one is pending are one: more are sent than are needed.
    for i in $(seq 100); do kill -INT $pid 2>/dev/null || break; sleep 0.2; done
    wait $pid || status=$?
    [ "$status" -eq 1 ] || { cat out; return 1; }
    grep -q 'got 3' out
    [ "$(berth inspect -f '{{.State.Running}}' deaf)" = true ]
}

@test "Ctrl-C at the question for a password gives the terminal its echo back" {
    python3 - "$BERTH_BIN/berth" <<'PY'
import os, pty, sys, termios, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], ["berth", "login", "-u", "alice", "127.0.0.1:5195"])
seen = b""
while b"assword" not in seen:
    seen += os.read(terminal, 1000)
for _ in range(200):
    if not termios.tcgetattr(terminal)[3] & termios.ECHO:
        break
    time.sleep(0.02)
else:
    sys.exit("the echo was never off")
os.write(terminal, b"hunter\x03")
for _ in range(250):
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        break
    time.sleep(0.02)
else:
    os.kill(pid, 9)
    sys.exit("did not end")
# The terminal outlives the command that used it.
assert os.waitstatus_to_exitcode(status) == 130, status
assert termios.tcgetattr(terminal)[3] & termios.ECHO, "no echo"
PY
}
