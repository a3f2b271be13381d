#!/usr/bin/env bats
# Networks seen from outside: names, isolation, published ports with and without an engine, and what is left behind.
load ../lib/berth

setup() {
    berth_engine_start
    berth_busybox
}
teardown() {
    berth_engine_stop
    berth_audit
}

web() { # name [flags...]: a small HTTP server that answers
    local name=$1 tries
    shift
    berth run -d --name "$name" "$@" busybox sh -c "mkdir -p /srv; echo $name > /srv/index.html; exec httpd -f -p 80 -h /srv"
    for tries in $(seq 200); do
        berth exec "$name" wget -qO- http://127.0.0.1 >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    return 1
}
fetch() { curl -fsS --retry 5 --retry-connrefused --retry-delay 0 --max-time 5 "$1"; }
table() { nft list tables | sed -n 's/^table inet \(berth.*\)/\1/p'; }

@test "a published port answers on loopback and on the host's own addresses" {
    ip address add 198.51.100.1/32 dev lo
    web one -p 18080:80
    [ "$(fetch http://127.0.0.1:18080)" = one ]
    [ "$(fetch http://198.51.100.1:18080)" = one ]
    [ "$(berth port one 80)" = 0.0.0.0:18080 ]
    ip address delete 198.51.100.1/32 dev lo
}

@test "a port of one address, a range, a random port and udp" {
    web one -p 127.0.0.1:18080:80 -p 18100-18102:80 -p 80 -p 15300:53/udp
    [ "$(fetch http://127.0.0.1:18080)" = one ]
    [ "$(fetch http://127.0.0.1:18100)" = one ]
    berth port one 53/udp | grep -q 0.0.0.0:15300
    local ports
    ports=$(berth port one 80/tcp | wc -l)
    [ "$ports" -ge 3 ]
}

@test "a taken port is refused in Docker's words, with status 125, and nothing stays" {
    web one -p 18080:80
    run berth run -d --name two -p 18080:80 busybox sleep 1000
    [ "$status" -eq 125 ]
    [[ $output == *"port is already allocated"* ]]
    berth rm -f two
    python3 -m http.server --bind 127.0.0.1 18081 >/dev/null 2>&1 3>&- &
    local program=$!
    until curl -fs http://127.0.0.1:18081 >/dev/null; do sleep 0.05; done
    run berth run -d --name three -p 18081:80 busybox sleep 1000
    kill $program
    [ "$status" -eq 125 ]
    [[ $output == *"address already in use"* ]]
}

@test "containers of a network find each other by name, alias and id, and backwards" {
    berth network create front
    web one --network front --network-alias shop
    local id
    id=$(berth inspect -f '{{.Id}}' one)
    for name in one shop "${id:0:12}" one.front; do
        [ "$(berth run --rm --network front busybox wget -qO- "http://$name")" = one ]
    done
    berth run --rm --network front busybox nslookup "$(berth inspect -f '{{.NetworkSettings.Networks.front.IPAddress}}' one)" | grep -q one.front
    run berth run --rm --network front busybox wget -qO- http://nobody
    [ "$status" -ne 0 ]
}

@test "networks are apart, an internal one has no way out" {
    berth network create front
    berth network create --internal back
    web one --network front
    web two --network back
    local one two
    one=$(berth inspect -f '{{.NetworkSettings.Networks.front.IPAddress}}' one)
    two=$(berth inspect -f '{{.NetworkSettings.Networks.back.IPAddress}}' two)
    run berth exec one timeout 1 wget -qO- "http://$two"
    [ "$status" -ne 0 ]
    run berth exec two timeout 1 wget -qO- "http://$one"
    [ "$status" -ne 0 ]
    run berth exec two ip route
    [ "$status" -eq 0 ]
    [[ $output != *default* ]]
    berth network connect back one
    [ "$(berth exec one wget -qO- http://two)" = two ]
    berth network disconnect back one
    run berth exec one timeout 1 wget -qO- "http://$two"
    [ "$status" -ne 0 ]
}

@test "with --icc=false containers of the default network do not reach each other, until the engine is told otherwise" {
    web one
    local address
    address=$(berth inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' one)
    [ "$(fetch "http://$address/")" = one ]
    timeout 10 berth run --rm busybox wget -qO- "http://$address/" | grep -q one
    berth rm -f one
    berth_engine_halt
    berth_engine_start --icc=false
    [ "$(berth network inspect -f '{{index .Options "com.docker.network.bridge.enable_icc"}}' bridge)" = false ]
    web one -p 18080:80
    address=$(berth inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' one)
    run timeout 10 berth run --rm busybox wget -qO- "http://$address/"
    [ "$status" -ne 0 ]
    # The host still does.
    [ "$(fetch http://127.0.0.1:18080)" = one ]
    berth rm -f one
    berth_engine_halt
    berth_engine_start
    [ "$(berth network inspect -f '{{index .Options "com.docker.network.bridge.enable_icc"}}' bridge)" = true ]
}

@test "ports and names work on while the engine is dead, and after its restart" {
    berth network create front
    web one --network front -p 18080:80
    web two --network front
    berth_engine_kill
    [ "$(fetch http://127.0.0.1:18080)" = one ]
    berth_engine_start
    [ "$(fetch http://127.0.0.1:18080)" = one ]
    [ "$(berth exec two wget -qO- http://one)" = one ]
    [ "$(berth network inspect -f '{{len .Containers}}' front)" = 2 ]
    run berth run --rm -p 18080:80 busybox true
    [[ $output == *"port is already allocated"* ]]
}

@test "a flushed ruleset is put back" {
    web one -p 18080:80
    nft flush ruleset
    local tries
    for tries in $(seq 400); do
        [ -z "$(table)" ] || break
        sleep 0.05
    done
    [ -n "$(table)" ]
    [ "$(fetch http://127.0.0.1:18080)" = one ]
}

@test "network verbs: conflicts, inspect, prune" {
    berth network create --subnet 10.77.0.0/24 --gateway 10.77.0.254 --label a=b front
    run berth network create front
    [ "$status" -ne 0 ]
    [[ $output == *"network with name front already exists"* ]]
    run berth network create --subnet 10.77.0.128/25 other
    [ "$status" -ne 0 ]
    [[ $output == *"Pool overlaps"* ]]
    [ "$(berth network inspect -f '{{(index .IPAM.Config 0).Gateway}} {{index .Labels "a"}}' front)" = "10.77.0.254 b" ]
    web one --network front --ip 10.77.0.9
    [ "$(berth inspect -f '{{.NetworkSettings.Networks.front.IPAddress}}' one)" = 10.77.0.9 ]
    run berth network rm front
    [ "$status" -ne 0 ]
    [[ $output == *"has active endpoints"* ]]
    run berth network rm bridge
    [ "$status" -ne 0 ]
    [[ $output == *"pre-defined network and cannot be removed"* ]]
    berth rm -f one
    berth network prune -f | grep -q front
    run berth network inspect front
    [ "$status" -ne 0 ]
}

@test "host, none and another container's network" {
    web one -p 18080:80
    [ "$(berth run --rm --network container:one busybox wget -qO- http://127.0.0.1)" = one ]
    [ "$(berth run --rm --network none busybox ls /sys/class/net)" = lo ]
    berth run --rm --network host busybox ls /sys/class/net | grep -q '^lo'
    [ "$(berth run --rm --network host busybox wget -qO- http://127.0.0.1:18080)" = one ]
}

@test "fifty containers come and go without a trace" {
    local i
    for i in $(seq 50); do berth run --rm -p "$((18200 + i)):80" busybox true; done
    [ -z "$(berth ps -aq)" ]
    local tries
    for tries in $(seq 400); do
        [ -n "$(ip -o link show type veth)" ] || break
        sleep 0.05
    done
    [ -z "$(ip -o link show type veth)" ]
    [ -z "$(nft list map inet "$(table)" published_any | grep elements)" ]
}
