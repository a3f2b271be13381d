#!/usr/bin/env bats
# Archives that lead outward, through every door that takes archives, with an oracle on the host's side: a canary directory and
# the host's own folders are byte for byte what they were. CVE-2014-9356, CVE-2018-15664, CVE-2019-14271, CVE-2021-21272,
# CVE-2021-29136, CVE-2021-32760, CVE-2025-47290 and their many relatives.
load ../lib/hostile

setup_file() { shared_engine_start; }
teardown_file() { shared_engine_stop; }
setup() {
    shared_engine_join
    export BERTH_DOCKER_DEFAULTS=1
    cd "$BATS_TEST_TMPDIR"
    make_canary
}
teardown() {
    canary_unchanged && rm -rf "$CANARY" && audit_data && still_works
}

# each_archive COMMAND: for every outward archive evil.tar; its failure is fine, a change of the host is not.
each_archive() {
    local kind
    for kind in $(python3 "$HOSTILE/archives.py" --list); do
        python3 "$HOSTILE/archives.py" "$kind" evil.tar "$CANARY"
        run "$@" "$kind"
        [ "$status" -lt 124 ] || complain "$kind: hangs or dies" || return 1
        canary_unchanged || complain "$kind: reached the host" || return 1
        [ -z "$(find / /tmp /var/tmp /etc /root -maxdepth 1 -name 'escaped*' 2>/dev/null)" ] ||
            complain "$kind: a file escaped" || return 1
    done
}

import_and_run() {
    berth import evil.tar "evil:$1" || return
    # What it holds is seen from inside only, and leads nowhere from outside.
    berth create --name evil "evil:$1" x
    berth export evil | tar -t | head -100
    berth cp evil:/ - | tar -t | head -100
    for path in door door/victim stolen victim s h; do berth cp "evil:/$path" - | tar -xO 2>/dev/null; done
    berth rm evil
    berth rmi "evil:$1"
}
@test "import" {
    each_archive import_and_run
    if berth inspect evil 2>/dev/null; then return 1; fi
    # What the canary holds came out of no container.
    python3 "$HOSTILE/archives.py" through-absolute-link evil.tar "$CANARY"
    run import_and_run x
    [[ $output != *precious* ]]
}

load_evil() {
    PYTHONPATH=$HOSTILE python3 - "$1" <<'PY'
import json, sys
import image
i = image.Image(1, [open("evil.tar", "rb").read()])
files = [("%d.tar" % n, t) for n, t in enumerate(i.tars)] + [("config.json", i.config)]
manifest = [{"Config": "config.json", "RepoTags": ["evil:" + sys.argv[1]], "Layers": ["%d.tar" % n for n in range(len(i.tars))]}]
open("image.tar", "wb").write(image.tar_of(files + [("manifest.json", json.dumps(manifest).encode())]))
PY
    berth load -i image.tar || return
    berth run --rm --network none "evil:$1" x
    berth rmi "evil:$1"
}
@test "load: as a layer over others" {
    each_archive load_evil
}

lower_layer() {
    # The link is in a lower layer, the write through it in an upper one.
    PYTHONPATH=$HOSTILE python3 - "$CANARY" <<'PY'
import io, json, sys, tarfile
import image
def tar(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, kind, target in entries:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            info.size = 4 if kind == tarfile.REGTYPE else 0
            t.addfile(info, io.BytesIO(b"evil") if info.size else None)
    return out.getvalue()
R, S, L, D = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
i = image.Image(1, [tar(("door", S, sys.argv[1])), tar(("door/escaped", R, ""), ("door/.wh.victim", R, "")),
                    tar(("door/inner/escaped", R, ""), ("victim", S, sys.argv[1] + "/victim")), tar(("victim", R, ""))])
files = [("%d.tar" % n, t) for n, t in enumerate(i.tars)] + [("config.json", i.config)]
manifest = [{"Config": "config.json", "RepoTags": ["evil:layers"], "Layers": ["%d.tar" % n for n in range(len(i.tars))]}]
open("image.tar", "wb").write(image.tar_of(files + [("manifest.json", json.dumps(manifest).encode())]))
PY
    berth load -i image.tar || return
    berth create --name evil evil:layers x
    berth export evil >tree.tar
    printf 'FROM evil:layers\nCOPY f /door/escaped-copy\nWORKDIR /door/escaped-dir\nADD evil.tar /door/\n' >Dockerfile
    echo f >f
    python3 "$HOSTILE/archives.py" plain evil.tar
    berth build -t evil:built .
    berth cp f evil:/door/escaped-cp
    berth rm evil
    berth rmi evil:layers evil:built
}
@test "links of a lower layer lead the writes of an upper one nowhere" {
    run lower_layer
    canary_unchanged
}

copy_in() {
    berth cp - target:/root <evil.tar
    berth cp - target:/ <evil.tar
}
@test "cp into a container, stopped and running" {
    berth create --name target busybox sleep 1000 >/dev/null
    each_archive copy_in
    berth rm target >/dev/null
    berth run -d --name target busybox sleep 1000 >/dev/null
    each_archive copy_in
    berth rm -f target >/dev/null
}

add_in_build() {
    printf 'FROM busybox\nADD evil.tar /x/\nADD evil.tar /\n' >Dockerfile
    berth build -t evil:add .
}
as_context() {
    berth build -t evil:context - <evil.tar
    { cat evil.tar | python3 -c '
import io, sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")
for data in (b"FROM busybox\nCOPY . /c\nCOPY door /d\nCOPY door/victim /e\nADD stolen /f\n",):
    info = tarfile.TarInfo("Dockerfile"); info.size = len(data); out.addfile(info, io.BytesIO(data))
source = tarfile.open(fileobj=sys.stdin.buffer, mode="r|")
for member in source:
    out.addfile(member, source.extractfile(member) if member.isreg() else None)
out.close()'; } | berth build -t evil:context -
    berth run --rm --pull never --network none evil:context cat /e /f /c/stolen /c/victim /d/victim || return 1
}
@test "ADD of an archive, and an archive as build context" {
    each_archive add_in_build
    each_archive as_context
    local kind
    for kind in hard-link-outward through-absolute-link over-a-link-file; do
        python3 "$HOSTILE/archives.py" "$kind" evil.tar "$CANARY"
        run as_context "$kind"
        [[ $output != *precious* ]] || complain "$kind: a file of the host was read"
    done
    berth rmi evil:add evil:context >/dev/null 2>&1 || true
}

@test "cp out of a container writes only below its target" {
    # Inside, an attacker makes names that would lead outward when unpacked on the host.
    berth run --name source busybox sh -c "mkdir -p /t/a && ln -s $CANARY /t/door && ln -s $CANARY/victim /t/a/victim && mkfifo /t/pipe && mknod /t/dev c 1 1" >/dev/null
    mkdir target
    run timeout 30 berth cp source:/t target
    canary_unchanged
    [ -z "$(find target -type b -o -type c)" ]
    # The target holds links that lead outward; what is copied does not follow them.
    ln -s "$CANARY" target/t2
    berth run --name source2 busybox sh -c 'mkdir /t2 && echo evil > /t2/escaped' >/dev/null
    run timeout 30 berth cp source2:/t2 target
    canary_unchanged
    mkdir -p into/d
    ln -s "$CANARY/victim" into/d/victim
    berth run --name source3 busybox sh -c 'mkdir /d && echo overwritten > /d/victim' >/dev/null
    run timeout 30 berth cp source3:/d into
    canary_unchanged
    berth rm source source2 source3 >/dev/null
}

@test "cp against a container that swaps folders for links" {
    berth run -d --name swapper busybox sh -c "mkdir -p /s/real; echo inside > /s/real/victim
        while :; do rm -f /s/door; ln -s $CANARY /s/door; rm -f /s/door; ln -s /s/real /s/door; mv /s/real /s/moved 2>/dev/null; ln -s $CANARY /s/real; rm /s/real; mv /s/moved /s/real; done" >/dev/null
    echo evil >escaped
    tar -c escaped >escaped.tar
    local i
    for i in $(seq 150); do
        timeout 10 berth cp escaped swapper:/s/door/escaped >/dev/null 2>&1 || true
        timeout 10 berth cp - swapper:/s/real <escaped.tar >/dev/null 2>&1 || true
        timeout 10 berth cp swapper:/s/door/victim - 2>/dev/null | tar -xO 2>/dev/null >>seen || true
    done
    if grep -q precious seen; then return 1; fi
    canary_unchanged
    berth rm -f swapper >/dev/null
    # What an ordinary absolute link means inside still works.
    berth run --name links busybox sh -c 'mkdir /run2 && ln -s /run2 /var/run2 && echo x > /run2/f' >/dev/null
    [ "$(berth cp links:/var/run2/f - | tar -xO)" = x ]
    berth rm links >/dev/null
}

@test "bombs: bounded memory, said, and rolled back" {
    local before peak
    python3 "$HOSTILE/bombs.py" opaque opaque.tar 60000
    SECONDS=0
    run timeout 60 berth import opaque.tar opaque:latest
    [ "$status" -lt 124 ]
    [ "$SECONDS" -lt 30 ]
    python3 "$HOSTILE/bombs.py" members members.tar.gz
    berth import members.tar.gz members:latest >/dev/null
    python3 "$HOSTILE/archives.py" many-names many.tar
    timeout 60 berth import many.tar many:latest >/dev/null
    python3 "$HOSTILE/bombs.py" zeros zeros.tar.gz 1500
    timeout 120 berth import zeros.tar.gz zeros:latest >/dev/null
    peak=$(awk '/VmHWM/ {print $2}' "/proc/$BERTH_ENGINE_PID/status")
    echo "peak ${peak} kB" >&3
    [ "$peak" -lt 300000 ]
    berth rmi $(berth images --format '{{.Repository}}' | grep -E 'opaque|members|many|zeros') >/dev/null
}

@test "an archive cut at any byte releases what it held: the next of the same layer goes on" {
    python3 "$HOSTILE/image_archives.py" good good.tar
    local size at
    size=$(stat -c %s good.tar)
    for at in $(seq 0 25); do
        head -c $((size * at / 26 + RANDOM % 512)) good.tar >cut.tar
        run timeout 20 berth load -i cut.tar
        [ "$status" -eq 1 ]
    done
    SECONDS=0
    timeout 30 berth load -i good.tar >/dev/null
    [ "$SECONDS" -le 10 ]
    berth rmi hostile:1 >/dev/null
}
