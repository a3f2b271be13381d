# The stock docker command at a terminal, Debian's and the newer one on PATH: what a person at a keyboard does.
load helpers

setup() { berth_engine_start; berth_busybox; }
teardown() { berth_engine_stop; berth_audit; }

# For each docker command here: a Python program with `docker` as its words and the class Terminal.
at_terminal() {
    local client program
    program=$(cat)
    for client in $(printf '%s\n' "$DEBIAN_DOCKER" "$(command -v docker)" | sort -u); do
        echo "# $client"
        DOCKER=$client PYTHONPATH="$BERTH_SOURCE/tests/peers" PYTHONDONTWRITEBYTECODE=1 python3 -c "
import os, subprocess, sys, time
from terminal import Terminal
docker = [os.environ['DOCKER']]
def out(*words): return subprocess.run(docker + list(words), capture_output=True, text=True, timeout=60).stdout
$program" || return 1
    done
}

@test "docker run -it: a shell, its size, resizing, Ctrl-C, and the status of its exit" {
    at_terminal <<'PYTHON'
t = Terminal(docker + ["run", "-it", "--rm", "--name", "shell", "busybox"], rows=33, columns=111)
t.expect(r"/ # ")
t.send("tty; stty size\n")
t.expect(r"/dev/pts/0\n")
# Docker's clients tell the size after the start, and repeat it until it arrives.
for _ in range(50):
    t.expect(r"/ # ")
    t.send("stty size\n")
    if t.expect(r"\n(\d+ \d+)\n").group(1) == "33 111": break
    time.sleep(0.05)
else: raise SystemExit("the size never came")
t.expect(r"/ # ")
t.resize(50, 132)
for _ in range(50):
    t.send("stty size\n")
    if t.expect(r"\n(\d+ \d+)\n").group(1) == "50 132": break
    time.sleep(0.05)
    t.expect(r"/ # ")
else: raise SystemExit("the new size never came")
t.expect(r"/ # ")
t.send("sleep 1000\n")
t.expect(r"sleep 1000\n")
for _ in range(200):
    if "sleep 1000" in out("top", "shell"): break
    time.sleep(0.05)
time.sleep(0.3)
t.send("\x03")
t.expect(r"/ # ")
t.send("exit 7\n")
assert t.wait() == 7
assert out("ps", "-aq") == ""
PYTHON
}

@test "docker run -it: Ctrl-P Ctrl-Q leaves it running, attach comes back to it" {
    at_terminal <<'PYTHON'
t = Terminal(docker + ["run", "-it", "--name", "left", "busybox"])
t.expect(r"/ # ")
t.send("x=kept\n")
t.expect(r"/ # ")
t.send("\x10\x11")
assert t.wait() == 0
assert out("inspect", "-f", "{{.State.Running}}", "left") == "true\n"
t = Terminal(docker + ["attach", "left"])
t.send("\n")
t.expect(r"/ # ")
t.send("echo $x-again\n")
t.expect(r"kept-again\n")
t.send("exit\n")
t.wait()
out("rm", "-f", "left")
PYTHON
}

@test "docker exec -it: a terminal beside the container's process, resized, with its own status" {
    at_terminal <<'PYTHON'
out("run", "-d", "--name", "target", "busybox", "sleep", "1000")
t = Terminal(docker + ["exec", "-it", "-e", "GREETING=hello", "-w", "/tmp", "target", "sh"], rows=31, columns=99)
t.expect(r"/tmp # ")
t.send("echo $GREETING-there; tty\n")
t.expect(r"hello-there\n/dev/pts/\d\n")
t.expect(r"/tmp # ")
t.resize(44, 122)
for _ in range(50):
    t.send("stty size\n")
    if t.expect(r"\n(\d+ \d+)\n").group(1) == "44 122": break
    time.sleep(0.05)
    t.expect(r"/tmp # ")
else: raise SystemExit("the new size never came")
t.expect(r"/tmp # ")
t.send("exit 5\n")
assert t.wait() == 5
assert out("inspect", "-f", "{{.State.Running}}", "target") == "true\n"
out("rm", "-f", "target")
PYTHON
}

@test "docker logs -f, stats and events follow until Ctrl-C" {
    at_terminal <<'PYTHON'
out("run", "-d", "--name", "talker", "busybox", "sh", "-c", "i=0; while :; do i=$((i+1)); echo line-$i; sleep 0.2; done")
t = Terminal(docker + ["logs", "-f", "--tail", "1", "talker"])
t.expect(r"line-(\d+)\n")
t.expect(r"line-(\d+)\n")
t.send("\x03")
# Docker's clients end with 130, older ones with 1 or by the signal itself.
assert t.wait() in (0, 1, 130, -2)
# Without a name: the newer client with one does not end at Ctrl-C, whoever serves it.
t = Terminal(docker + ["stats"], columns=200)
t.expect(r"NAME +CPU %")
t.expect(r"talker +\d+\.\d\d% +[\d.]+[kKMG]?i?B / ")
t.expect(r"talker +\d+\.\d\d% +[\d.]+[kKMG]?i?B / ")
t.send("\x03")
t.wait()
assert "talker" in out("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.PIDs}}", "talker")
# Whatever happens before the client listens is told, too.
t = Terminal(docker + ["events", "--since", str(int(time.time())), "--filter", "container=talker", "--format", "{{.Type}} {{.Action}}"])
out("stop", "-t", "0", "talker")
t.expect(r"container kill\n")
t.expect(r"container die\n")
t.expect(r"container stop\n")
out("start", "talker")
t.expect(r"container start\n")
t.send("\x03")
t.wait()
out("rm", "-f", "talker")
PYTHON
}

@test "docker run without a terminal refuses -t, as docker does; Ctrl-C of run ends the container" {
    at_terminal <<'PYTHON'
refused = subprocess.run(docker + ["run", "--rm", "-it", "busybox", "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
assert refused.returncode == 1 and "TTY" in refused.stderr, refused
t = Terminal(docker + ["run", "--rm", "--name", "ended", "busybox", "sh", "-c", "trap 'exit 9' INT; echo ready; while :; do sleep 0.1; done"])
t.expect(r"ready\n")
t.send("\x03")
assert t.wait() == 9
PYTHON
}
