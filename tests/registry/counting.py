#!/usr/bin/env python3
"""A registry that counts how many blobs travel at a time: counting.py PORT FOLDER

Serves an image of eight layers under every repository name, other ones for each name, and takes whatever is pushed. A blob is
held back until FOLDER/expected blobs travel at once, or a while has passed; the most seen is in FOLDER/down and FOLDER/up.
"""
import gzip
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OCI = "application/vnd.oci.image."
PATIENCE, AFTERWARDS = 4.0, 0.2
folder = sys.argv[2]
changed = threading.Condition()
travelling = {"down": 0, "up": 0}
uploads = iter(range(1 << 30))


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def image_of(name):
    blobs = {}

    def put(data, kind):
        blobs[digest_of(data)] = data
        return {"mediaType": OCI + kind, "digest": digest_of(data), "size": len(data)}

    tars = [tar_of("file%d" % i, ("%s %d\n" % (name, i)).encode()) for i in range(8)]
    layers = [put(gzip.compress(tar, mtime=0), "layer.v1.tar+gzip") for tar in tars]
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    config = put(json.dumps({"os": "linux", "architecture": machine, "config": {},
                             "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]}}).encode(), "config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": config, "layers": layers}
    return json.dumps(manifest).encode(), config["digest"], blobs


def travel(way):
    """Holds the calling request until as many travel as are expected."""
    with changed:
        travelling[way] += 1
        path = os.path.join(folder, way)
        most = int(open(path).read()) if os.path.exists(path) else 0
        if travelling[way] > most:
            open(path, "w").write(str(travelling[way]))
        changed.notify_all()
        expected = int(open(os.path.join(folder, "expected")).read())
        changed.wait_for(lambda: travelling[way] >= expected, PATIENCE)
    threading.Event().wait(AFTERWARDS)  # time for one too many to come
    with changed:
        travelling[way] -= 1


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        match = re.fullmatch(r"/v2/([^/]+)/(manifests|blobs)/([^?]+)", self.path)
        if not match:
            return self.answer(200, b"{}")
        name, what, rest = match.groups()
        manifest, config, blobs = image_of(name)
        if what == "manifests":
            return self.answer(200, manifest, Content_Type=OCI + "manifest.v1+json", Docker_Content_Digest=digest_of(manifest))
        if rest not in blobs:
            return self.answer(404)
        if rest != config:
            travel("down")
        self.answer(200, blobs[rest])

    def do_HEAD(self):
        self.answer(404)  # nothing is there yet: everything is pushed

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.answer(202, Location="%s%d" % (self.path.split("?")[0], next(uploads)))

    def do_PATCH(self):
        self.take(202)

    def do_PUT(self):
        self.take(201)

    def take(self, status):
        length = int(self.headers.get("Content-Length", "0"))
        data = self.rfile.read(length)
        if "/uploads/" in self.path and data:
            travel("up")
        self.answer(status, Location=self.path.split("?")[0], Range="0-%d" % max(0, length - 1))


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
