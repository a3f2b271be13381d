"""A small image made in memory, for the hostile registry and for image archives: layers, configuration, manifest."""
import gzip
import hashlib
import io
import json
import random
import tarfile


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Image:
    """Two layers: one of a few bytes, one of `mebibytes` that do not compress (the same at every run)."""

    def __init__(self, mebibytes=2, extra_layers=()):
        noise = random.Random(mebibytes)
        self.tars = [tar_of([("etc/one", b"1\n")]), tar_of([("big", noise.randbytes(mebibytes << 20))])]
        self.tars += list(extra_layers)
        self.layers = [gzip.compress(tar, 1, mtime=0) for tar in self.tars]
        self.config = json.dumps({
            "architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in self.tars]},
            "history": [{"created_by": "test"} for _ in self.tars]}).encode()
        self.manifest = self.manifest_of(self.config, self.layers)
        self.blobs = {digest_of(data): data for data in self.layers + [self.config]}

    @staticmethod
    def manifest_of(config, layers):
        return json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(config), "size": len(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest_of(l), "size": len(l)}
                       for l in layers]}).encode()

    @property
    def big(self):
        return digest_of(self.layers[1])
