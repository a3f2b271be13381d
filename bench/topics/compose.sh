# An application of three services, each waiting for the health of the one before.

bench_compose() { # compose up of three health-gated services
    local project=$work/project d=nan b
    mkdir -p "$project"
    cat >"$project/compose.yaml" <<'YAML'
version: "2.4"
services:
  a:
    image: bench:latest
    command: sh -c "echo ok > /tmp/ready; sleep 100000"
    healthcheck: &check {test: [CMD, cat, /tmp/ready], interval: 1s, retries: 30}
  b:
    image: bench:latest
    command: sh -c "echo ok > /tmp/ready; sleep 100000"
    healthcheck: *check
    depends_on: {a: {condition: service_healthy}}
  c:
    image: bench:latest
    command: sh -c "echo ok > /tmp/ready; sleep 100000"
    depends_on: {b: {condition: service_healthy}}
YAML
    cd "$project"
    ours_down() { berth compose down -t 0; }
    theirs_down() { DOCKER_HOST=unix://$work/docker.sock docker-compose down -t 0; }
    theirs_up() { DOCKER_HOST=unix://$work/docker.sock docker-compose up -d; }
    b=$(median_of "$RUNS" ours_down berth compose up -d)
    ours_down >/dev/null 2>&1
    if has docker && command -v docker-compose >/dev/null; then
        d=$(median_of "${PEER_RUNS:-3}" theirs_down theirs_up)
        theirs_down >/dev/null 2>&1
    fi
    cd - >/dev/null
    row 'compose up, 3 services, healthy' "$b" "$d" nan '5x, < 0.4 s'
    rm -rf "$project"
}
