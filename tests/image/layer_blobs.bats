# A pulled layer is here once, unpacked: its compressed blob goes when a registry gives it to anyone, and comes back from there for
# what needs it; `layer-blobs` says which blobs go.
load ../registry/helpers

setup() {
    REGISTRY_DIR=$(mktemp -d)
    berth_engine_start
    registry_start main 5111
    berth_busybox busybox:latest >/dev/null
    printf 'FROM busybox\nRUN head -c 6000000 /dev/urandom >/big\n' | berth build -q -t "$A" - >/dev/null
    berth push -q "$A" >/dev/null
}
teardown() {
    registry_stop main
    registry_stop other
    berth_engine_stop
    rm -rf "$REGISTRY_DIR"
    berth_audit
}

A=localhost:5111/app:1
data() { echo "$BERTH_TEST_DIR/data"; }
blobs() { find "$(data)/blobs" -type f -size +100k | wc -l; }
settled() { timeout 20 bash -c "until [ \"\$(find '$(data)/blobs' -type f -size +100k | wc -l)\" = $1 ]; do sleep 0.05; done"; }
used() {
    timeout 20 bash -c "until [ -z \"\$(ls '$(data)/trash')\" ]; do sleep 0.05; done"
    du -s --block-size=1 "$(data)" | cut -f1
}
# An engine that has never had anything: fresh [FLAG ...]
fresh() {
    berth_engine_halt
    rm -rf "$(data)"
    berth_engine_start "$@"
}
sound() {
    run berth system check
    [ "$status" -eq 0 ] && [[ $output == *"0 problems" ]] || { echo "$output"; return 1; }
}
works() { [ "$(berth run --rm --network none "$A" stat -c %s /big)" = 6000000 ]; }
# Between two equal answers of du: the trash is emptied in the background.
same_as_du() {
    local before after said tries
    for tries in $(seq 100); do
        before=$(du -s --block-size=1 "$(data)" | cut -f1)
        said=$(berth system df -v --format json | jq .DataRoot.Total)
        after=$(du -s --block-size=1 "$(data)" | cut -f1)
        [ "$before" = "$after" ] && break
        sleep 0.05
    done
    [ "$said" = "$after" ] || { echo "df says $said, du $after"; return 1; }
}
manifest_digest() { berth image inspect -f '{{.Id}}' "$1"; }

@test "the setting is seen in info, and another value is refused" {
    [[ $(berth info) == *"Layer blobs: drop-pulled"* ]]
    fresh --layer-blobs keep
    [[ $(berth info) == *"Layer blobs: keep"* ]]
    fresh --layer-blobs drop
    [[ $(berth info) == *"Layer blobs: drop"$'\n'* ]]
    run berthd --validate --layer-blobs some
    [ "$status" -eq 1 ]
    [[ $output == *"layer-blobs"*"none of keep, drop-pulled and drop"* ]]
}

@test "a pulled image takes half the room, is the same to look at, and works" {
    fresh --layer-blobs keep
    empty=$(used)
    berth pull -q "$A"
    kept=$(($(used) - empty))
    berth image inspect "$A" | jq 'del(.[].Size, .[].Metadata)' >"$BERTH_TEST_DIR/inspect"
    berth history --no-trunc --format "{{.ID}} {{.CreatedBy}} {{.Size}}" "$A" >"$BERTH_TEST_DIR/history"
    fresh
    empty=$(used)
    berth pull -q "$A"
    settled 0
    dropped=$(($(used) - empty))
    echo "kept: $kept, dropped: $dropped"
    # The random file takes the same compressed and not; busybox is smaller compressed.
    [ $((dropped * 100)) -lt $((kept * 60)) ]
    diff "$BERTH_TEST_DIR/inspect" <(berth image inspect "$A" | jq 'del(.[].Size, .[].Metadata)')
    diff "$BERTH_TEST_DIR/history" <(berth history --no-trunc --format "{{.ID}} {{.CreatedBy}} {{.Size}}" "$A")
    works
    same_as_du
    sound
    [[ $(berth system df -v) == *"UNIQUE SIZE"* ]]
    berth image layers "$A" >/dev/null
    berth rmi "$A"
    [ "$(berth images -q)" = "" ]
    same_as_du
    sound
}

@test "another pull fetches no layer, whatever the registry has of them" {
    fresh
    berth pull -q "$A"
    find "$REGISTRY_DIR/main" -type f -size +100k -delete
    berth pull "$A" >"$BERTH_TEST_DIR/out"
    grep -q "Already exists" "$BERTH_TEST_DIR/out"
    berth tag "$A" kept:1
    berth rmi "$A"
    berth pull -q "$A"
    works
    sound
    # A registry that lost what it had gives it to nobody, not even to itself.
    berth tag "$A" localhost:5111/lost:1
    run berth push localhost:5111/lost:1
    [ "$status" -eq 1 ]
    [[ $output == *"is not kept here and was not fetched again"*"localhost:5111/app"* ]]
}

@test "what is saved is the same, and leaves no blob behind" {
    wanted=$(manifest_digest "$A")
    fresh
    berth pull -q "$A"
    berth save -o "$BERTH_TEST_DIR/one.tar" "$A"
    settled 0
    # Two at a time share what they fetch.
    berth save "$A" >"$BERTH_TEST_DIR/two.tar" 3>&- &
    other=$!
    berth save "$A" >"$BERTH_TEST_DIR/three.tar"
    wait "$other"
    cmp "$BERTH_TEST_DIR/one.tar" "$BERTH_TEST_DIR/two.tar"
    cmp "$BERTH_TEST_DIR/one.tar" "$BERTH_TEST_DIR/three.tar"
    settled 0
    registry_stop main
    fresh --layer-blobs keep
    berth load -q -i "$BERTH_TEST_DIR/one.tar"
    [ "$(manifest_digest "$A")" = "$wanted" ]
    [ "$(blobs)" = 2 ]
    works
    sound
}

@test "a push brings to another registry what was pulled from this one, and mounts where it can" {
    wanted=$(manifest_digest "$A")
    registry_start other 5112
    fresh
    berth pull -q "$A"
    berth tag "$A" localhost:5112/app:2
    berth push -q localhost:5112/app:2
    settled 0
    [ "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://localhost:5112/app:2)" = "$wanted" ]
    # To the registry that has it no byte travels: it could not, as nothing gives it any more.
    berth tag "$A" localhost:5111/moved:1
    berth push localhost:5111/moved:1 >"$BERTH_TEST_DIR/out"
    grep -q "Mounted from" "$BERTH_TEST_DIR/out"
    [ "$(grep -c Downloading "$BERTH_TEST_DIR/out")" = 0 ]
    berth image copy "$A" docker://localhost:5112/copied:1
    [ "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://localhost:5112/copied:1)" = "$wanted" ]
    settled 0
    sound
}

@test "without the registry, what needs a blob says which and whence, leaves nothing, and works when it is back" {
    fresh
    berth pull -q "$A"
    registry_stop main
    registry_start other 5112
    works
    sound
    run berth save -o "$BERTH_TEST_DIR/none.tar" "$A"
    [ "$status" -eq 1 ]
    [[ $output == *"is not kept here and was not fetched again"*"localhost:5111/app"* ]]
    [[ $output == *"hint: "*"layer-blobs"* ]]
    [ ! -e "$BERTH_TEST_DIR/none.tar" ]
    berth tag "$A" localhost:5112/app:1
    run berth push localhost:5112/app:1
    [ "$status" -eq 1 ]
    [[ $output == *"is not kept here and was not fetched again"*"localhost:5111/app"* ]]
    # No tag, no manifest, no part of a layer.
    run skopeo inspect --tls-verify=false docker://localhost:5112/app:1
    [ "$status" -ne 0 ]
    [ "$(find "$REGISTRY_DIR/other" -type f -size +8k ! -name 'registry.db*')" = "" ]
    same_as_du
    registry_start main 5111
    berth save "$A" >/dev/null
    berth push -q localhost:5112/app:1
    settled 0
}

@test "a layer that is lost or damaged is made again from what the registry has" {
    fresh
    berth pull -q "$A"
    layer=$(find "$(data)/layers" -type f -size +5M)
    cp "$layer" "$BERTH_TEST_DIR/keep"
    rm -r "$(dirname "$layer")"
    run berth system check
    [ "$status" -eq 1 ]
    [[ $output == *"not here"* ]]
    run berth system check --repair
    [ "$status" -eq 0 ]
    [[ $output == *"fetched from localhost:5111/app"* ]]
    cmp "$layer" "$BERTH_TEST_DIR/keep"
    settled 0
    # A container that needs it does the same.
    rm -r "$(dirname "$layer")"
    works
    cmp "$layer" "$BERTH_TEST_DIR/keep"
    sound
}

@test "what no registry gives to anyone stays: built, loaded, committed, and pulled with credentials" {
    fresh
    berth_busybox busybox:latest >/dev/null
    printf 'FROM %s\nRUN head -c 300000 /dev/urandom >/more\n' "$A" | berth build -q -t own:1 -
    # busybox, and the layer that was built; the base came from the registry.
    settled 2
    berth run --name one --network none own:1 sh -c 'head -c 300000 /dev/urandom >/mine'
    berth commit one committed:1 >/dev/null
    berth system prune -f >/dev/null
    settled 3
    berth save -o "$BERTH_TEST_DIR/busybox.tar" busybox
    berth rmi busybox >/dev/null
    settled 2
    berth load -q -i "$BERTH_TEST_DIR/busybox.tar"
    berth image prune -f >/dev/null
    settled 3
    berth save own:1 committed:1 busybox | tar -t >/dev/null
    [ "$(berth run --rm --network none own:1 stat -c %s /more)" = 300000 ]
    sound
}

@test "what was pulled with credentials stays" {
    htpasswd -Bbn me secret >"$REGISTRY_DIR/users"
    registry_start other 5112 --htpasswd "$REGISTRY_DIR/users"
    echo secret | berth login -u me --password-stdin localhost:5112
    berth tag "$A" localhost:5112/app:1
    berth push -q localhost:5112/app:1
    fresh
    berth pull -q localhost:5112/app:1
    [ "$(blobs)" = 2 ]
    berth system prune -f >/dev/null
    [ "$(blobs)" = 2 ]
    # The same layers from where everyone gets them.
    berth pull -q "$A"
    settled 0
}

@test "an engine that is killed before, or in the middle of, the removal goes on with it when it starts" {
    fresh --layer-blobs keep
    berth pull -q "$A"
    [ "$(blobs)" = 2 ]
    berth_engine_kill
    # As it is when the note has been written and one of two blobs has gone.
    cp -a "$(data)" "$BERTH_TEST_DIR/before"
    python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute("UPDATE blob_source SET is_dropped = 1"); c.commit()' "$(data)/berth.db"
    rm "$(find "$(data)/blobs" -type f -size +5M)"
    berth_engine_start --layer-blobs keep
    sound
    works
    berth_engine_halt
    berth_engine_start
    settled 0
    sound
    same_as_du
    berth_engine_halt
    # And when it has not been written.
    rm -rf "$(data)"
    mv "$BERTH_TEST_DIR/before" "$(data)"
    berth_engine_start
    settled 0
    sound
    works
}

@test "a reload drops what is here; going back to keep, a pull brings the blobs back" {
    echo '{"layer-blobs": "keep"}' >"$REGISTRY_DIR/daemon.json"
    fresh --config-file "$REGISTRY_DIR/daemon.json"
    berth pull -q "$A"
    [ "$(blobs)" = 2 ]
    echo '{}' >"$REGISTRY_DIR/daemon.json"
    kill -HUP "$BERTH_ENGINE_PID"
    settled 0
    [[ $(berth info) == *"Layer blobs: drop-pulled"* ]]
    echo '{"layer-blobs": "keep"}' >"$REGISTRY_DIR/daemon.json"
    kill -HUP "$BERTH_ENGINE_PID"
    timeout 20 bash -c 'until [[ $(berth info) == *"Layer blobs: keep"* ]]; do sleep 0.05; done'
    sound
    berth pull -q "$A"
    [ "$(blobs)" = 2 ]
    # From now on a lost one is lost.
    rm "$(find "$(data)/blobs" -type f -size +5M)"
    run berth system check
    [ "$status" -eq 1 ]
    berth system check --repair
    sound
}

@test "what was made here stays when it is pushed; with drop it goes" {
    # Made and pushed by setup.
    berth image prune -f >/dev/null
    [ "$(blobs)" = 2 ]
    # Whatever became of the registry, it can be saved and pushed elsewhere.
    registry_stop main
    registry_start other 5112
    berth save "$A" | tar -t >/dev/null
    berth tag "$A" localhost:5112/app:1
    berth push -q localhost:5112/app:1
    [ "$(blobs)" = 2 ]
    berth builder prune -af >/dev/null # which has the layers, too
    berth_engine_halt
    berth_engine_start --layer-blobs drop
    berth push -q localhost:5112/app:1
    settled 0
    works
    sound
    berth save "$A" | tar -t >/dev/null
    settled 0
}

@test "what an archive brought stays, though a registry gave it once" {
    fresh
    berth pull -q "$A"
    berth save -o "$BERTH_TEST_DIR/saved.tar" "$A"
    settled 0
    berth load -q -i "$BERTH_TEST_DIR/saved.tar"
    registry_stop main
    berth image prune -f >/dev/null
    [ "$(blobs)" = 2 ]
    berth save "$A" | cmp - "$BERTH_TEST_DIR/saved.tar"
    sound
    # Until it is pulled again.
    registry_start main 5111
    berth pull -q "$A"
    settled 0
    sound
}

@test "the name is gone in the registry, its layers are not: what needs them gets them" {
    fresh
    berth pull -q "$A"
    curl -fsS -X DELETE "http://localhost:5111/v2/app/manifests/1"
    run berth pull "$A"
    [ "$status" -eq 1 ]
    berth save "$A" | tar -t >/dev/null
    registry_start other 5112
    berth image copy "$A" docker://localhost:5112/app:1
    berth image copy "$A" "oci:$BERTH_TEST_DIR/layout:one"
    settled 0
    sound
}

@test "built and committed on top of what was pulled, by either builder, an image goes elsewhere whole" {
    registry_start other 5112
    fresh
    berth pull -q "$A"
    printf 'FROM %s\nRUN echo more >/more\n' "$A" >"$BERTH_TEST_DIR/Dockerfile"
    berth build -q -t localhost:5112/own:1 - <"$BERTH_TEST_DIR/Dockerfile"
    DOCKER_BUILDKIT=0 stock_docker -H "$BERTH_HOST" build -q -t localhost:5112/own:2 - <"$BERTH_TEST_DIR/Dockerfile"
    berth run --name one --network none localhost:5112/own:1 sh -c 'echo mine >/mine'
    berth commit one localhost:5112/own:3 >/dev/null
    berth rm one >/dev/null
    for tag in 1 2 3; do berth push -q "localhost:5112/own:$tag"; done
    settled 0
    sound
    registry_stop main
    fresh
    for tag in 1 2 3; do
        [ "$(berth run --rm --network none "localhost:5112/own:$tag" sh -c 'cat /more; stat -c %s /big' | tr '\n' ' ')" = "more 6000000 " ]
    done
    [ "$(berth run --rm --network none localhost:5112/own:3 cat /mine)" = mine ]
    settled 0
}

@test "with drop, what needs a login goes, too, and comes back with the login" {
    htpasswd -Bbn me secret >"$REGISTRY_DIR/users"
    registry_start other 5112 --htpasswd "$REGISTRY_DIR/users"
    echo secret | berth login -u me --password-stdin localhost:5112
    berth tag "$A" localhost:5112/app:1
    berth push -q localhost:5112/app:1
    fresh --layer-blobs drop
    berth pull -q localhost:5112/app:1
    settled 0
    sound
    berth save localhost:5112/app:1 | tar -t >/dev/null
    berth tag localhost:5112/app:1 localhost:5111/moved:1
    berth push -q localhost:5111/moved:1
    berth image copy localhost:5112/app:1 "oci:$BERTH_TEST_DIR/layout:one"
    fresh --layer-blobs drop
    berth pull -q localhost:5112/app:1
    layer=$(find "$(data)/layers" -type f -size +5M)
    rm -r "$(dirname "$layer")"
    berth system check --repair
    sound
    settled 0
    berth logout localhost:5112
    run berth save -o "$BERTH_TEST_DIR/none.tar" localhost:5112/app:1
    [ "$status" -eq 1 ]
    echo "$output"
    [[ $output == *"is not kept here and was not fetched again"*"localhost:5112/app"* ]]
    [[ $output == *"hint: "*"berth login localhost:5112"* ]]
}

@test "pulls, saves and pushes at the same time spoil nothing for each other" {
    wanted=$(manifest_digest "$A")
    registry_start other 5112
    fresh
    berth pull -q "$A"
    berth tag "$A" localhost:5112/app:1
    local pids=() round
    for round in 1 2 3; do
        { berth pull -q "$A" && berth save "$A" | tar -t >/dev/null && berth pull -q "$A"; } 3>&- & pids+=($!)
        { berth push -q localhost:5112/app:1 && berth save "$A" | tar -t >/dev/null; } >/dev/null 3>&- & pids+=($!)
        berth image prune -f >/dev/null
    done
    for round in "${pids[@]}"; do wait "$round"; done
    [ "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://localhost:5112/app:1)" = "$wanted" ]
    settled 0
    sound
    works
}

@test "an engine that is killed at any system call of a pull comes back to a sound store" {
    cc -O2 -o "$BERTH_TEST_DIR/kill_stepper" "$BERTH_SOURCE/tests/kill/kill_stepper.c"
    fresh
    # It may take a moment to be gone.
    engine_was_killed() { grep -q "^killed at [0-9]* $BERTH_ENGINE_PID " "$BERTH_TEST_DIR/step"; }
    local name=berthd points=1000000000 at try killed=0
    # Most of them near the end, where the image is named, the note is written and the blobs go.
    for at in 50 75 85 88 90 92 94 96 98 99; do
        # How many calls a pull takes is not always the same: one that ended before its point says how many it took.
        for try in 1 2 3 4 5; do
            berth rmi "$A" >/dev/null 2>&1 || true
            "$BERTH_TEST_DIR/kill_stepper" -p "$BERTH_ENGINE_PID" -n "$name" -k $((points * at / 100)) -g 100 -- \
                berth pull -q "$A" >/dev/null 2>"$BERTH_TEST_DIR/step" || true
            engine_was_killed && break
            points=$(sed -n 's/^points //p' "$BERTH_TEST_DIR/step")
            [ "$points" -gt 100 ]
        done
        if engine_was_killed; then
            wait "$BERTH_ENGINE_PID" 2>/dev/null || true
            killed=$((killed + 1))
            berth_engine_start
        fi
        sound || { echo "after the end at $at % of $points"; return 1; }
        berth pull -q "$A"
        settled 0 || { ls -la "$(data)/blobs/sha256"; return 1; }
        sound
    done
    echo "killed $killed times"
    [ "$killed" -ge 5 ]
    works
}
