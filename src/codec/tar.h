#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "codec/stream.h"

namespace berth::codec {

enum class TarType : std::uint8_t {
    File,
    HardLink,
    Symlink,
    CharDevice,
    BlockDevice,
    Directory,
    Fifo
};

/// One entry of a tar archive, whatever dialect it was written in. Everything here is as the
/// archive says, unchecked: paths may be absolute or contain "..", devices may be anything.
struct TarEntry {
    TarType type = TarType::File;
    std::string path;
    std::string link_target;  ///< of HardLink (a path in the archive) and Symlink
    std::uint32_t mode = 0;   ///< the twelve permission bits
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string user;  ///< names, for listing only; Berth's own archives leave them empty
    std::string group;
    std::int64_t mtime_seconds = 0;
    std::uint32_t mtime_nanoseconds = 0;
    std::uint64_t bytes = 0;  ///< of the content, holes included; 0 unless File
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    /// Extended attributes by full name ("security.capability"), sorted by name, values as bytes.
    std::vector<std::pair<std::string, std::string>> xattrs;
    /// For a sparse file its data segments (offset, length) in ascending order; empty otherwise.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> segments;
    bool is_sparse = false;
};

/// What an archive may cost. An entry beyond a limit is refused with InvalidArgument that names it.
struct TarLimits {
    std::size_t path_bytes = 4096;
    std::size_t extended_header_bytes = 1 << 20;  ///< of one PAX header or long name
    std::size_t xattr_bytes = 256 << 10;          ///< of one entry, names and values
    std::size_t sparse_segments = 1 << 20;
    std::uint64_t entries = 16 << 20;
};

/// Reads ustar, v7, GNU (long names, base-256 numbers, sparse formats) and PAX (path, linkpath,
/// size, uid, gid, mtime, SCHILY.xattr.*, GNU.sparse.* 0.0, 0.1 and 1.0; global headers) archives
/// as a stream. Trusts nothing: checksums, sizes and numbers are checked, and memory is bounded by
/// TarLimits. POSIX.1-2024 pax, GNU tar manual "Tar Internals".
///
///     TarReader tar(source);
///     while (auto entry = TRY(tar.next())) {
///         while (!(chunk = TRY(tar.read_content())).empty()) ...
///     }
class TarReader {
public:
    explicit TarReader(ByteSource& source, const TarLimits& limits = {});
    /// Hands every byte that read_content() does not give to `frame`, in order: headers, padding,
    /// what is skipped and what follows the archive. From the beginning on.
    void set_frame(ByteSink* frame) { frame_ = frame; }

    /// The next entry, skipping what is left of the one before; nullopt after the end-of-archive
    /// blocks or, as GNU tar accepts it, at the end of the input. Corrupted for a damaged or cut
    /// archive.
    Result<std::optional<TarEntry>> next();
    /// The next piece of the present entry's stored bytes (holes of sparse files left out), valid
    /// until the next call of this reader; empty when there is no more.
    Result<std::span<const std::byte>> read_content();
    /// Reads to the end of the input: what follows the archive belongs to the layer's digest too.
    Result<> drain();

private:
    using Records = std::vector<std::pair<std::string, std::string>>;
    Result<std::size_t> fill();
    /// `bytes` contiguous bytes, or fewer (even none) at the end of the input.
    Result<std::span<const std::byte>> take(std::size_t bytes);
    Result<> skip(std::uint64_t bytes);
    /// The next non-zero header block; nullopt at the end.
    Result<std::optional<std::string>> next_header();
    Result<std::string> read_extension(std::string_view header, std::string_view what);
    Result<TarEntry> make_entry(std::string_view header, Records records);
    Result<> read_gnu_sparse(std::string_view header, TarEntry& entry);
    Result<> read_sparse_map(TarEntry& entry);
    Result<> check_segments(const TarEntry& entry) const;

    Result<> note(std::span<const std::byte> bytes) {
        return frame_ != nullptr ? frame_->write(bytes) : Result<>();
    }

    ByteSource& source_;
    ByteSink* frame_ = nullptr;
    TarLimits limits_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::uint64_t content_left_ = 0;
    std::uint64_t padding_left_ = 0;
    std::uint64_t entries_ = 0;
    Records globals_;
    bool ended_ = false;
};

/// Writes PAX archives in one canonical form: equal entries give equal bytes. A PAX header is
/// written only for what ustar cannot hold; no user names; sparse files as GNU.sparse 1.0.
class TarWriter {
public:
    explicit TarWriter(ByteSink& sink) : sink_(sink) {}

    /// Starts an entry. The content, exactly entry.bytes (of the segments' sum if sparse), follows
    /// by write_content().
    Result<> begin(const TarEntry& entry);
    Result<> write_content(std::span<const std::byte> bytes);
    /// begin() and the content at once.
    Result<> add(const TarEntry& entry, std::string_view content = {});
    /// The end-of-archive blocks. The sink stays open.
    Result<> finish();

private:
    Result<> pad();
    ByteSink& sink_;
    std::uint64_t content_left_ = 0;
    std::uint64_t position_ = 0;
};

}  // namespace berth::codec
