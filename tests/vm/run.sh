#!/usr/bin/env bash
# The runtime and the engine on a kernel and on cgroup layouts that this machine may not have: Debian's own kernel in a virtual
# machine, booted once for each layout of cgroups.
#
#   tests/vm/run.sh [v2|v1|hybrid ...]
#
# With BERTH_VM_COMMAND set, the guest runs that shell command instead of the tests, to look at something by hand.
#
# The machine is made of Debian packages: the kernel from linux-image-cloud-amd64 (unpacked, never installed), the root file
# system from the files of packages that are installed here, and Berth's binaries. It has no network but its own loopback. What
# is built lies in build/vm and is made again when its parts change. With a working /dev/kvm a boot takes
# two seconds, else QEMU interprets, which shows the same more slowly.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
bin=${BERTH_BIN:-$PWD/build/release/bin}
cache=$PWD/build/vm
layouts=("$@")
[ ${#layouts[@]} -gt 0 ] || layouts=(v2 hybrid v1)

skip() {
    echo "vm: skipped: $*"
    [ -z "${BERTH_COUNTS:-}" ] || printf '0\n0\n' >"$BERTH_COUNTS"
    exit 0
}
[ "$(uname -m)" = x86_64 ] || skip "the virtual machine is made for x86-64, this machine is $(uname -m)"
command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86_64 is not installed; it is in the package qemu-system-x86, and cpio and kmod are needed, too"

# What the guest's commands need: these packages with everything they depend on.
guest_packages=(bash bats e2fsprogs bsdutils coreutils dash curl gzip bzip2 xz-utils zstd grep sed mawk findutils diffutils jq iproute2 nftables mount util-linux procps python3
    busybox-static kmod xattr tar gzip libfyaml0 libarchive13 libisal2 libcurl4 libnftables1 libsqlite3-0 libseccomp2)
# Kernel modules, with what they depend on.
modules=(virtio_pci virtio_blk overlay erofs loop veth bridge br_netfilter nf_tables nft_chain_nat nft_ct nft_masq nft_nat nft_redir
    nft_reject_inet nft_fib_inet nft_log nft_limit nft_counter nf_conntrack_netlink tun dummy quota_v2)

unpack_kernel() {
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -1)
    [ -n "$package" ] || package=$(ls "$cache"/kernel 2>/dev/null | tail -1)
    [ -n "$package" ] || skip "apt knows no linux-image-cloud-amd64"
    kernel=$cache/kernel/$package
    [ ! -e "$kernel/unpacked" ] || return 0
    rm -rf "$kernel" && mkdir -p "$kernel"
    (cd "$kernel" && apt-get download -qq -o APT::Sandbox::User=root "$package" && dpkg -x "$package"_*.deb . && rm "$package"_*.deb) ||
        skip "the kernel package $package cannot be downloaded"
    depmod -b "$kernel" "${package#linux-image-}"
    touch "$kernel/unpacked"
}

# module_files: the files of the modules, in the order in which they can be loaded.
module_files() {
    local release=${kernel##*/linux-image-} module
    for module in "${modules[@]}"; do
        modprobe -d "$kernel" -S "$release" --show-depends "$module" 2>/dev/null || true
    done | awk '$1 == "insmod" && !seen[$2]++ {print $2}'
}

build_initramfs() {
    local stage=$cache/initramfs file
    rm -rf "$stage" && mkdir -p "$stage"/{bin,lib,proc,sys,dev,root}
    cp /bin/busybox "$stage/bin/busybox"
    module_files >"$cache/modules.list"
    local number=1000
    while read -r file; do
        cp "$file" "$stage/lib/$((number++))-$(basename "$file")"
    done <"$cache/modules.list"
    cp tests/vm/initramfs.sh "$stage/init" && chmod 755 "$stage/init"
    (cd "$stage" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$cache/initramfs.gz.new"
    mv "$cache/initramfs.gz.new" "$cache/initramfs.gz"
    rm -rf "$stage"
}

# The files of the packages and of what they depend on, as this machine has them.
package_files() {
    apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
        "${guest_packages[@]}" | grep -E '^[a-z0-9]' | sort -u | while read -r package; do
        dpkg-query -L "$package" 2>/dev/null || true
    done | grep -vE '^/usr/share/(doc|man|info|locale|lintian|perl5?|i18n)|^/usr/lib/x86_64-linux-gnu/(perl|gconv)' | sort -u |
        while read -r file; do if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\n' "$file"; fi; done
}

build_base() {
    local key
    key=$({ printf '%s\n' "${guest_packages[@]}"; dpkg-query -W -f '${Package} ${Version}\n' "${guest_packages[@]}" 2>/dev/null; cat tests/vm/run.sh; } | sha256sum)
    [ "$(cat "$cache/base.key" 2>/dev/null)" != "$key" ] || return 0
    rm -rf "$cache/base" && mkdir -p "$cache/base"
    mkdir -p "$cache/base"/{proc,sys,dev,run,tmp,root,var/tmp,etc,usr/bin,usr/sbin,usr/lib,usr/lib64}
    local link
    for link in bin sbin lib lib64; do ln -s "usr/$link" "$cache/base/$link"; done
    package_files | sed 's|^/||' | grep -vE '^(bin|sbin|lib|lib64|\.)?$' >"$cache/files"
    tar -C / --no-recursion -cf - -T "$cache/files" 2>/dev/null | tar -C "$cache/base" --keep-directory-symlink -xf - || true
    cp -a /etc/alternatives "$cache/base/etc/" 2>/dev/null || true
    local link
    for link in awk python3 which nawk sh; do
        [ -e "$cache/base/usr/bin/$link" ] || cp -a "/usr/bin/$link" "$cache/base/usr/bin/" 2>/dev/null || true
    done
    printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$cache/base/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$cache/base/etc/group"
    echo 127.0.0.1 localhost >"$cache/base/etc/hosts"
    ldconfig -r "$cache/base"
    echo "$key" >"$cache/base.key"
}

# The root file system: the base, the binaries with libraries that no package above brings, the tests.
build_disk() {
    local guest=$cache/base/berth binary library
    rm -rf "$guest" && mkdir -p "$guest/bin" "$guest/lib"
    for binary in berth berthd berth-shim berth-runtime berth-registry; do
        cp "$bin/$binary" "$guest/bin/"
        for library in $(ldd "$bin/$binary" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p'); do
            [ -e "$cache/base$library" ] || [ -e "$guest/lib/$(basename "$library")" ] || cp -L "$library" "$guest/lib/"
        done
    done
    cp -r tests "$guest/tests"
    printf '%s\n' "${BERTH_VM_COMMAND:-}" >"$guest/command"
    cp tests/vm/guest.sh "$cache/base/usr/sbin/init"
    chmod 755 "$cache/base/usr/sbin/init"
    rm -f "$cache/disk"
    truncate -s 2G "$cache/disk"
    mkfs.ext4 -q -F -E lazy_itable_init=1,lazy_journal_init=1 -O ^has_journal -d "$cache/base" "$cache/disk"
}

# machine ACCELERATOR LAYOUT LOG: the guest writes what it does to the second serial line, the kernel to the first.
machine() {
    local cpu=max
    # Not every nested KVM handles these two.
    [ "$1" != kvm ] || cpu=host,-arch-capabilities,-cx16
    exec qemu-system-x86_64 -M "q35,accel=$1" -cpu $cpu -smp 2 -m 2048 -nodefaults -no-reboot -display none \
        -serial "file:$3.kernel" -serial stdio -net none \
        -kernel "$kernel/boot/vmlinuz-${kernel##*/linux-image-}" -initrd "$cache/initramfs.gz" \
        -append "console=ttyS0 panic=-1 berth.cgroups=$2" \
        -drive "file=$cache/disk,if=virtio,format=raw,snapshot=on" </dev/null
}
export -f machine
export cache kernel

# /dev/kvm being there does not mean that a kernel boots with it: nested virtualisation is not always whole. A boot that shows no
# sign of life within 15 seconds decides, once for each boot of this machine.
choose_accelerator() {
    local mark=$cache/accelerator boot_id
    boot_id=$(cat /proc/sys/kernel/random/boot_id)
    accelerator=tcg
    [ -r /dev/kvm ] && [ -w /dev/kvm ] || return 0
    if [ "$(sed -n 1p "$mark" 2>/dev/null)" != "$boot_id" ]; then
        timeout --kill-after=2 15 bash -c 'machine kvm none "$cache/probe"' >"$cache/probe" 2>&1 || true
        grep -q '^vm-started' "$cache/probe" && accelerator=kvm
        printf '%s\n%s\n' "$boot_id" "$accelerator" >"$mark"
    fi
    accelerator=$(sed -n 2p "$mark")
}

# boot LAYOUT: the tests' output; the status is the guest's.
boot() {
    local log=$cache/console.$1
    echo "== vm: cgroups $1, Linux ${kernel##*/linux-image-}, $accelerator"
    timeout --kill-after=5 "${BERTH_VM_LIMIT:-900}" bash -c 'machine "$@"' _ "$accelerator" "$1" "$log" 2>&1 | sed -u 's|\r$||' | tee "$log" || true
    grep -q '^vm-status: 0$' "$log" && return 0
    grep -q '^vm-status: ' "$log" || { echo "not ok vm $1: the guest did not finish" | tee -a "$log"; tail -20 "$log.kernel"; }
    return 1
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
unpack_kernel
build_base
build_initramfs
build_disk
choose_accelerator
passed=0 failed=0
for layout in "${layouts[@]}"; do
    boot "$layout" || [ "$(grep -c '^not ok ' "$cache/console.$layout")" -gt 0 ] || failed=$((failed + 1))
    passed=$((passed + $(grep -c '^ok ' "$cache/console.$layout" || true)))
    failed=$((failed + $(grep -c '^not ok ' "$cache/console.$layout" || true)))
done
[ -z "${BERTH_COUNTS:-}" ] || printf '%d\n%d\n' "$passed" "$failed" >"$BERTH_COUNTS"
echo "vm: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
