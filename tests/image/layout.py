"""Writes an OCI layout as a tar: an index with an image for each platform named, an attestation for the first, and an index
in the index for the last. layout.py FILE NAME PLATFORM..."""
import gzip, hashlib, io, json, sys, tarfile


def tar_of(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


blobs = {}


def put(data, media_type, **more):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    digest = hashlib.sha256(data).hexdigest()
    blobs[digest] = data
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data), **more}


def image(platform):
    parts = platform.split("/")
    about = {"os": parts[0], "architecture": parts[1], **({"variant": parts[2]} if len(parts) > 2 else {})}
    layer = tar_of([("platform", platform.encode() + b"\n"), ("shared", b"x" * 100000)])
    config = put({**about, "config": {"Cmd": ["sh"]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
                  "history": [{"created_by": "layer of " + platform}]}, "application/vnd.oci.image.config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
                "layers": [put(gzip.compress(layer, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")]}
    return put(manifest, manifest["mediaType"], platform=about)


def attestation(about):
    layer = put({"_type": "https://in-toto.io/Statement/v0.1"}, "application/vnd.in-toto+json")
    config = put({"os": "unknown", "architecture": "unknown", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}},
                 "application/vnd.oci.image.config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [layer]}
    return put(manifest, manifest["mediaType"], platform={"os": "unknown", "architecture": "unknown"},
               annotations={"vnd.docker.reference.digest": about["digest"], "vnd.docker.reference.type": "attestation-manifest"})


def index_of(entries):
    document = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
    return put(document, document["mediaType"])


file, name, *platforms = sys.argv[1:]
images = [image(platform) for platform in platforms]
inner = index_of([images[-1]])
target = index_of([images[0], attestation(images[0]), *images[1:-1], inner])
target["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rsplit(":")[-1]}
index = {"schemaVersion": 2, "manifests": [target]}
with open(file, "wb") as out:
    out.write(tar_of([("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", json.dumps(index).encode())] +
                     [("blobs/sha256/" + digest, data) for digest, data in blobs.items()]))
print(target["digest"])
