# What changed from version to version of the Engine API, asked for by curl.
load helpers

setup_file() { start_engine; }
setup() { use_engine; }
teardown_file() { . "$BATS_FILE_TMPDIR/engine"; berth_engine_stop; berth_audit; }
teardown() { "$BERTH_BIN/berth" ps -aq | xargs -r "$BERTH_BIN/berth" rm -f -v >/dev/null; }

get() { curl -sS --max-time 30 --unix-socket "${BERTH_HOST#unix://}" "${@:2}" "http://berth$1"; }

@test "inspect of a container: the members of the default bridge end with 1.51" {
    berth run -d --name one busybox sleep 1000
    [[ "$(get /v1.51/containers/one/json | jq -r .NetworkSettings.IPAddress)" =~ ^172\. ]]
    get /v1.51/containers/one/json | jq -e '.NetworkSettings | has("Bridge") and has("MacAddress")'
    get /v1.52/containers/one/json | jq -e '.NetworkSettings | has("IPAddress") or has("Bridge") or has("MacAddress") | not'
    get /v1.52/containers/one/json | jq -e '.Config | has("OnBuild") | not'
    [[ "$(get /v1.55/containers/one/json | jq -r .NetworkSettings.Networks.bridge.IPAddress)" =~ ^172\. ]]
    # Berth's own command goes on to know them, for the templates of its users.
    [[ "$(berth inspect -f '{{.NetworkSettings.IPAddress}}' one)" =~ ^172\. ]]
}

@test "inspect of an image: what is not set is left out from 1.52 on" {
    get /v1.51/images/busybox/json | jq -e '.Config | has("Entrypoint") and has("User") and .Entrypoint == null'
    get /v1.51/images/busybox/json | jq -e 'has("Parent") and has("Author")'
    get /v1.52/images/busybox/json | jq -e '.Config | has("Entrypoint") or has("User") or has("Labels") | not'
    get /v1.52/images/busybox/json | jq -e '.Config.Cmd == ["sh"]'
    get /v1.52/images/busybox/json | jq -e 'has("Parent") or has("Author") or has("DockerVersion") | not'
}

@test "a network tells how many addresses it has left" {
    berth network create --subnet 10.77.1.0/24 counted
    get /v1.51/networks/counted | jq -e 'has("Status") | not'
    get /v1.52/networks/counted | jq -e '.Status.IPAM.Subnets["10.77.1.0/24"] == {IPsInUse: 3, DynamicIPsAvailable: 253}'
    berth run -d --network counted busybox sleep 1000
    get /v1.52/networks/counted | jq -e '.Status.IPAM.Subnets["10.77.1.0/24"] == {IPsInUse: 4, DynamicIPsAvailable: 252}'
    berth ps -q | xargs berth rm -f
    berth network rm counted
    berth network create --subnet 10.77.2.0/24 --ip-range 10.77.2.128/25 ranged
    get /v1.52/networks/ranged | jq -e '.Status.IPAM.Subnets["10.77.2.0/24"].DynamicIPsAvailable == 127'
    berth network rm ranged
}

@test "disk usage is summed up from 1.52 on" {
    berth run --name one busybox sh -c 'echo 12345 >/file'
    berth volume create vol
    get /v1.51/system/df | jq -e '(.Images | length == 1) and (has("ImageUsage") | not)'
    get /v1.52/system/df | jq -e '(.Images | length == 1) and .ImageUsage.TotalCount == 1 and (.ImageUsage | has("Items") | not)'
    get '/v1.52/system/df?verbose=1' | jq -e '(has("Images") | not) and (.ContainerUsage.Items | length == 1)'
    get '/v1.55/system/df?verbose=1' | jq -e '.ContainerUsage | .ActiveCount == 0 and .Reclaimable == .TotalSize and .TotalSize > 0'
    get '/v1.55/system/df?type=volume' | jq -e '.VolumeUsage.TotalCount == 1 and .VolumeUsage.ActiveCount == 0 and (has("ImageUsage") | not)'
    berth volume rm vol
}

@test "events come in the kinds of lines that were asked for" {
    berth run --rm --name noisy busybox true
    # The second that has begun is asked for, too, and so waited for.
    since=$(($(date +%s) - 60)) now=$(($(date +%s) + 1))
    events=/events?since=$since\&until=$now
    get "/v1.51$events" -D "$BATS_TEST_TMPDIR/head" | head -n 1 | jq -e 'has("status") and has("id")'
    grep -qi '^content-type: application/json' "$BATS_TEST_TMPDIR/head"
    get "/v1.52$events" -D "$BATS_TEST_TMPDIR/head" | head -n 1 | jq -e 'has("status") or has("id") | not'
    grep -qi '^content-type: application/jsonl' "$BATS_TEST_TMPDIR/head"
    get "/v1.52$events" -D "$BATS_TEST_TMPDIR/head" -H 'Accept: text/plain, application/json-seq;q=1' >"$BATS_TEST_TMPDIR/body"
    grep -qi '^content-type: application/json-seq' "$BATS_TEST_TMPDIR/head"
    [ "$(head -c 1 "$BATS_TEST_TMPDIR/body" | od -An -tx1 | tr -d ' ')" = 1e ]
    get "/v1.52$events" -D "$BATS_TEST_TMPDIR/head" -H 'Accept: application/x-ndjson' >/dev/null
    grep -qi '^content-type: application/x-ndjson' "$BATS_TEST_TMPDIR/head"
}

@test "create: a MAC address of the whole container ends with 1.51, empty bindings are warned of from 1.52 on" {
    [ "$(status POST /v1.51/containers/create -H 'Content-Type: application/json' -d '{"Image":"busybox","MacAddress":"02:42:ac:11:00:09"}')" = 201 ]
    run api POST /v1.52/containers/create -H 'Content-Type: application/json' -d '{"Image":"busybox","MacAddress":"02:42:ac:11:00:09"}'
    [ "${lines[-1]}" = 400 ]
    [[ $output == *'endpoint-specific MAC address'* ]]
    local body='{"Image":"busybox","HostConfig":{"PortBindings":{"80/tcp":[]}}}'
    api POST /v1.51/containers/create -H 'Content-Type: application/json' -d "$body" | head -n 1 | jq -e '.Warnings | length == 0'
    api POST /v1.52/containers/create -H 'Content-Type: application/json' -d "$body" | head -n 1 | jq -e '.Warnings[0] | contains("80/tcp")'
}

@test "a network is joined with a MAC address of one's own" {
    berth network create joined
    berth run -d --name one busybox sleep 1000
    run post /v1.54/networks/joined/connect '{"Container":"one","EndpointConfig":{"MacAddress":"02:42:0a:00:00:77"}}'
    [ "${lines[-1]}" = 200 ]
    berth exec one cat /sys/class/net/eth1/address | grep -x 02:42:0a:00:00:77
    berth rm -f one
    berth network rm joined
}

@test "stats name the system from 1.52 on" {
    berth run -d --name one busybox sleep 1000
    get '/v1.51/containers/one/stats?stream=0&one-shot=1' | jq -e 'has("os_type") | not'
    get '/v1.52/containers/one/stats?stream=0&one-shot=1' | jq -e '.os_type == "linux"'
}

# An image with an attestation, as BuildKit writes it into an OCI layout: attested_layout FOLDER
attested_layout() {
    python3 - "$1" <<'PYTHON'
import hashlib, io, json, os, platform, sys, tarfile
root = sys.argv[1]
os.makedirs(f"{root}/blobs/sha256")
def blob(data, media_type, **more):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    digest = hashlib.sha256(data).hexdigest()
    open(f"{root}/blobs/sha256/{digest}", "wb").write(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data), **more}
OCI = "application/vnd.oci.image."
def layer_of(name, text):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    return out.getvalue()
arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
def manifest(layers, diff_ids, os_name, arch_name):
    config = blob({"architecture": arch_name, "os": os_name, "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}, OCI + "config.v1+json")
    return blob({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": config, "layers": layers}, OCI + "manifest.v1+json")
tar = layer_of("note", b"text")
image = manifest([blob(tar, OCI + "layer.v1.tar")], ["sha256:" + hashlib.sha256(tar).hexdigest()], "linux", arch)
image["platform"] = {"architecture": arch, "os": "linux"}
statement = blob({"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2", "predicate": {"builder": "me"}},
                 "application/vnd.in-toto+json", annotations={"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"})
about = manifest([statement], [statement["digest"]], "unknown", "unknown")
about["platform"] = {"architecture": "unknown", "os": "unknown"}
about["annotations"] = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image["digest"]}
index = blob({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [image, about]}, OCI + "index.v1+json",
             annotations={"io.containerd.image.name": "docker.io/library/attested:1", "org.opencontainers.image.ref.name": "1"})
json.dump({"schemaVersion": 2, "manifests": [index]}, open(f"{root}/index.json", "w"))
json.dump({"imageLayoutVersion": "1.0.0"}, open(f"{root}/oci-layout", "w"))
PYTHON
}

@test "attestations of an image are listed from 1.55 on" {
    attested_layout "$BATS_TEST_TMPDIR/layout"
    tar -C "$BATS_TEST_TMPDIR/layout" -cf "$BATS_TEST_TMPDIR/attested.tar" .
    berth load -i "$BATS_TEST_TMPDIR/attested.tar"
    [ "$(status GET /v1.54/images/attested:1/attestations)" = 404 ]
    get /v1.55/images/attested:1/attestations | jq -e 'length == 1 and .[0].PredicateType == "https://slsa.dev/provenance/v0.2" and (.[0] | has("Statement") | not)'
    get '/v1.55/images/attested:1/attestations?statement=1&type=https://slsa.dev/provenance/v0.2' | jq -e '.[0].Statement.predicate.builder == "me"'
    get '/v1.55/images/attested:1/attestations?type=https://spdx.dev/Document' | jq -e '. == []'
    get /v1.55/images/busybox/attestations | jq -e '. == []'
    [ "$(status GET /v1.55/images/nothere/attestations)" = 404 ]
    [ "$(status GET '/v1.55/images/attested:1/attestations?platform=linux/amd64&platform=linux/arm64')" = 400 ]
    berth rmi attested:1
}
