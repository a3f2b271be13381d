# Power cuts: an ext4 file system is shut down, without its journal's last transactions, at any moment of pull, load, build, commit,
# tag, rmi and prune. What was acknowledged before is there afterwards, nothing is torn, and the engine goes on. BERTH_POWER_CUTS
# says how many times.
# limit: 14400
load ../registry/helpers

verbs=(tag build pull load commit prune)

setup() {
    state_dir=$(mktemp -d "${TMPDIR:-/var/tmp}/berth-cut.XXXXXX")
    REGISTRY_DIR=$(mktemp -d /dev/shm/berth-cut.XXXXXX) # memory: the registry keeps its power
    truncate -s 600M "$state_dir/disk"
    mkfs.ext4 -q -F "$state_dir/disk"
    mkdir "$state_dir/mount"
    disk_mount
    BERTH_TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/berth-test.XXXXXX")
    mkdir "$BERTH_TEST_DIR/keep"
    berth_state >"$BERTH_TEST_DIR/state-before"
    ln -s "$state_dir/mount/data" "$BERTH_TEST_DIR/data"
    mkdir -p "$state_dir/mount/data"
}
teardown() {
    berth_engine_stop
    registry_stop main
    local status=0
    berth_audit || status=1
    umount "$state_dir/mount" && rm -rf "$state_dir" "$REGISTRY_DIR" || status=1
    return $status
}

disk_mount() { mount -o loop,commit=1 "$state_dir/disk" "$state_dir/mount"; }

# EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: nothing more reaches the disk, as if the power had gone. The machine goes on
# though, and an fsync under way may tell its caller that all is well when its journal is gone: what counts as acknowledged is
# what was so when the call began.
power_cut() {
    python3 - "$state_dir/mount" "$state_dir/acknowledged" "$state_dir/before_cut" <<'PYTHON'
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
nothing_more = struct.pack("I", 2)
before = open(sys.argv[2]).read().count("\n")
fcntl.ioctl(fd, 0x8004587D, nothing_more)
open(sys.argv[3], "w").write(str(before))
PYTHON
    berth_engine_kill
    umount "$state_dir/mount"
    disk_mount
}

# What was acknowledged: "+ NAME" is there, "- NAME" went, "? NAME" is on its way in or out.
note() { echo "$1 $2" >>"$state_dir/acknowledged"; }

# One piece of work of each kind; false when the engine could not do it, because the disk is gone.
work_tag() {
    berth tag base:1 "tag:$1" || return 1
    note + "tag:$1"
    note '?' "tag:$1"
    berth rmi "tag:$1" || return 1
    note - "tag:$1"
}
work_build() {
    head -c 40000 /dev/urandom >"$state_dir/context/random"
    berth build -q -t "built:$1" "$state_dir/context" || return 1
    note + "built:$1"
}
work_pull() {
    note '?' localhost:5114/pulled:1
    berth pull -q localhost:5114/pulled:1 || return 1
    note + localhost:5114/pulled:1
    note '?' localhost:5114/pulled:1
    berth rmi localhost:5114/pulled:1 || return 1
    note - localhost:5114/pulled:1
}
work_load() {
    berth load -q -i "$state_dir/loaded.tar" || return 1
    note + loaded:1
}
work_commit() {
    berth commit source "committed:$1" || return 1
    note + "committed:$1"
}
work_prune() {
    local id
    head -c 40000 /dev/urandom >"$state_dir/context/random"
    id=$(berth build -q "$state_dir/context") || return 1
    note + "$id"
    note '?' "$id"
    berth image prune -f || return 1
    note - "$id"
}

# Works until the disk is gone.
work() {
    local round verb
    for round in $(seq 100); do
        for verb in $(shuf -e "${verbs[@]}"); do
            "work_$verb" "$1-$round" >/dev/null 2>&1 || return 0
            echo "$verb" >>"$state_dir/done"
        done
    done
}

# The last word about each name counts. Names that were last spoken of when the power had gone are told, and fail nothing.
judge() {
    python3 - "$1" "$state_dir/acknowledged" "$state_dir/there" "$(cat "$state_dir/before_cut")" <<'PYTHON'
import sys
cut, acknowledged, there, before = sys.argv[1], *(open(name).read().splitlines() for name in sys.argv[2:4]), int(sys.argv[4])
last = {}
for at, line in enumerate(acknowledged):
    sign, name = line.split()
    last[name] = (at, sign)
failed = False
for name, (at, sign) in last.items():
    wrong = "was lost" if sign == "+" and name not in there else "came back" if sign == "-" and name in there else None
    if not wrong:
        continue
    side = "before" if at < before else "after"
    print(f"cut {cut}: {name} {wrong}; acknowledged {side} the cut (line {at + 1}, {before} lines before it, {len(acknowledged)} in all)")
    failed = failed or side == "before"
sys.exit(failed)
PYTHON
}

names_and_ids() {
    berth images --format '{{.Repository}}:{{.Tag}}'
    berth images -q --no-trunc
}

@test "nothing acknowledged is lost and nothing is torn, wherever the power goes" {
    registry_start main 5114
    berth_engine_start
    berth_busybox base:1 >/dev/null
    berth tag base:1 loaded:1
    berth save -o "$state_dir/loaded.tar" loaded:1
    berth rmi loaded:1
    mkdir "$state_dir/context"
    printf 'FROM base:1\nCOPY random /random\n' >"$state_dir/context/Dockerfile"
    # Large enough for what goes past the page cache.
    head -c 7000000 /dev/urandom >"$state_dir/context/random"
    berth build -q -t localhost:5114/pulled:1 "$state_dir/context"
    berth push -q localhost:5114/pulled:1
    berth rmi localhost:5114/pulled:1
    berth builder prune -af
    berth create --name source --network none base:1 true
    : >"$state_dir/done"
    local cut
    for cut in $(seq "${BERTH_POWER_CUTS:-12}"); do
        # What earlier cuts left goes from time to time: the disk is small.
        if [ $((cut % 10)) -eq 1 ]; then
            berth images --format '{{.Repository}}:{{.Tag}}' | grep -E '^(built|committed|tag):' | xargs -r "$BERTH_BIN/berth" rmi >/dev/null
            berth builder prune -af >/dev/null
            berth image prune -f >/dev/null
            echo "+ base:1" >"$state_dir/acknowledged"
        fi
        work "$cut" 3>&- &
        local worker=$!
        sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
        power_cut
        wait "$worker"
        berth_engine_start
        run berth system check
        [ "$status" -eq 0 ] || { echo "cut $cut: $output"; return 1; }
        names_and_ids >"$state_dir/there"
        run judge "$cut"
        [ -z "$output" ] || sed 's/^/# /' <<<"$output" >&3
        [ "$status" -eq 0 ] || { echo "$output"; return 1; }
        [ "$(berth run --rm --network none base:1 echo fine)" = fine ]
    done
    # The power went while there was something to lose.
    sort "$state_dir/done" | uniq -c | sed 's/^/# done: /' >&3
    [ "$cut" -lt 12 ] || [ "$(sort -u "$state_dir/done" | wc -l)" -eq "${#verbs[@]}" ]
}
