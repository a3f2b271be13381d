# berth-registry beside docker-registry and nginx with static files: big blobs and manifests.

bench_registry() { # throughput of one big blob, and of small manifests
    [ -n "$(command -v wrk)" ] || { echo 'bench: registry needs wrk' >&2; return 0; }
    local which address manifest digest results=() blob=$work/blob.bin
    head -c 67108864 /dev/urandom >"$blob"
    digest=sha256:$(sha256sum "$blob" | cut -d' ' -f1)
    rate() { wrk -t2 -c16 -d"${SECONDS_EACH:-3}" -H "Accept: $2" "$1" | awk '$1 == "Requests/sec:" {printf "%.0f", $2}'; }
    megabytes() { # what came over in bytes: few of these requests end within the time
        wrk -t2 -c4 -d"${SECONDS_EACH:-3}" "$1" | awk '$1 == "Transfer/sec:" {n = $2 + 0; u = substr($2, length($2) - 1)
            printf "%.0f", n * (u == "GB" ? 1073.74 : u == "MB" ? 1.04858 : 0.001024)}'
    }
    declare -A blobs=() manifests=()
    for which in docker berth; do
        [ $which = berth ] || [ -n "$(command -v docker-registry)" ] || continue
        address=127.0.0.1:5057
        start_registry $which $address
        local place type=application/vnd.oci.image.manifest.v1+json
        place=$(curl -fsi -X POST "http://$address/v2/bench/blobs/uploads/" | tr -d '\r' | awk 'tolower($1) == "location:" {print $2}')
        case $place in http*) ;; *) place=http://$address$place ;; esac
        curl -fs -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$blob" "$place$(case $place in *\?*) echo '&' ;; *) echo '?' ;; esac)digest=$digest"
        manifest='{"schemaVersion":2,"mediaType":"'$type'","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"'$digest'","size":67108864},"layers":[]}'
        curl -fs -X PUT -H "Content-Type: $type" --data-binary "$manifest" "http://$address/v2/bench/manifests/latest"
        blobs[$which]=$(megabytes "http://$address/v2/bench/blobs/$digest")
        manifests[$which]=$(rate "http://$address/v2/bench/manifests/latest" "$type")
        stop_registry $which
    done
    if [ -x /usr/sbin/nginx ]; then
        mkdir -p "$work/nginx" && mv "$blob" "$work/nginx/blob" && echo "$manifest" >"$work/nginx/manifest"
        printf 'daemon off; worker_processes 2; pid %s/nginx.pid; error_log /dev/null;\nevents {}\nhttp { access_log off; sendfile on; root %s/nginx; server { listen 127.0.0.1:5058; } }\n' "$work" "$work" >"$work/nginx.conf"
        chmod 755 "$work"
        /usr/sbin/nginx -c "$work/nginx.conf" >/dev/null 2>&1 &
        pids[nginx]=$!
        wait_for curl -fs http://127.0.0.1:5058/manifest
        blobs[nginx]=$(megabytes http://127.0.0.1:5058/blob)
        manifests[nginx]=$(rate http://127.0.0.1:5058/manifest x)
        kill "${pids[nginx]}"; wait "${pids[nginx]}" 2>/dev/null || true; unset "pids[nginx]"
    fi
    fact 'registry, blobs of 64 MB' "${blobs[berth]}" MB/s '95 % of nginx' docker-registry "${blobs[docker]:--}" nginx "${blobs[nginx]:--}"
    fact 'registry, manifests' "${manifests[berth]}" /s '20,000' docker-registry "${manifests[docker]:--}" nginx "${manifests[nginx]:--}"
    rm -rf "$blob" "$work/nginx"
}
