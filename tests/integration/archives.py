"""tests/integration/archives.py - makes tar archives and images, honest and hostile ones."""
import gzip
import hashlib
import io
import json
import os
import tarfile


def entry(name, data=None, **more):
    """A regular file, or what `type` says.  `link` is a target, `pax` has more header fields."""
    info = tarfile.TarInfo(name)
    info.mode = more.pop("mode", 0o644)
    info.mtime = more.pop("mtime", 1000000000)
    info.type = more.pop("type", tarfile.REGTYPE)
    info.linkname = more.pop("link", "")
    info.pax_headers = more.pop("pax", {})
    for key, value in more.items():
        setattr(info, key, value)
    if data is not None:
        info.size = len(data)
    return info, data


def directory(name, mode=0o755, **more):
    return entry(name, mode=mode, type=tarfile.DIRTYPE, **more)


def symlink(name, target, **more):
    return entry(name, type=tarfile.SYMTYPE, link=target, mode=0o777, **more)


def hardlink(name, target, **more):
    return entry(name, type=tarfile.LNKTYPE, link=target, **more)


def tar(entries, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, errors="surrogateescape") as archive:
        for info, data in entries:
            archive.addfile(info, None if data is None else io.BytesIO(data))
    return out.getvalue()


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Layout:
    """The files of an OCI layout or of a docker save archive, by name."""

    def __init__(self):
        self.files = {}

    def blob(self, data):
        self.files["blobs/sha256/" + digest(data)] = data
        return {"digest": "sha256:" + digest(data), "size": len(data)}

    def image(self, layers, packed=True, architecture="amd64", **config):
        """Adds a manifest with these layers (lists of entries); gives its descriptor."""
        tars = [tar(layer) if isinstance(layer, list) else layer for layer in layers]
        described = self.blob(json.dumps({
            "architecture": architecture, "os": "linux", "created": "2020-02-02T00:00:00Z",
            "config": config, "rootfs": {
                "type": "layers", "diff_ids": ["sha256:" + digest(t) for t in tars]},
        }).encode())
        kind = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if packed else "")
        parts = [dict(self.blob(gzip.compress(t, 1, mtime=0) if packed else t), mediaType=kind) for t in tars]
        return self.blob(json.dumps({"schemaVersion": 2, "config": described, "layers": parts}).encode())

    def index(self, manifests, name="index.json"):
        data = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
        if not name:
            return self.blob(data)
        self.files["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
        self.files[name] = data
        return self

    def saved(self, layers, tags=("test:latest",), architecture="amd64", links=False):
        """What docker save wrote before it wrote OCI layouts; `links`: equal layers are links."""
        tars = [tar(layer) if isinstance(layer, list) else layer for layer in layers]
        config = json.dumps({"architecture": architecture, "os": "linux", "config": {"Cmd": ["sh"]},
                             "rootfs": {"diff_ids": ["sha256:" + digest(t) for t in tars]}}).encode()
        self.files[digest(config) + ".json"] = config
        names, seen = [], {}
        for number, data in enumerate(tars):
            name = digest(data + bytes([number])) + "/layer.tar"
            self.files[name] = "../" + seen[data] if links and data in seen else data
            seen.setdefault(data, name)
            names.append(name)
        listed = json.loads(self.files.get("manifest.json", b"[]"))
        listed.append({"Config": digest(config) + ".json", "RepoTags": list(tags), "Layers": names})
        self.files["manifest.json"] = json.dumps(listed).encode()
        return self

    def tar(self):
        made, entries = set(), []
        for name, data in sorted(self.files.items()):
            for at in [i for i, c in enumerate(name) if c == "/"]:
                if name[:at] not in made:
                    made.add(name[:at])
                    entries.append(directory(name[:at]))
            entries.append(symlink(name, data) if isinstance(data, str) else entry(name, data))
        return tar(entries)

    def write(self, path):
        for name, data in self.files.items():
            os.makedirs(os.path.dirname(os.path.join(path, name)), exist_ok=True)
            with open(os.path.join(path, name), "wb") as out:
                out.write(data)
        return path


def corrupt(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
