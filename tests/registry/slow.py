#!/usr/bin/env python3
"""A registry whose connections are slow, one by one: slow.py PORT FOLDER

Serves one image under every name: a layer of 24 MiB that does not compress, and a small one. Every connection sends 4 MiB a second.
FOLDER/ranges gets a line for each request of the big layer, "FROM SENT", when it has ended; FOLDER/most has how many of these
travelled at a time, at most.
"""
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hostile"))
from image import Image  # noqa: E402

IMAGE = Image(24)
PIECE, PAUSE = 128 << 10, 1 / 32
folder = sys.argv[2]
lock = threading.Lock()
state = {"travelling": 0, "most": 0}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        name = self.path.split("?")[0].rsplit("/", 1)[1]
        is_blob = "/blobs/" in self.path
        data = IMAGE.blobs.get(name, b"") if is_blob else IMAGE.manifest if "/manifests/" in self.path else b"{}"
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, end = (int(found[1]), int(found[2] or len(data) - 1) + 1) if found else (0, len(data))
        self.send_response(206 if found else 200)
        if found:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, end - 1, len(data)))
        self.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if name != IMAGE.big:
            self.wfile.write(data[start:end])
            return
        with lock:
            state["travelling"] += 1
            state["most"] = max(state["most"], state["travelling"])
            open(os.path.join(folder, "most"), "w").write(str(state["most"]))
        at = start
        try:
            while at < end:
                self.wfile.write(data[at:min(end, at + PIECE)])
                at = min(end, at + PIECE)
                time.sleep(PAUSE)
        except OSError:
            self.close_connection = True
        with lock:
            state["travelling"] -= 1
            open(os.path.join(folder, "ranges"), "a").write("%d %d\n" % (start, at - start))

    def do_HEAD(self):
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
