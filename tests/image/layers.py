"""Writes a layer archive of one kind to standard output: layers.py KIND. Made from a seed, so that every run is the same."""
import io
import random
import sys
import tarfile

random.seed(20)
out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT)


folders = set()


def add(path, content=b"", kind=tarfile.REGTYPE, **settings):
    # The folders are named, too: of others an archive does not say when they are from.
    parent = path.rpartition("/")[0]
    if parent and parent not in folders:
        add(parent, kind=tarfile.DIRTYPE, mode=0o755)
    if kind == tarfile.DIRTYPE:
        folders.add(path)
    info = tarfile.TarInfo(path)
    info.type, info.size, info.mode = kind, len(content), 0o644
    info.pax_headers = {"mtime": "%d.%09d" % (random.randrange(-1000, 1 << 33), random.randrange(10**9))}
    for key, value in settings.items():
        if key == "pax":
            info.pax_headers.update(value)
        else:
            setattr(info, key, value)
    out.addfile(info, io.BytesIO(content))


def many():
    # Directories of one entry and of tens of thousands, and names that sort unlike they arrive.
    add("full", kind=tarfile.DIRTYPE, mode=0o755)
    names = ["f%05d" % i for i in range(40000)]
    random.shuffle(names)
    for name in names:
        add("full/" + name, random.randbytes(random.randrange(64)), mode=random.choice([0o644, 0o755, 0o4755, 0o000]))
    for i in range(3000):
        add("d%d" % i, kind=tarfile.DIRTYPE, mode=0o755)
        add("d%d/only" % i, b"x" * random.choice([0, 1, 4095, 4096, 4097, 9000]), uid=random.randrange(1 << 31), gid=random.randrange(1 << 31))


def links():
    for i in range(300):
        add("a/target%d" % i, random.randbytes(random.randrange(9000)))
    for i in range(3000):
        add("b%d/link%d" % (i % 7, i), kind=tarfile.LNKTYPE, linkname="a/target%d" % random.randrange(300))
    for i in range(1000):
        add("one/%d" % i, kind=tarfile.LNKTYPE, linkname="a/target0")
    add("s", kind=tarfile.SYMTYPE, linkname="a/target1")
    add("s2", kind=tarfile.LNKTYPE, linkname="s")
    for i in range(200):
        add("c/s%d" % i, kind=tarfile.SYMTYPE, linkname="x" * random.randrange(1, 4000))


def attributes():
    for i in range(2000):
        pax = {"SCHILY.xattr.user.n%d" % k: "v" * random.randrange(200) for k in range(random.randrange(6))}
        if i % 3 == 0:
            pax["SCHILY.xattr.user.shared"] = "the same everywhere"
        add("x/%d" % i, random.randbytes(random.randrange(5000)), pax=pax)
    add("big", b"", pax={"SCHILY.xattr.user.big": "b" * 3800})
    add("dir", kind=tarfile.DIRTYPE, mode=0o2755, pax={"SCHILY.xattr.user.of": "a directory"})


def names():
    for i in range(500):
        add("n" + "/".join("p" * random.randrange(1, 200) for _ in range(random.randrange(1, 12))) + str(i), b"deep")
    for i in range(200):
        add("u/" + "\u00e4\u6f22" * random.randrange(1, 40) + str(i), b"wide")
    add("u/ leading and trailing ", b"")
    add("u/new\nline", b"")
    for i in range(1, 256 - 3):
        add("len/" + "l" * i + "end", b"")


def sizes():
    # Around every limit of blocks and buffers.
    for size in [0, 1, 31, 32, 63, 64, 4000, 4064, 4095, 4096, 4097, 8191, 8192, 8193, 65535, 65536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1,
                 (4 << 20) + 17, (33 << 20) + 5]:
        add("s/%d" % size, random.randbytes(size))
        add("z/%d" % size, bytes(size))
    for i in range(3000):
        add("r/%d" % i, random.randbytes(min(int(random.expovariate(1 / 9000)), 300000)))


def replaced():
    # What comes later counts.
    for i in range(200):
        add("again/%d" % (i % 50), random.randbytes(random.randrange(9000)), mode=random.choice([0o600, 0o644]))
    add("turns", b"file")
    add("turns", kind=tarfile.SYMTYPE, linkname="elsewhere")
    add("folder", kind=tarfile.DIRTYPE, mode=0o700)
    add("folder/in", b"in")
    add("folder", kind=tarfile.DIRTYPE, mode=0o755)


{"many": many, "links": links, "attributes": attributes, "names": names, "sizes": sizes, "replaced": replaced}[sys.argv[1]]()
out.close()
