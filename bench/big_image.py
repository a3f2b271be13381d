"""Writes a docker-archive of six layers to standard output: FILES files of MEGABYTES megabytes in all, of mixed sizes.

The content is taken from the machine's own programs and libraries, so that it compresses as real images do.
"""
import hashlib
import io
import json
import random
import sys
import tarfile


def sample_bytes(limit):
    import glob
    out = bytearray()
    for path in sorted(glob.glob("/usr/lib/x86_64-linux-gnu/*.so*") + glob.glob("/usr/lib/*/*.so*") + glob.glob("/usr/bin/*")):
        try:
            with open(path, "rb") as file:
                out += file.read(2 << 20)
        except OSError:
            continue
        if len(out) >= limit:
            break
    return bytes(out[:limit])


def layer(number, count, total, pool, rng):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        mean = total / count
        for index in range(count):
            size = min(int(rng.expovariate(1 / mean)), 8 << 20)
            start = rng.randrange(max(1, len(pool) - size))
            info = tarfile.TarInfo(f"layer{number}/d{index // 100}/f{index}")
            info.size, info.mode, info.mtime = size, 0o644, 1700000000
            tar.addfile(info, io.BytesIO(pool[start:start + size]))
    return buffer.getvalue()


def main():
    files, megabytes = int(sys.argv[1]), int(sys.argv[2])
    rng, pool = random.Random(1), sample_bytes(256 << 20)
    out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")

    def add(name, data):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        out.addfile(info, io.BytesIO(data))

    names, ids = [], []
    for number in range(6):
        data = layer(number, files // 6, megabytes * 1000000 // 6, pool, rng)
        ids.append("sha256:" + hashlib.sha256(data).hexdigest())
        names.append(f"layer{number}.tar")
        add(names[-1], data)
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["true"]},
                         "rootfs": {"type": "layers", "diff_ids": ids}}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    add(name, config)
    add("manifest.json", json.dumps([{"Config": name, "RepoTags": ["bench-big:latest"], "Layers": names}]).encode())
    out.close()


main()
