# Attaching through a WebSocket, with a client of the test's own that knows RFC 6455 only.
load helpers

setup() { berth_engine_start; berth_busybox; }
teardown() { berth_engine_stop; berth_audit; }

# websocket CONTAINER QUERY TEXT: sends TEXT once attached, prints what comes until the farewell.
websocket() {
    python3 - "${BERTH_HOST#unix://}" "$@" <<'PYTHON'
import base64, hashlib, os, socket, struct, sys
path, container, query, text = sys.argv[1:5]
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(path)
key = base64.b64encode(os.urandom(16)).decode()
s.sendall((f"GET /v1.41/containers/{container}/attach/ws?{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
           f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
f = s.makefile("rb")
status = f.readline().decode().strip()
headers = {}
while (line := f.readline().strip()):
    name, _, value = line.decode().partition(": ")
    headers[name.lower()] = value
if " 101 " not in status:
    print(status)
    print(f.read(int(headers.get("content-length", 0))).decode())
    sys.exit(1)
expected = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
assert headers["sec-websocket-accept"] == expected, headers
if os.environ.get("START"):
    os.system(os.environ["START"])
data = text.encode()
mask = os.urandom(4)
if data:
    s.sendall(bytes([0x81, 0x80 | len(data)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
while True:
    opcode, length = f.read(2)
    if length == 126: length = struct.unpack(">H", f.read(2))[0]
    elif length == 127: length = struct.unpack(">Q", f.read(8))[0]
    payload = f.read(length)
    if opcode == 0x88: break
    assert opcode == 0x82, opcode
    sys.stdout.write(payload.decode())
PYTHON
}

@test "websocket: input goes in, output comes out raw, and the end says goodbye" {
    berth run -d -i --name echo busybox sh -c 'read line; echo "got $line"; echo problem >&2'
    run websocket echo 'stream=1&stdin=1&stdout=1&stderr=1' $'hello\n'
    [ "$status" -eq 0 ]
    [[ $output == *'got hello'* && $output == *problem* ]]
}

@test "websocket: attached before the start, nothing is lost; what was logged comes again" {
    berth create --name early busybox sh -c 'echo first; echo second'
    START='berth start early >/dev/null' run websocket early 'stream=1&stdout=1' ''
    [ "$output" = $'first\nsecond' ]
    run websocket early 'logs=1&stdout=1' ''
    [ "$output" = $'first\nsecond' ]
}

@test "websocket: a missing container and a request without a handshake are refused" {
    run websocket nothere 'stream=1' ''
    [ "$status" -eq 1 ]
    [[ $output == *404* && $output == *'No such container: nothere'* ]]
    berth create --name plain busybox true
    run curl -s -o "$BERTH_TEST_DIR/body" -w '%{http_code}' --unix-socket "${BERTH_HOST#unix://}" http://x/v1.41/containers/plain/attach/ws
    [ "$output" = 400 ]
    grep -q handshake "$BERTH_TEST_DIR/body"
}
