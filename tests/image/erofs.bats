# Every layer becomes a file system that fsck.erofs accepts and that has exactly what GNU tar extracts.
load ../lib/berth

setup() {
    berth_engine_start
    here=$BERTH_SOURCE/tests/image
    mkdir "$BERTH_TEST_DIR/tree" "$BERTH_TEST_DIR/mount"
}
teardown() {
    umount "$BERTH_TEST_DIR/mount" 2>/dev/null
    berth_engine_stop
    berth_audit
}

# The layer of an archive beside what GNU tar makes of it: same_as_tar ARCHIVE
same_as_tar() {
    local image
    tar --warning=no-timestamp --numeric-owner --same-owner -p --xattrs --xattrs-include='*' --delay-directory-restore -C "$BERTH_TEST_DIR/tree" -xf "$1"
    berth import "$1" layer:latest >/dev/null
    image=$(layer_of layer:latest)
    fsck.erofs "$image" >/dev/null
    mount -t erofs "$image" "$BERTH_TEST_DIR/mount"
    python3 "$here/same_tree.py" "$BERTH_TEST_DIR/tree" "$BERTH_TEST_DIR/mount"
}
layer_of() {
    local diff_id
    diff_id=$(berth image inspect -f '{{index .RootFS.Layers 0}}' "$1")
    echo "$BERTH_TEST_DIR/data/layers/${diff_id#sha256:}/layer.erofs"
}
generated() {
    python3 "$here/layers.py" "$1" >"$BERTH_TEST_DIR/archive.tar"
    same_as_tar "$BERTH_TEST_DIR/archive.tar"
}

@test "tens of thousands of entries in one directory, thousands of directories" { generated many; }
@test "hard links in numbers, to symbolic links too, and long targets" { generated links; }
@test "extended attributes of files and directories, shared and large" { generated attributes; }
@test "names of every length, deep paths, any bytes" { generated names; }
@test "files around every limit of blocks and buffers" { generated sizes; }
@test "entries that replace earlier ones" { generated replaced; }

@test "capabilities, access lists, devices and holes of a real tree" {
    local made=$BERTH_TEST_DIR/made
    mkdir "$made"
    cp -a /usr/bin /usr/sbin /etc "$made/"
    cp "$made/bin/bash" "$made/able"
    python3 - "$made" <<'END'
import os, struct, sys
root = os.fsencode(sys.argv[1])
os.setxattr(root + b"/able", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
entry = lambda tag, perm, who: struct.pack("<HHI", tag, perm, who)
nobody = 0xffffffff
acl = struct.pack("<I", 2) + entry(1, 6, nobody) + entry(2, 7, 7) + entry(4, 4, nobody) + entry(16, 7, nobody) + entry(32, 0, nobody)
os.setxattr(root + b"/able", "system.posix_acl_access", acl)
os.mkdir(root + b"/shared")
os.setxattr(root + b"/shared", "system.posix_acl_default", acl)
os.mknod(root + b"/pipe", 0o010622)
os.mknod(root + b"/console", 0o020600, os.makedev(5, 1))
os.mknod(root + b"/disk", 0o060660, os.makedev(259, 70000))
with open(root + b"/holes", "wb") as file:
    for at in (0, 5 << 20, 1 << 30, (1 << 40) - 100):
        file.seek(at)
        file.write(b"island")
END
    tar --format=posix --sparse --numeric-owner --xattrs --xattrs-include='*' --acls -C "$made" -cf "$BERTH_TEST_DIR/archive.tar" .
    rm -rf "$made"
    tar() { command tar --acls --sparse "$@"; }
    same_as_tar "$BERTH_TEST_DIR/archive.tar"
}

@test "layers through a loop device hold the same" {
    berth_engine_halt
    berth_engine_start --storage-driver erofs-loop
    berth_busybox busybox:latest >/dev/null
    run berth run --rm --network none busybox sh -c 'echo text >/file && cat /file && ls /bin | wc -l'
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = text ]
    losetup -a | grep -q "$BERTH_TEST_DIR/data/layers"
}
