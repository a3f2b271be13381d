"""Compares two trees in everything that an archive can say; prints each difference and fails if there is one.

    same_tree.py ONE OTHER
"""
import hashlib
import os
import stat
import sys


def content_of(path, size):
    # Holes are skipped, so that a terabyte of nothing compares in no time.
    digest, zero = hashlib.sha256(), bytes(1 << 20)
    with open(path, "rb", buffering=0) as file:
        at = 0
        while at < size:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            os.lseek(file.fileno(), start, os.SEEK_SET)
            at = end
            while start < end:
                piece = file.read(min(1 << 20, end - start))
                if not piece:
                    break
                # File systems differ in what of a run of zeros they keep as data.
                if piece != zero[:len(piece)]:
                    for offset in range(0, len(piece), 4096):
                        block = piece[offset:offset + 4096]
                        if block.strip(b"\0"):
                            digest.update(b"%d:" % (start + offset))
                            digest.update(block)
                start += len(piece)
    return digest.hexdigest()


def facts_of(root):
    facts, links = {}, {}

    def visit(path, name):
        status = os.lstat(path)
        fact = {"mode": oct(status.st_mode), "owner": (status.st_uid, status.st_gid), "time": status.st_mtime_ns}
        attributes = {key: os.getxattr(path, key, follow_symlinks=False) for key in os.listxattr(path, follow_symlinks=False)}
        fact["attributes"] = sorted(attributes.items())
        if stat.S_ISDIR(status.st_mode):
            for child in sorted(os.listdir(path)):
                visit(os.path.join(path, child), os.path.join(name, child))
        else:
            fact["links"] = status.st_nlink
            links.setdefault((status.st_dev, status.st_ino), []).append(name)
            fact["size"] = status.st_size
        if stat.S_ISLNK(status.st_mode):
            fact["target"] = os.readlink(path)
        if stat.S_ISREG(status.st_mode):
            fact["content"] = content_of(path, status.st_size)
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            fact["device"] = status.st_rdev
        facts[name] = fact

    # The root's own time is that of the last extraction into it unless the archive has it: both trees say.
    for child in sorted(os.listdir(root)):
        visit(os.path.join(root, child), child)
    for names in links.values():
        for name in names:
            facts[name]["same file"] = sorted(names)
    return facts


def main():
    one, other = facts_of(os.fsencode(sys.argv[1])), facts_of(os.fsencode(sys.argv[2]))
    differences = 0
    for name in sorted(set(one) | set(other)):
        if name not in one or name not in other:
            print(name, "is only in the", "first" if name in one else "second")
            differences += 1
            continue
        for key in sorted(set(one[name]) | set(other[name])):
            if one[name].get(key) != other[name].get(key):
                print(name, key, one[name].get(key), other[name].get(key))
                differences += 1
    print(len(one), "entries,", differences, "differences")
    sys.exit(1 if differences else 0)


main()
