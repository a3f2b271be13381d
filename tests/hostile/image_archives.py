#!/usr/bin/env python3
"""Image archives for `berth load` that lie or lead outward: image_archives.py KIND FILE; --list for the kinds to refuse."""
import io
import json
import sys
import tarfile

from image import Image, digest_of, tar_of

good = Image(1)
CONFIG = digest_of(good.config).split(":")[1]


def docker(manifest, files):
    return tar_of(files + [("manifest.json", manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode())])


def layers():
    return [("%d.tar" % i, tar) for i, tar in enumerate(good.tars)]


def entry(**changes):
    return [{"Config": "config.json", "RepoTags": ["hostile:1"], "Layers": ["0.tar", "1.tar"], **changes}]


FILES = layers() + [("config.json", good.config)]


def layout(index, files):
    return tar_of([("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", json.dumps(index).encode())] + files)


def blobs(*datas, rename=None):
    return [("blobs/sha256/" + (rename or digest_of(d).split(":")[1]), d) for d in datas]


def index_of(digest, size, media="application/vnd.oci.image.manifest.v1+json"):
    return {"schemaVersion": 2, "manifests": [{"mediaType": media, "digest": digest, "size": size,
                                               "annotations": {"io.containerd.image.name": "docker.io/library/hostile:1"}}]}


def with_links():
    """The configuration is a link out of the archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in layers() + [("manifest.json", json.dumps(entry()).encode())]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        info = tarfile.TarInfo("config.json")
        info.type, info.linkname = tarfile.SYMTYPE, "../../../../../../../../etc/hostname"
        tar.addfile(info)
    return out.getvalue()


def cyclic_index():
    """An index cannot hold its own digest, but it can be nested deeper than anybody would."""
    files, media = [], "application/vnd.oci.image.index.v1+json"
    inner = json.dumps({"schemaVersion": 2, "mediaType": media, "manifests": []}).encode()
    for _ in range(200):
        files += blobs(inner)
        inner = json.dumps({"schemaVersion": 2, "mediaType": media, "manifests": [
            {"mediaType": media, "digest": digest_of(inner), "size": len(inner)}] * 2}).encode()
    return layout(index_of(digest_of(inner), len(inner), media), files + blobs(inner))


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


REFUSED = {
    "config-dot-dot": docker(entry(Config="../../../../etc/passwd"), FILES),
    "config-absolute": docker(entry(Config="/etc/passwd"), FILES),
    "layer-dot-dot": docker(entry(Layers=["../../../etc/passwd", "1.tar"]), FILES),
    "config-is-a-link-out": with_links(),
    "layer-missing": docker(entry(Layers=["0.tar", "9.tar"]), FILES),
    "layer-fewer": docker(entry(Layers=["0.tar"]), FILES),
    "layer-swapped": docker(entry(Layers=["1.tar", "0.tar"]), FILES),
    "layer-flipped": docker(entry(), [("0.tar", good.tars[0]), ("1.tar", flipped(good.tars[1], 700_000)), ("config.json", good.config)]),
    "layer-garbage": docker(entry(), [("0.tar", good.tars[0]), ("1.tar", b"no tar at all" * 100), ("config.json", good.config)]),
    "config-no-json": docker(entry(), layers() + [("config.json", b"{")]),
    "config-null": docker(entry(), layers() + [("config.json", b"null")]),
    "config-list": docker(entry(), layers() + [("config.json", b"[1,2]")]),
    "config-odd-types": docker(entry(), layers() + [("config.json", json.dumps({"architecture": 5, "os": [], "config": "x", "rootfs": {"diff_ids": [1, None]}}).encode())]),
    "config-bad-digest": docker(entry(), layers() + [("config.json", good.config.replace(b"sha256:", b"sha256:../../"))]),
    "manifest-no-json": docker(b"[{", FILES),
    "manifest-object": docker(b"{}", FILES),
    "manifest-null-entries": docker(b"[null]", FILES),
    "manifest-odd-types": docker(b'[{"Config":1,"Layers":"x","RepoTags":{}}]', FILES),
    "tag-invalid": docker(entry(RepoTags=["../../evil:1"]), FILES),
    "tag-with-escape": docker(entry(RepoTags=["evil\u001b[2J:1"]), FILES),
    "nothing": tar_of([("readme.txt", b"hello")]),
    "empty": b"",
    "json-deep": docker(b"[" * 200_000, FILES),
    "oci-blob-wrong": layout(index_of(digest_of(good.manifest), len(good.manifest)),
                             blobs(good.config, *good.layers) + blobs(good.manifest + b" ", rename=digest_of(good.manifest).split(":")[1])),
    "oci-layer-flipped": layout(index_of(digest_of(good.manifest), len(good.manifest)),
                                blobs(good.config, good.manifest, good.layers[0])
                                + blobs(flipped(good.layers[1], 500_000), rename=good.big.split(":")[1])),
    "oci-layer-missing": layout(index_of(digest_of(good.manifest), len(good.manifest)), blobs(good.config, good.manifest, good.layers[0])),
    "oci-digest-outward": layout(index_of("sha256:../../../../etc/passwd", 10), []),
    "oci-digest-unknown": layout(index_of("md5:" + "0" * 32, 10), []),
    "oci-index-nested": cyclic_index(),
    "oci-index-no-json": tar_of([("oci-layout", b"{}"), ("index.json", b"<html>")]),
    "oci-name-invalid": layout({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
                                "digest": digest_of(good.manifest), "size": len(good.manifest),
                                "annotations": {"io.containerd.image.name": "../../../etc/passwd:x"}}]},
                               blobs(good.config, good.manifest, *good.layers)),
}
KINDS = {**REFUSED, "good": docker(entry(), FILES)}

if sys.argv[1] == "--list":
    print("\n".join(REFUSED))
else:
    open(sys.argv[2], "wb").write(KINDS[sys.argv[1]])
