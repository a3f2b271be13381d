#!/usr/bin/env bats
# Named and anonymous volumes: data outlives containers, nobody loses a volume that is named.
load ../lib/berth

setup() {
    berth_engine_start
    berth_busybox
}
teardown() {
    berth_engine_stop
    berth_audit
}

@test "data outlives its container and the engine" {
    berth run --rm -v data:/data busybox sh -c 'echo kept > /data/file'
    berth_engine_kill
    berth_engine_start
    [ "$(berth run --rm -v data:/data busybox cat /data/file)" = kept ]
    berth run --rm -v data:/data:ro busybox sh -c '! touch /data/other'
    [ "$(berth volume ls -q)" = data ]
    [ -f "$(berth volume inspect -f '{{.Mountpoint}}' data)/file" ]
}

@test "a volume in use is kept, in Docker's words" {
    berth create --name user -v data:/data busybox sleep 1
    run berth volume rm data
    [ "$status" -ne 0 ]
    [[ $output == *"volume is in use"* ]]
    berth rm user
    berth volume rm data
    run berth volume rm data
    [ "$status" -ne 0 ]
    [[ $output == *"no such volume"* ]]
    berth volume rm -f data
}

@test "anonymous volumes go with --rm, rm -v and prune; named ones do not" {
    berth run --rm -v /data busybox true
    [ -z "$(berth volume ls -q)" ]
    berth run --name one -v /data -v named:/named busybox true
    [ "$(berth volume ls -q | wc -l)" -eq 2 ]
    berth rm -v one
    [ "$(berth volume ls -q)" = named ]
    berth run --name two -v /data busybox true
    berth rm two
    berth volume prune -f
    [ "$(berth volume ls -q)" = named ]
    berth volume prune -a -f
    [ -z "$(berth volume ls -q)" ]
}

@test "local volumes with options are mounted, and bad ones are named" {
    berth volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m small
    berth run --rm -v small:/data busybox sh -c 'grep " /data tmpfs" /proc/mounts'
    run berth volume create --opt colour=red bad
    [ "$status" -ne 0 ]
    [[ $output == *'invalid option: "colour"'* ]]
    run berth volume create ../escape
    [ "$status" -ne 0 ]
    [[ $output == *"invalid characters for a local volume name"* ]]
}
