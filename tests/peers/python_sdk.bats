# Docker's library for Python, Debian's version.
load helpers

setup() { berth_engine_start; berth_busybox; }
teardown() { berth_engine_stop; berth_audit; }

# The library reads the head through a buffer and goes on below it: what arrived with the head is lost.
# read_late PATH: starts a stream, lets it wait for a moment, and prints what follows the head.
read_late() {
    python3 - "${BERTH_HOST#unix://}" "$1" <<'PYTHON'
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(sys.argv[1])
s.sendall((f"POST {sys.argv[2]} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
           "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}").encode())
time.sleep(0.4)
head = s.makefile("rb")
while head.readline().strip():
    pass
data = b""
while (part := s.recv(65536)):
    data += part
sys.stdout.write(data.decode())
PYTHON
}

@test "streams: what a client has not read with the head stays readable behind it" {
    berth run -d --name target busybox sh -c 'echo logged; sleep 1000'
    id=$(curl -sS --unix-socket "${BERTH_HOST#unix://}" -H 'Content-Type: application/json' \
        -d '{"Cmd":["echo","from exec"],"AttachStdout":true,"Tty":true}' http://x/containers/target/exec | jq -r .Id)
    [[ "$(read_late "/exec/$id/start")" == *'from exec'* ]]
    # A client that reads nothing holds its own stream up for a while, and nobody else's.
    (sleep 2; berth kill target) >/dev/null 3>&- &
    killer=$!
    run read_late '/containers/target/attach?logs=1&stream=1&stdout=1'
    [[ "$output" == *logged* ]]
    wait $killer
}

@test "python: containers, exec with streams apart, logs, files and events" {
    /usr/bin/python3 - <<'PYTHON'
import docker, io, os, tarfile
client = docker.DockerClient(base_url=os.environ["DOCKER_HOST"], version="auto")
assert client.containers.run("busybox", ["echo", "hi"], remove=True) == b"hi\n"
c = client.containers.run("busybox", ["sh", "-c", "echo up; sleep 1000"], detach=True, labels={"a": "b"}, ports={"80/tcp": None})
for _ in range(20):
    code, (out, err) = c.exec_run(["sh", "-c", "echo out; echo err >&2; exit 3"], demux=True)
    assert (code, out, err) == (3, b"out\n", b"err\n"), (code, out, err)
code, out = c.exec_run("tty", tty=True, stdin=True)
assert out == b"/dev/pts/0\r\n", out
assert b"".join(c.exec_run("seq 3", stream=True).output) == b"1\n2\n3\n"
assert c.logs() == b"up\n"
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    info = tarfile.TarInfo("note")
    info.size = 4
    tar.addfile(info, io.BytesIO(b"text"))
assert c.put_archive("/tmp", archive.getvalue())
parts, stat = c.get_archive("/tmp/note")
assert stat["size"] == 4
assert tarfile.open(fileobj=io.BytesIO(b"".join(parts))).extractfile("note").read() == b"text"
assert c.stats(stream=False)["pids_stats"]["current"] >= 1
c.reload()
assert c.ports["80/tcp"][0]["HostPort"]
assert [x.id for x in client.containers.list(filters={"label": "a=b"})] == [c.id]
c.stop(timeout=0)
assert c.wait()["StatusCode"] == 137
try:
    client.containers.get("nothere")
    raise SystemExit("found what is not there")
except docker.errors.NotFound as error:
    assert "No such container: nothere" in str(error)
c.remove(v=True)
volume = client.volumes.create("data")
network = client.networks.create("net", driver="bridge")
mounts = {"data": {"bind": "/data", "mode": "rw"}}
client.containers.run("busybox", ["sh", "-c", "echo kept >/data/x"], remove=True, network="net", volumes=mounts)
assert client.containers.run("busybox", ["cat", "/data/x"], remove=True, volumes=mounts) == b"kept\n"
network.remove()
volume.remove()
context = b"FROM busybox\nRUN echo built >/made\nCMD cat /made\n"
image, log = client.images.build(fileobj=io.BytesIO(context), tag="made:1", rm=True)
assert client.containers.run("made:1", remove=True) == b"built\n"
PYTHON
}
