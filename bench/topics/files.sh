# Reading a file tree from a container: EROFS under an overlay against overlay directories.

bench_tree() { # tar c of 60,000 files in a container, after dropping caches and warm
    local bc bw dc=nan dw=nan pc=nan pw=nan
    big_archive
    # The big image with a program in it.
    big_with_tar() { # ENGINE BASE NAME
        big_loaded "$1"
        printf 'FROM bench-big:latest\nCOPY --from=%s /bin /bin\n' "$2" | "$1" build -q -t bench-tree - >/dev/null
        "$1" run -d --name bench-tree bench-tree sleep 100000 >/dev/null
    }
    drop() { sync; echo 3 >/proc/sys/vm/drop_caches; }
    read_whole() { "$1" exec bench-tree sh -c 'tar c layer0 layer1 layer2 layer3 layer4 layer5 | cat >/dev/null'; }
    big_with_tar berth bench:latest
    bc=$(median_of 3 drop read_whole berth); bw=$(median_of 5 nothing read_whole berth)
    berth rm -f bench-tree >/dev/null; berth rmi -f bench-tree bench-big >/dev/null
    if has docker; then
        big_with_tar docker_peer bench:latest
        dc=$(median_of 3 drop read_whole docker_peer); dw=$(median_of 5 nothing read_whole docker_peer)
        docker_peer rm -f bench-tree >/dev/null; docker_peer rmi -f bench-tree bench-big >/dev/null
    fi
    row 'tar c of the tree, cold' "$bc" "$dc" nan 'not slower'
    row 'tar c of the tree, warm' "$bw" "$dw" nan 'not slower'
}
