#!/usr/bin/env python3
"""Hostile archives: archives.py KIND FILE [ARGUMENT]

Each maker writes one archive that tries one thing. Where an archive tries to reach the host, its ARGUMENT is an absolute
directory outside everything the engine owns (the canary), and the names it uses are OUT + "/escaped...".
`archives.py --list` prints the kinds that lead outward, one a line, for tests that try them all.
"""
import io
import sys
import tarfile

OUTWARD = {}


def outward(maker):
    """A maker whose archive tries to write, change or read below its argument."""
    OUTWARD[maker.__name__.replace("_", "-")] = maker
    return maker


class Archive:
    def __init__(self, path):
        self.tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)

    def add(self, name, data=b"evil\n", kind=tarfile.REGTYPE, link="", mode=0o644, **more):
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.mode = kind, link, mode
        for key, value in more.items():
            setattr(info, key, value)
        content = kind == tarfile.REGTYPE
        info.size = len(data) if content else 0
        self.tar.addfile(info, io.BytesIO(data) if content else None)
        return self

    def link(self, name, target, **more):
        return self.add(name, kind=tarfile.SYMTYPE, link=target, **more)

    def hard(self, name, target):
        return self.add(name, kind=tarfile.LNKTYPE, link=target)

    def folder(self, name, mode=0o755, **more):
        return self.add(name, kind=tarfile.DIRTYPE, mode=mode, **more)

    def close(self):
        self.tar.close()


UP = "../" * 24


@outward
def dot_dot(a, out):
    a.add(UP + out[1:] + "/escaped")


@outward
def dot_dot_inside(a, out):
    a.folder("x").add("x/y/" + UP + out[1:] + "/escaped")


@outward
def absolute(a, out):
    a.add(out + "/escaped")


@outward
def through_absolute_link(a, out):
    a.link("door", out).add("door/escaped")


@outward
def through_relative_link(a, out):
    a.link("door", UP + out[1:]).add("door/escaped")


@outward
def through_two_links(a, out):
    a.link("first", "second").link("second", out).add("first/escaped")


@outward
def through_link_in_folder(a, out):
    a.folder("d").link("d/up", "..").link("d/up/top", UP + out[1:]).add("d/up/top/escaped")


@outward
def over_a_link_file(a, out):
    """A file written over a link of its own name must replace the link, not follow it."""
    a.link("victim", out + "/victim").add("victim", b"overwritten\n")


@outward
def folder_over_a_link(a, out):
    a.link("door", out).folder("door", mode=0o777).add("door/escaped")


@outward
def hard_link_outward(a, out):
    a.hard("stolen", out + "/victim").add("stolen", b"overwritten\n")


@outward
def hard_link_dot_dot(a, out):
    a.hard("stolen", UP + out[1:] + "/victim").add("stolen", b"overwritten\n")


@outward
def hard_link_through_link(a, out):
    a.link("door", out).hard("stolen", "door/victim").add("stolen", b"overwritten\n")


@outward
def hard_link_to_a_link(a, out):
    """A hard link to a symbolic link, then a write through it."""
    a.link("s", out + "/victim").hard("h", "s").add("h", b"overwritten\n")


@outward
def mode_through_link(a, out):
    a.link("door", out + "/victim", mode=0o777).hard("again", "door")


@outward
def owner_through_link(a, out):
    a.link("door", out + "/victim", uid=4711, gid=4711)


@outward
def xattr_through_link(a, out):
    a.link("door", out + "/victim", pax_headers={"SCHILY.xattr.user.evil": "1", "SCHILY.xattr.security.capability": "x" * 20})


@outward
def whiteout_through_link(a, out):
    a.link("door", out).add("door/.wh.victim", b"")


@outward
def opaque_through_link(a, out):
    a.link("door", out).add("door/.wh..wh..opq", b"")


@outward
def whiteout_of_dot_dot(a, out):
    a.folder("d").add("d/.wh...", b"")


@outward
def root_as_link(a, out):
    a.link("./", out).add("escaped")


@outward
def root_dot_as_link(a, out):
    a.link("/.", out).add("escaped")


@outward
def root_as_file(a, out):
    a.add("/", b"not a folder")


@outward
def fifo_and_devices(a, out):
    a.add("pipe", kind=tarfile.FIFOTYPE)
    a.add("disk", kind=tarfile.BLKTYPE, devmajor=7, devminor=0, mode=0o666)
    a.add("mem", kind=tarfile.CHRTYPE, devmajor=1, devminor=1, mode=0o666)
    a.link("door", out).add("door/escaped-node", kind=tarfile.CHRTYPE, devmajor=1, devminor=1)


@outward
def magic_link(a, out):
    """/proc/1/root as a way out: a link that the kernel would jump through."""
    a.link("door", "/proc/1/root" + out).add("door/escaped")
    a.link("cwd", "/proc/self/cwd").add("cwd/../../../../.." + out + "/escaped-cwd")


def plain(a, _):
    a.folder("etc").add("etc/fine", b"fine\n")


def duplicates(a, _):
    """Later entries win; of two kinds, too."""
    a.add("f", b"first\n").add("f", b"second\n").folder("k").add("k/inner").add("k", b"now a file\n")


def many_names(a, _):
    for i in range(100_000):
        a.add("d/%06d" % i, b"")


def long_names(a, _):
    a.add("/".join(["n" * 250] * 40), b"deep")


def name_too_long(a, _):
    a.add("n" * 300, b"wide")


MAKERS = {**OUTWARD, **{f.__name__.replace("_", "-"): f for f in (plain, duplicates, many_names, long_names, name_too_long)}}

if __name__ == "__main__":
    if sys.argv[1] == "--list":
        print("\n".join(OUTWARD))
    else:
        archive = Archive(sys.argv[2])
        MAKERS[sys.argv[1]](archive, sys.argv[3] if len(sys.argv) > 3 else "/nowhere")
        archive.close()
