#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/tar.h"
#include "layer/image_sum_internal.h"
#include "layer/tar_frame.h"
#include "layer/tree.h"
#include "sys/large_file.h"
#include "sys/room.h"

namespace berth::layer {

/// Writes one EROFS image in one sequential pass. Content goes out as it arrives; inodes are
/// collected, together with the last partial block of their content, into metadata segments that
/// are appended between files; directories come last and the superblock at the very end, so that a
/// cut image is no image. Memory is a few buffers and the Tree.
///
///     ErofsWriter image(file);
///     TRY(image.begin_file(entry));
///     TRY(image.write_content(bytes));
///     node.place = TRY(image.end_file());
///     node.place = TRY(image.add_special(entry));
///     TRY(image.finish(tree, {.diff_id = hash, ...}));
class ErofsWriter {
public:
    /// `file` is empty, writable, and outlives the writer. Its bytes from `cached` on need not be
    /// in the page cache afterwards: see sys::LargeFile. `room` is asked before each write; null:
    /// there is enough.
    explicit ErofsWriter(sys::BorrowedFd file, std::uint64_t cached = sys::LargeFile::cached_bytes,
                         sys::Room* room = nullptr);

    /// Tells `frame` where content goes, from now on; null: nobody. It outlives the writer.
    void tell_places(TarFrameWriter* frame) { frame_ = frame; }
    std::span<const std::uint64_t> segment_bases() const { return segment_bases_; }

    /// A regular file; exactly its stored bytes (the segments' if it is sparse) must follow.
    Result<> begin_file(const codec::TarEntry& entry);
    Result<> write_content(std::span<const std::byte> bytes);
    Result<InodePlace> end_file();
    /// A symbolic link, device or fifo.
    Result<InodePlace> add_special(const codec::TarEntry& entry);
    /// A whiteout as overlayfs has them: character device 0/0. All whiteouts of an image are one
    /// inode.
    Result<InodePlace> whiteout();

    struct LayerFacts {
        std::array<std::uint8_t, 32> diff_id = {};
        std::uint64_t tar_bytes = 0;
        std::uint64_t entries = 0;
    };
    /// Writes directories, link counts and superblock. The caller syncs the file.
    Result<> finish(const Tree& tree, const LayerFacts& facts);

private:
    struct Record;
    struct OpenBlock {
        std::uint32_t block;
        std::uint32_t used;
    };
    struct Directories;

    std::uint32_t allocate(std::uint32_t bytes);
    void store(std::uint32_t offset, std::span<const std::byte> bytes);
    InodePlace place_of(std::uint32_t offset) const;
    std::uint64_t position(InodePlace place) const {
        return segment_bases_[place.segment] + place.offset;
    }
    Result<> append(std::span<const std::byte> bytes);
    Result<> append_content(std::span<const std::byte> bytes);
    Result<> append_zeros(std::uint64_t bytes);
    Result<> flush_data();
    Result<> flush_segment();
    Result<std::uint32_t> next_block() const;
    /// Within one block that is written already.
    Result<> patch(std::uint64_t offset, std::span<const std::byte> bytes);
    Result<> begin_sparse(const codec::TarEntry& entry);
    Result<> write_plain(std::span<const std::byte> bytes);
    Result<> write_sparse(std::span<const std::byte> bytes);
    Result<> write_directories(const Tree& tree);
    Result<> write_super(const LayerFacts& facts);

    sys::BorrowedFd file_;
    sys::Room* room_;
    TarFrameWriter* frame_ = nullptr;
    sys::LargeFile large_file_;
    sys::PageBuffer data_{sys::LargeFile::piece_bytes};  ///< appended but not yet written
    std::uint64_t end_ = 0;  ///< of the image so far, data_ included; whole blocks between files
    std::vector<std::byte> block0_;
    ImageSum sum_;

    std::vector<std::byte> segment_;  ///< the present metadata segment, whole blocks
    std::vector<OpenBlock> open_blocks_;
    std::vector<std::uint64_t> segment_bases_;
    std::uint32_t inode_count_ = 0;
    std::uint32_t features_ = 0;
    std::optional<InodePlace> whiteout_;

    // The file being written.
    std::vector<std::byte> record_;  ///< inode and attributes
    std::uint64_t full_bytes_left_ = 0;
    std::vector<std::byte> tail_;
    bool is_inline_ = false;
    // The same for a sparse one.
    bool is_sparse_ = false;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> segments_;
    std::size_t segment_index_ = 0;
    std::uint64_t segment_done_ = 0;
    std::uint64_t sparse_bytes_ = 0;
    std::uint32_t chunk_bits_ = 0;
    std::vector<std::uint32_t> chunks_;
    std::optional<std::uint64_t> chunk_;  ///< the one being filled
    std::uint64_t chunk_used_ = 0;
    std::uint64_t total_chunks_ = 0;
};

/// Whether EROFS can hold an attribute of this name: user., trusted., security. and POSIX ACLs.
bool is_storable_xattr(std::string_view name);

}  // namespace berth::layer
