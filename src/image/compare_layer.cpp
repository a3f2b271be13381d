// A layer beside the archive it came from, for layers that keep no sum of their own.
#include <sys/stat.h>

#include <map>

#include "codec/compression.h"
#include "codec/sha256.h"
#include "codec/tar.h"
#include "image/compare_layer_internal.h"
#include "sys/file.h"

namespace berth::image {

namespace {

/// Content and mode of the regular files of an archive; of equal names the last counts. Files with
/// several names are left to the name that has the content.
using ArchiveFiles = std::map<std::string, std::pair<std::string, std::uint32_t>>;

std::string plain_path(std::string path) {
    while (path.starts_with("./")) path.erase(0, 2);
    while (path.starts_with('/')) path.erase(0, 1);
    return path;
}

Result<ArchiveFiles> read_archive(codec::ByteSource& source, const std::stop_token& stop) {
    const auto plain = TRY(codec::open_decompressor(source));
    codec::TarReader tar(*plain, {});
    ArchiveFiles files;
    for (;;) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        const auto entry = TRY(tar.next());
        if (!entry) return files;
        const std::string path = plain_path(entry->path);
        files.erase(path);
        // What aufs and whiteouts mean is not in the layer under its own name; sparse files read as
        // segments.
        if (entry->type != codec::TarType::File || entry->is_sparse ||
            path.find(".wh.") != std::string::npos)
            continue;
        codec::Sha256 hash;
        for (;;) {
            const auto piece = TRY(tar.read_content());
            if (piece.empty()) break;
            hash.update(piece);
        }
        files[path] = {hash.finish_hex(), entry->mode};
    }
}

Result<std::string> hash_of(sys::BorrowedFd file) {
    codec::Sha256 hash;
    std::vector<std::byte> buffer(1 << 20);
    for (;;) {
        const std::size_t count = TRY(sys::read(file, buffer));
        if (count == 0) return hash.finish_hex();
        hash.update(std::span(buffer).first(count));
    }
}

}  // namespace

Result<> compare_with_archive(snapshot::Driver& snapshots, const oci::Digest& diff_id,
                              codec::ByteSource& archive, const std::stop_token& stop) {
    const auto root = TRY(snapshots.mount_root({.layers = {diff_id}}));
    for (const auto& [path, wanted] : TRY(read_archive(archive, stop))) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        const auto node = TRY(sys::open_in_root(root.fd(), path, O_PATH).context(path));
        const auto status = TRY(sys::fstat(node));
        if (!S_ISREG(status.st_mode)) continue;  // replaced through another name
        const auto file = TRY(sys::reopen(node, O_RDONLY).context(path));
        if ((status.st_mode & 07777) != (wanted.second & 07777))
            return fail(ErrorCode::Corrupted, path, " has another mode than its archive says");
        if (TRY(hash_of(file).context(path)) != wanted.first)
            return fail(ErrorCode::Corrupted, path, " has other content than its archive");
    }
    return {};
}

}  // namespace berth::image
