#!/usr/bin/env python3
"""A registry that misbehaves: registry.py PORT LOG

Serves one good image (image.py) under every repository name; the name chooses what goes wrong:

    good         nothing
    cut          the big layer's connection breaks after each half MiB; ranges are honoured, so a patient client gets it all
    cut-stubborn the same, but every attempt starts over: ranges are ignored
    cut-always   breaks after 64 KiB at the same place for ever
    never        the big layer never comes: the head, then silence
    pause        the same after 1 MiB, at the first request; later ones get it all
    garbage      manifests are HTML, with status 200
    no-json      manifests are of the right type and no JSON
    wrong-blob   the big layer has the right length and wrong bytes
    long-blob    more bytes than the manifest promises
    short-blob   fewer, and the connection ends politely
    lying-digest the manifest's header names another digest
    error-500, error-503, error-429, error-403, error-404   everything but /v2/ answers so
    flaky-500    every second request fails with 500
    retry-after  429 with Retry-After: 1, twice; then all is well
    loop         blobs redirect to themselves for ever
    redirect-out blobs redirect to file:///etc/passwd
    both         a manifest with "layers" and "manifests"
    bad-digest   the manifest names its layer by sha256:../../../etc/passwd
    huge         the manifest is endless
    many         a manifest with 100,000 layers
    no-upload    pushes: an upload is opened without a location
    bad-location pushes: the location is on another host
    lost-push    pushes: the connection breaks in the middle of the upload
    refuse-push  pushes: 403 for everything that writes
    full         pushes: 507, the registry's own disk is full

Each request is one line in LOG: method, path, the Range and Authorization headers.
"""
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from image import Image, digest_of

IMAGE = Image(3)
OCI = "application/vnd.oci.image.manifest.v1+json"
counts = {}
lock = threading.Lock()


def count(key):
    with lock:
        counts[key] = counts.get(key, 0) + 1
        return counts[key]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def record(self):
        with lock, open(sys.argv[2], "a") as log:
            log.write("%s %s range=%s auth=%s\n" % (self.command, self.path, self.headers.get("Range", "-"), self.headers.get("Authorization", "-")))

    def answer(self, status, body=b"", kind="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def hang_up(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(2)

    def serve(self):
        self.record()
        if self.path.rstrip("/") == "/v2":
            return self.answer(200, b"{}")
        match = re.match(r"/v2/([^?]+?)/(manifests|blobs|tags)/([^?]*)", self.path)
        if not match:
            return self.answer(404)
        mode, what, rest = match.groups()
        error = re.fullmatch(r"error-(\d+)", mode)
        if error:
            return self.answer(int(error.group(1)), b"<html>something went wrong</html>", "text/html")
        if mode == "flaky-500" and count("flaky") % 2:
            return self.answer(500, b"oops", "text/plain")
        if mode == "retry-after" and count("retry-after") <= 2:
            return self.answer(429, b"{}", Retry_After="1")
        if what == "blobs" and rest.startswith("uploads/"):
            return self.upload(mode)
        if what == "manifests":
            return self.manifest(mode, rest)
        if what == "blobs":
            return self.blob(mode, rest)
        self.answer(404)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def manifest(self, mode, _):
        if self.command == "PUT":
            length = int(self.headers.get("Content-Length", "0"))
            self.rfile.read(length)
            return self.answer(201)
        body, headers, kind = IMAGE.manifest, {}, OCI
        if mode == "garbage":
            body, kind = b"<html><body>Please log in to the hotel network</body></html>", "text/html"
        elif mode == "no-json":
            body = b"{\"schemaVersion\": 2, \"layers\": [" + b"\xff" * 40
        elif mode == "lying-digest":
            headers["Docker_Content_Digest"] = digest_of(b"something else")
        elif mode == "both":
            both = json.loads(body)
            both["manifests"] = [{"mediaType": OCI, "digest": digest_of(body), "size": len(body)}]
            body = json.dumps(both).encode()
        elif mode == "bad-digest":
            body = body.replace(IMAGE.big.encode(), b"sha256:../../../../../etc/passwd")
        elif mode == "many":
            many = json.loads(body)
            many["layers"] = [many["layers"][0]] * 100_000
            body = json.dumps(many).encode()
        elif mode == "huge":
            self.send_response(200)
            self.send_header("Content-Type", OCI)
            self.send_header("Content-Length", str(1 << 40))
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * 65536)
            except OSError:
                return
        self.answer(200, body, kind, **headers)

    def blob(self, mode, digest):
        if self.command == "HEAD" and mode in ("no-upload", "bad-location", "lost-push", "refuse-push", "full"):
            return self.answer(404)
        if mode == "loop":
            return self.answer(307, Location="/v2/loop/blobs/%s?again=%d" % (digest, count("loop")))
        if mode == "redirect-out":
            return self.answer(307, Location="file:///etc/passwd")
        data = IMAGE.blobs.get(digest)
        if data is None:
            return self.answer(404, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}')
        start, status = 0, 200
        ranged = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if ranged and mode != "cut-stubborn":
            start, status = int(ranged.group(1)), 206
        big = digest == IMAGE.big
        if big and mode == "wrong-blob":
            data = bytes(len(data))
        if big and mode == "long-blob":
            data = data + b"more" * 1000
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        length = len(data) - start
        if big and mode == "short-blob":
            length //= 2
        self.send_header("Content-Length", str(length))
        if status == 206:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        limit = length
        if big and mode in ("cut", "cut-stubborn"):
            limit = 512 << 10
            if mode == "cut-stubborn":
                limit *= count("stubborn")
        if big and mode == "cut-always":
            limit = max((64 << 10) - start, 0)
        if big and mode == "never":
            limit = 1000
        is_pause = big and mode == "pause" and count("pause") == 1
        if is_pause:
            limit = 1 << 20
        try:
            self.wfile.write(data[start:start + min(limit, length)])
            if is_pause or big and mode == "never":
                time.sleep(600)
            if limit < length:
                self.hang_up()
        except OSError:
            self.close_connection = True

    def upload(self, mode):
        if mode == "refuse-push":
            return self.answer(403, b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}')
        if mode == "full":
            return self.answer(507, b'{"errors":[{"code":"UNKNOWN","message":"no space left on device"}]}')
        if self.command == "POST":
            if mode == "no-upload":
                return self.answer(202)
            if mode == "bad-location":
                return self.answer(202, Location="http://127.0.0.1:1/elsewhere")
            return self.answer(202, Location="/v2/%s/blobs/uploads/1" % mode)
        if mode == "lost-push":
            self.rfile.read(1000)
            return self.hang_up()
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.answer(201)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
