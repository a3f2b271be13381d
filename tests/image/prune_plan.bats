# The command's prunes show what would go, to the byte, and remove just that.
load ../lib/berth

setup() {
    berth_engine_start
    root=$BERTH_TEST_DIR/data
    cd "$BERTH_TEST_DIR"
    berth_busybox busybox:latest >/dev/null
}
teardown() {
    berth_engine_stop
    berth_audit
}

plan() { berth "$1" prune --dry-run --format json "${@:2}"; }
# What du says of all that is not the database, when the trash is empty.
used() {
    timeout 20 bash -c "until [ -z \"\$(ls '$root/trash')\" ] && [ -z \"\$(find '$root/layers' -mindepth 1 -maxdepth 1 -name '.*')\" ]; do sleep 0.05; done"
    du -s --block-size=1 --exclude='berth.db*' "$root" | cut -f1
}
# The plan's total, what the command says that came back, and what du says: one number. exact KIND [FLAG ...]
exact() {
    local before after total said
    before=$(used)
    total=$(plan "$@" | jq .Total)
    [ "$(plan "$@" | jq '.Total - .Shared - .Unreferenced == ([.Items[].Size] | add // 0)')" = true ]
    [ "$(used)" = "$before" ] # a plan removes nothing
    berth "$1" prune -f "${@:2}" >out
    after=$(used)
    echo "$*: planned $total, du $((before - after))"
    [ "$total" = $((before - after)) ]
    [ "$1" = network ] || [ "$(tail -n 1 out)" = "Total reclaimed space: $(human "$total")" ] || { cat out; return 1; }
}
human() { python3 -c 'import sys
n, unit = float(sys.argv[1]), 0
while n >= 1000: n /= 1000; unit += 1
print("%.4g%s" % (n, ["B", "kB", "MB", "GB"][unit]))' "$1"; }
# Each line of a plan agrees with what `system df -v` says of that object alone.
agrees_with_df() {
    berth system df -v --format json >df
    plan "$@" >plan
    [ "$(jq '.Items | length' plan)" -gt 0 ]
    jq -e --slurpfile df df '.Items | map(select(.Type != "network")) | all(. as $item |
        any($df[0].DataRoot.Objects[]; .Type == $item.Type and .ID == $item.ID and .Unique == $item.Size))' plan
}
# Types an answer at a terminal after what is done between plan and answer: answered "COMMAND" "BETWEEN" ANSWER
answered() {
    mkfifo typed
    script -qec "$1" /dev/null <typed >shown 2>&1 3>&- &
    local asked=$!
    exec 9>typed
    timeout 20 bash -c 'until grep -q "y/N" shown; do sleep 0.05; done' || { cat shown; return 1; }
    eval "$2"
    echo "$3" >&9
    wait "$asked"
    exec 9>&-
    rm typed
    tr -d '\r' <shown >said
}

@test "what is planned is what du loses, for every kind, alone and together" {
    printf 'FROM busybox\nRUN head -c 3000000 /dev/urandom >/one\nRUN --mount=type=cache,target=/c head -c 700000 /dev/urandom >/c/x; head -c 200000 /dev/urandom >/two\n' | berth build -q -t app:1 - >/dev/null
    printf 'FROM app:1\nRUN head -c 500000 /dev/urandom >/three\n' | berth build -q -t app:2 - >/dev/null
    berth run --name ended --network none -v /data app:1 sh -c 'head -c 900000 /dev/urandom >/w; head -c 400000 /dev/urandom >/data/f; seq 3000' >/dev/null
    berth volume create named >/dev/null
    berth network create lonely >/dev/null
    agrees_with_df container
    agrees_with_df volume -a
    agrees_with_df builder
    agrees_with_df image -a
    agrees_with_df system -a --volumes
    exact network
    exact container
    exact volume
    exact volume -a
    # The images keep the layers: what goes is the mount, the logs, and what only the records have.
    exact builder
    exact image
    berth rmi app:2 >/dev/null
    # Two that share: neither frees the layers alone, both do.
    printf 'FROM app:1\nLABEL a=1\n' | berth build -q -t app:3 - >/dev/null
    printf 'FROM app:1\nLABEL a=2\n' | berth build -q -t app:4 - >/dev/null
    berth rmi app:1 >/dev/null
    [ "$(plan image -a | jq .Shared)" -gt 3000000 ]
    [ "$(plan image -a --filter label=a=1 | jq .Total)" -lt 100000 ]
    exact image -a --filter label=a=1
    exact image -a --filter label=a=2
    exact image -a
    [ "$(berth images -aq)" = "" ]
    [ "$(du -sm "$root/layers" | cut -f1)" -le 1 ]
}

@test "system prune knows what its own removals set free" {
    printf 'FROM busybox\nRUN head -c 3000000 /dev/urandom >/one\n' | berth build -q -t app:1 - >/dev/null
    berth run --name ended --network none -v /data app:1 sh -c 'head -c 400000 /dev/urandom >/data/f'
    berth run -d --name running --network none busybox sleep 600 >/dev/null
    [ "$(plan image -a | jq '.Items | length')" = 0 ] # both are used
    [ "$(plan system -a --volumes | jq -c '[.Items[].Type] | sort | unique')" = '["build-cache","build-log","container","image","volume"]' ]
    [ "$(plan system -a | jq -r '.Items[] | select(.Type == "image") | .Names[]')" = app:1 ]
    exact system -a --volumes
    [ "$(berth ps -aq | wc -l)" = 1 ]
    [ "$(berth images --format '{{.Repository}}')" = busybox ]
}

@test "what is left of a download, and what nothing refers to, is in the plan" {
    printf 'rest of a layer' >"$root/ingest/key-0123456789abcdef"
    head -c 50000 /dev/urandom >lost
    cp lost "$root/blobs/sha256/$(sha256sum lost | cut -c 1-64)"
    [ "$(plan image | jq -c '[.Items[].Type]')" = '["download"]' ]
    [ "$(plan image | jq .Unreferenced)" = 53248 ]
    exact image
    [ "$(ls "$root/ingest")" = "" ]
}

@test "the table has a line for each object and the total; nothing to remove is said" {
    run berth system prune --dry-run
    [ "$output" = "Nothing to remove." ]
    berth create --name stopped busybox true >/dev/null
    run berth container prune --dry-run
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == TYPE*ID*NAME*SIZE ]]
    [[ ${lines[1]} == "container   $(berth ps -aq)   stopped   "*B ]]
    [[ ${lines[2]} == "To be freed: "*" ("*" bytes)" ]]
    [ "$(berth ps -aq | wc -l)" = 1 ]
    [ "$(berth container prune --dry-run --format '{{len .Items}}')" = 1 ]
    # With --force nothing is shown but what went.
    run berth container prune -f
    [[ $output != *"To be freed"* ]]
    [[ $output == "Deleted Containers:"*"Total reclaimed space: "* ]]
    run berth image prune --dry-run --filter type=x
    [ "$status" -eq 1 ]
}

@test "between plan and answer: what got used, named or started is left and said, what became unused stays" {
    for name in one two three; do printf 'FROM busybox\nLABEL a=%s\n' $name | berth build -q -t $name:1 - >/dev/null; done
    berth builder prune -af >/dev/null
    for name in started renamed goes; do berth create --name $name busybox true >/dev/null; done
    for name in taken used free; do berth volume create $name >/dev/null; done
    berth network create joined >/dev/null
    berth network create alone >/dev/null
    between() {
        berth start started >/dev/null
        berth wait started >/dev/null
        berth rename renamed other
        berth create --name new two:1 >/dev/null
        berth tag three:1 three:2
        berth run -d --name holds -v taken:/t --network joined busybox sleep 600 >/dev/null
        berth run --rm -v used:/u --network none busybox touch /u/x
        berth create --name late busybox true >/dev/null
        berth volume create newer >/dev/null
        printf 'FROM busybox\nLABEL a=four\n' | berth build -q -t four:1 - >/dev/null
    }
    answered "berth system prune -a" between n
    [[ $(cat said) != *Deleted* ]]
    berth rm -f started other new late holds >/dev/null
    berth rmi three:2 four:1 >/dev/null
    berth volume rm newer >/dev/null
    berth builder prune -af >/dev/null
    for name in started renamed; do berth create --name $name busybox true >/dev/null; done
    cp said first
    grep -q "^To be freed: " first
    answered "berth system prune -a" between y
    cat said
    grep -qx "container started: it was started since" said
    grep -qx "container renamed: it is called other now" said
    grep -qx "image two:1: container [0-9a-f]* uses it" said
    grep -qx "image three:1: it was named three:2 since" said
    grep -qx "network joined: container holds is in it" said
    [ "$(sed -n '/^Deleted Containers/,/^$/p' said | wc -l)" = 3 ]
    [ "$(sed -n '/^Deleted Networks/,/^$/p' said | sed -n 2p)" = alone ]
    [ "$(berth images --format '{{.Repository}}:{{.Tag}}' | sort | xargs)" = "busybox:latest four:1 three:1 three:2 two:1" ]
    [ "$(berth ps -a --format '{{.Names}}' | sort | xargs)" = "holds late new other started" ]
    berth rm -f holds >/dev/null
    berth volume rm newer >/dev/null
    uses() {
        berth run -d --name holds -v taken:/t --network none busybox sleep 600 >/dev/null
        berth run --rm -v used:/u --network none busybox touch /u/x
        berth volume create newer >/dev/null
    }
    answered "berth volume prune -a" uses y
    grep -qx "volume taken: container [0-9a-f]* uses it" said
    grep -qx "volume used: a container used it since" said
    [ "$(berth volume ls -q | sort | xargs)" = "newer taken used" ]
}

@test "cache that a build used between plan and answer is left, and the build's new one" {
    printf 'FROM busybox\nRUN echo 1 >/one\n' | berth build -q -t app:1 - >/dev/null
    printf 'FROM busybox\nRUN echo 2 >/two\n' | berth build -q -t app:2 - >/dev/null
    berth rmi app:1 app:2 >/dev/null
    builds() {
        printf 'FROM busybox\nRUN echo 1 >/one\nRUN echo 3 >/three\n' | berth build -q - >/dev/null
    }
    answered "berth builder prune" builds y
    cat said
    grep -q "^build-cache .*: a build used it since" said
    [ "$(sed -n '/^Deleted build cache/,/^$/p' said | wc -l)" -gt 2 ]
    # Both steps are there: nothing is run again.
    printf 'FROM busybox\nRUN echo 1 >/one\nRUN echo 3 >/three\n' | berth build --progress plain - 2>&1 | tee built | grep -c CACHED | grep -qx 2
    [ -z "$(printf 'FROM busybox\nRUN echo 2 >/two\n' | berth build --progress plain - 2>&1 | grep CACHED)" ]
}

@test "a plan from before the engine's start is refused" {
    berth create --name stopped busybox true >/dev/null
    restarts() { berth_engine_halt; berth_engine_start; }
    answered "berth container prune" restarts y || true
    grep -q "the engine was started after this plan was made" said
    [ "$(berth ps -aq | wc -l)" = 1 ]
}

@test "what a running build or pull has leased is not in the plan" {
    printf 'FROM busybox\nRUN --network=none head -c 800000 /dev/urandom >/f; sleep 604; true\n' | berth build --no-cache -q -t new:1 - 3>&- &
    local build=$!
    timeout 20 bash -c "until [ -n \"\$(pgrep -x -f 'sleep 604')\" ]; do sleep 0.05; done"
    [ "$(plan system -a | jq '[.Items[] | select(.Type == "build-log")] | length')" = 0 ]
    berth system prune -f >/dev/null
    pkill -x -f 'sleep 604'
    wait "$build"
    [ "$(berth run --rm --network none new:1 stat -c %s /f)" = 800000 ]
}

@test "a pinned image is in no plan and survives every prune; removed by name it goes" {
    for name in kept gone; do
        printf 'FROM busybox\nLABEL name=%s\n' $name | berth build -q -t $name:1 - >/dev/null
    done
    berth image pin kept:1 >/dev/null
    plan image -a >planned
    [ "$(jq -c '[.Items[].Names[]] | sort' planned)" = '["busybox:latest","gone:1"]' ]
    berth system prune -af >/dev/null
    [ "$(berth images --format '{{.Repository}}')" = kept ]
    stock_docker image prune -af >/dev/null
    [ "$(berth images --format '{{.Repository}}')" = kept ]
    [ "$(berth run --rm --network none kept:1 echo works)" = works ]
    berth rmi kept:1 >/dev/null
    [ "$(berth image pin)" = "" ]
}

@test "the table of system df says that images give back what a prune of them all would" {
    printf 'FROM busybox\nRUN head -c 3000000 /dev/urandom >/f\n' >Dockerfile
    berth build -q -t one:1 - <Dockerfile
    printf 'FROM one:1\nRUN echo more >/g\n' | berth build -q -t two:1 -
    berth builder prune -af >/dev/null
    reclaimable() { berth system df | awk '$1 == "Images" {print $5}'; }
    total() { berth image prune -a --dry-run --format json | jq .Total; }
    [ "$(reclaimable)" = "$(human "$(total)")" ]
    # What an image that is used shares with others is used.
    berth run --name user --network none two:1 true
    [ "$(total)" -lt 100000 ]
    [ "$(reclaimable)" = "$(human "$(total)")" ]
    berth rm user >/dev/null
}
