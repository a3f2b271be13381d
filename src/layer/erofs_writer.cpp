#include "layer/erofs_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "layer/erofs_inode_internal.h"
#include "sys/file.h"

// How the image is laid out, so that one pass suffices.
//
//   block 0      layer header | superblock | root inode
//   then         content and metadata segments in turn, in the order of arrival
//   at the end   the last segment, with the inodes of directories, then the directories' own blocks
//
// An inode is named by its place, and a place may be anywhere behind the start of the metadata
// area, which is declared to be the whole image. So an inode can be written as soon as its content
// is, and only its name must wait. The superblock has 16 bits for the place of the root inode: that
// one lies in block 0.
//
// The last partial block of a file lies right behind its inode ("inline"), where the format demands
// that it does not cross a block. Records are therefore packed into blocks, first into the open
// block that they fill best. A record too large for that keeps its last block padded in the data
// area ("plain").

namespace berth::layer {

using namespace erofs;

namespace {

/// Longer runs of zeros become a hole in the image's own file.
constexpr std::uint64_t max_written_zeros = 1 << 20;
constexpr std::size_t segment_limit_bytes = 4 << 20;
constexpr std::size_t max_open_blocks = 24;
/// A block with less room than an inode and a bit of content is not worth looking at again.
constexpr std::uint32_t min_room_bytes = 96;
/// Sparse files: a map of at most so many chunks each, in chunks as large as that needs, and so
/// many in one image.
constexpr std::uint64_t max_chunks_per_file = 256 << 10;
constexpr std::uint64_t max_chunks = 8 << 20;
constexpr std::uint32_t max_chunk_bits = 31;
constexpr std::uint64_t max_sparse_bytes = std::uint64_t{16} << 40;
constexpr std::size_t max_symlink_bytes = 4095;

constexpr std::uint32_t root_offset = super_offset + super_bytes;
static_assert(root_offset % slot_bytes == 0);

constexpr std::uint64_t blocks_of(std::uint64_t bytes) {
    return (bytes + block_bytes - 1) / block_bytes;
}

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

}  // namespace

ErofsWriter::ErofsWriter(sys::BorrowedFd file, std::uint64_t cached, sys::Room* room)
    : file_(file), room_(room), large_file_(file, cached), end_(block_bytes), block0_(block_bytes) {
    data_.append(block0_);  // its place; finish() writes over it
    segment_bases_.push_back(0);
}

Result<> ErofsWriter::flush_data() {
    if (data_.is_empty()) return {};
    const std::uint64_t start = end_ - data_.size();
    if (room_ != nullptr) TRY(room_->take(data_.size()));
    TRY(large_file_.pwrite(data_.bytes(), start));
    sum_.add(start / block_bytes, data_.bytes());
    data_.clear();
    return {};
}

Result<> ErofsWriter::append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const std::size_t taken = data_.append(bytes);
        end_ += taken;
        bytes = bytes.subspan(taken);
        if (data_.is_full()) TRY(flush_data());
    }
    return {};
}

Result<> ErofsWriter::append_content(std::span<const std::byte> bytes) {
    if (frame_ != nullptr) TRY(frame_->add_content(end_, bytes.size()));
    return append(bytes);
}

Result<> ErofsWriter::append_zeros(std::uint64_t bytes) {
    static constexpr std::array<std::byte, block_bytes> zeros = {};
    if (bytes > max_written_zeros) {
        const std::uint64_t before = (block_bytes - end_ % block_bytes) % block_bytes;
        TRY(append_zeros(before));
        TRY(flush_data());
        const std::uint64_t rest = (bytes - before) % block_bytes;
        end_ += bytes - before - rest;
        bytes = rest;
    }
    for (; bytes > 0; bytes -= std::min<std::uint64_t>(bytes, block_bytes)) {
        TRY(append(std::span(zeros).first(std::min<std::uint64_t>(bytes, block_bytes))));
    }
    return {};
}

Result<std::uint32_t> ErofsWriter::next_block() const {
    BERTH_ASSERT(end_ % block_bytes == 0);
    const std::uint64_t block = end_ / block_bytes;
    if (block >= null_block)
        return fail(ErrorCode::InvalidArgument, "the layer is larger than EROFS can be");
    return static_cast<std::uint32_t>(block);
}

std::uint32_t ErofsWriter::allocate(std::uint32_t bytes) {
    OpenBlock* best = nullptr;
    for (OpenBlock& open : open_blocks_) {
        if (block_bytes - open.used >= bytes && (best == nullptr || open.used > best->used))
            best = &open;
    }
    if (best == nullptr) {
        const auto block = static_cast<std::uint32_t>(segment_.size() / block_bytes);
        const auto whole = static_cast<std::uint32_t>(blocks_of(bytes));
        segment_.resize(segment_.size() + std::size_t{whole} * block_bytes);
        if (open_blocks_.size() == max_open_blocks) {
            const auto fullest =
                std::max_element(open_blocks_.begin(), open_blocks_.end(),
                                 [](const auto& a, const auto& b) { return a.used < b.used; });
            open_blocks_.erase(fullest);
        }
        // Of a record of several blocks only the last one has room left.
        if (whole > 1) {
            open_blocks_.push_back({block + whole - 1, (bytes - 1) % block_bytes + 1});
            OpenBlock& last = open_blocks_.back();
            last.used = (last.used + slot_bytes - 1) / slot_bytes * slot_bytes;
            return block * block_bytes;
        }
        open_blocks_.push_back({block, 0});
        best = &open_blocks_.back();
    }
    const std::uint32_t offset = best->block * block_bytes + best->used;
    best->used = (best->used + bytes + slot_bytes - 1) / slot_bytes * slot_bytes;
    if (block_bytes - best->used < min_room_bytes)
        open_blocks_.erase(open_blocks_.begin() + (best - open_blocks_.data()));
    return offset;
}

void ErofsWriter::store(std::uint32_t offset, std::span<const std::byte> bytes) {
    std::memcpy(segment_.data() + offset, bytes.data(), bytes.size());
}

InodePlace ErofsWriter::place_of(std::uint32_t offset) const {
    return {.segment = static_cast<std::uint32_t>(segment_bases_.size() - 1), .offset = offset};
}

Result<> ErofsWriter::flush_segment() {
    segment_bases_.back() = end_;
    TRY(append(segment_));
    TRY(next_block());
    segment_.clear();
    open_blocks_.clear();
    segment_bases_.push_back(0);
    return {};
}

Result<> ErofsWriter::patch(std::uint64_t offset, std::span<const std::byte> bytes) {
    const std::uint64_t block = offset / block_bytes;
    std::array<std::byte, block_bytes> before;
    TRY(read_blocks(file_, before, block * block_bytes));
    auto after = before;
    std::memcpy(after.data() + offset % block_bytes, bytes.data(), bytes.size());
    sum_.replace(block, before, after);
    return sys::pwrite_all(file_, bytes, offset);
}

Result<> ErofsWriter::begin_file(const codec::TarEntry& entry) {
    if (segment_.size() >= segment_limit_bytes) TRY(flush_segment());
    record_ = TRY(encode_inode(entry));
    is_sparse_ = entry.is_sparse;
    if (is_sparse_) return begin_sparse(entry);
    const std::uint64_t tail = entry.bytes % block_bytes;
    is_inline_ = tail > 0 && record_.size() + tail <= block_bytes;
    full_bytes_left_ = entry.bytes - tail;
    tail_.clear();
    const bool has_blocks = is_inline_ ? full_bytes_left_ > 0 : entry.bytes > 0;
    const std::uint32_t first = has_blocks ? TRY(next_block()) : 0;
    set_data(record_, is_inline_ ? Layout::FlatInline : Layout::FlatPlain, first);
    return {};
}

Result<> ErofsWriter::write_content(std::span<const std::byte> bytes) {
    return is_sparse_ ? write_sparse(bytes) : write_plain(bytes);
}

Result<> ErofsWriter::write_plain(std::span<const std::byte> bytes) {
    const auto full = bytes.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), full_bytes_left_)));
    TRY(append_content(full));
    full_bytes_left_ -= full.size();
    const auto rest = bytes.subspan(full.size());
    tail_.insert(tail_.end(), rest.begin(), rest.end());
    return {};
}

Result<InodePlace> ErofsWriter::end_file() {
    ++inode_count_;
    if (is_sparse_) {
        if (chunk_) TRY(append_zeros((block_bytes - end_ % block_bytes) % block_bytes));
        chunk_.reset();
        // The chunk map follows inode and attributes, which are whole words already.
        const auto map = std::as_bytes(std::span(chunks_));
        record_.insert(record_.end(), map.begin(), map.end());
    } else if (is_inline_) {
        record_.insert(record_.end(), tail_.begin(), tail_.end());
    } else if (!tail_.empty()) {
        TRY(append_content(tail_));
        TRY(append_zeros(block_bytes - tail_.size()));
    }
    const std::uint32_t offset = allocate(static_cast<std::uint32_t>(record_.size()));
    store(offset, record_);
    if (frame_ != nullptr && !is_sparse_ && is_inline_) {
        const auto tail = static_cast<std::uint32_t>(offset + record_.size() - tail_.size());
        TRY(frame_->add_content_of_segment(place_of(offset).segment, tail, tail_.size()));
    }
    return place_of(offset);
}

Result<> ErofsWriter::begin_sparse(const codec::TarEntry& entry) {
    if (entry.bytes > max_sparse_bytes) {
        return fail(ErrorCode::InvalidArgument, "a sparse file of ", entry.bytes, " bytes");
    }
    chunk_bits_ = 0;
    while (blocks_of(entry.bytes) >> chunk_bits_ >= max_chunks_per_file) ++chunk_bits_;
    BERTH_ASSERT(chunk_bits_ <= max_chunk_bits);
    const std::uint64_t chunk_bytes = std::uint64_t{block_bytes} << chunk_bits_;
    const std::uint64_t count = (entry.bytes + chunk_bytes - 1) / chunk_bytes;
    total_chunks_ += count;
    if (total_chunks_ > max_chunks)
        return fail(ErrorCode::InvalidArgument, "too many large sparse files");
    chunks_.assign(count, null_block);
    segments_ = entry.segments;
    segment_index_ = 0;
    segment_done_ = 0;
    sparse_bytes_ = entry.bytes;
    chunk_.reset();
    if (count > 0) features_ |= incompat_chunked_file;
    set_data(record_, count > 0 ? Layout::ChunkBased : Layout::FlatPlain,
             count > 0 ? chunk_bits_ : 0);
    return {};
}

Result<> ErofsWriter::write_sparse(std::span<const std::byte> bytes) {
    const std::uint64_t chunk_bytes = std::uint64_t{block_bytes} << chunk_bits_;
    while (!bytes.empty()) {
        const auto [start, length] = segments_[segment_index_];
        const std::uint64_t offset = start + segment_done_;
        const std::uint64_t chunk = offset / chunk_bytes;
        if (chunk_ != chunk) {
            // Fills up the chunk before, of which only whole blocks need to be there... except that
            // readers may map it whole: a chunk that is not the file's last is complete on disk.
            if (chunk_) TRY(append_zeros(chunk_bytes - chunk_used_));
            chunks_[chunk] = TRY(next_block());
            chunk_ = chunk;
            chunk_used_ = 0;
        }
        const std::uint64_t in_chunk = offset % chunk_bytes;
        TRY(append_zeros(in_chunk - chunk_used_));
        const std::uint64_t count = std::min({static_cast<std::uint64_t>(bytes.size()),
                                              length - segment_done_, chunk_bytes - in_chunk});
        TRY(append_content(bytes.first(count)));
        chunk_used_ = in_chunk + count;
        segment_done_ += count;
        bytes = bytes.subspan(count);
        if (segment_done_ == length) {
            ++segment_index_;
            segment_done_ = 0;
        }
    }
    // The last chunk of the data may not be the file's last: it is completed when the file's last
    // data has come.
    if (segment_index_ == segments_.size() && chunk_) {
        const std::uint64_t chunk_end = std::min((*chunk_ + 1) * chunk_bytes, sparse_bytes_);
        TRY(append_zeros(chunk_end - *chunk_ * chunk_bytes - chunk_used_));
        chunk_used_ = chunk_end - *chunk_ * chunk_bytes;
    }
    return {};
}

Result<InodePlace> ErofsWriter::add_special(const codec::TarEntry& entry) {
    if (entry.type == codec::TarType::Symlink) {
        if (entry.link_target.empty() || entry.link_target.size() > max_symlink_bytes) {
            return fail(ErrorCode::InvalidArgument, "a symbolic link to a path of ",
                        entry.link_target.size(), " bytes");
        }
        codec::TarEntry link = entry;
        link.bytes = entry.link_target.size();
        TRY(begin_file(link));
        TRY(write_content(as_bytes(entry.link_target)));
        return end_file();
    }
    codec::TarEntry special = entry;
    special.bytes = 0;
    special.is_sparse = false;
    TRY(begin_file(special));
    const bool is_device =
        entry.type == codec::TarType::CharDevice || entry.type == codec::TarType::BlockDevice;
    set_data(record_, Layout::FlatPlain,
             is_device ? encode_device(entry.device_major, entry.device_minor) : 0);
    return end_file();
}

Result<InodePlace> ErofsWriter::whiteout() {
    if (!whiteout_) {
        codec::TarEntry entry;
        entry.type = codec::TarType::CharDevice;
        whiteout_ = TRY(add_special(entry));
    }
    return *whiteout_;
}

/// The directories of the tree while they are written.
struct ErofsWriter::Directories {
    struct Directory {
        std::uint32_t node = 0;
        std::uint32_t parent = 0;
        std::vector<DirectoryEntry> entries;
        DirectoryLayout layout;
        std::vector<std::byte> record;
        std::uint32_t subdirectories = 0;
        bool is_inline = false;
        std::uint64_t first_block = 0;  ///< counted from the first of all directories' blocks
    };
    std::vector<Directory> all;
    std::uint64_t blocks = 0;
};

namespace {

/// One block of a directory, or less for its inline end.
std::vector<std::byte> encode_block(
    std::span<const DirectoryEntry> entries,
    const std::function<std::uint64_t(const DirectoryEntry&)>& nid_of) {
    std::size_t bytes = 0;
    for (const auto& entry : entries) bytes += dirent_bytes + entry.name.size();
    std::vector<std::byte> block(bytes);
    std::size_t name_offset = entries.size() * dirent_bytes;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const Dirent dirent = {.nid = nid_of(entries[i]),
                               .name_offset = static_cast<std::uint16_t>(name_offset),
                               .file_type = entries[i].file_type};
        std::memcpy(block.data() + i * dirent_bytes, &dirent, sizeof dirent);
        std::memcpy(block.data() + name_offset, entries[i].name.data(), entries[i].name.size());
        name_offset += entries[i].name.size();
    }
    return block;
}

codec::TarEntry directory_entry(const Node& node) {
    codec::TarEntry entry;
    entry.type = codec::TarType::Directory;
    entry.mode = node.mode;
    entry.uid = node.uid;
    entry.gid = node.gid;
    entry.mtime_seconds = node.mtime_seconds;
    entry.mtime_nanoseconds = node.mtime_nanoseconds;
    entry.xattrs = node.xattrs;
    if (node.is_opaque) entry.xattrs.emplace_back("trusted.overlay.opaque", "y");
    return entry;
}

}  // namespace

Result<> ErofsWriter::write_directories(const Tree& tree) {
    TRY(flush_segment());
    Directories directories;
    directories.all.push_back({.node = 0, .parent = 0});
    std::vector<std::uint32_t> index_of(tree.size());
    // First the shape: entries, sizes, and with them every directory's place.
    for (std::size_t i = 0; i < directories.all.size(); ++i) {
        const std::uint32_t node = directories.all[i].node;
        index_of[node] = static_cast<std::uint32_t>(i);
        std::vector<DirectoryEntry> entries = {{".", node, 2},
                                               {"..", directories.all[i].parent, 2}};
        std::uint32_t subdirectories = 0;
        for (const auto& [name, child] : *tree.node(node).children) {
            const Node& below = tree.node(child);
            entries.push_back({name, child, file_type_of(below.type)});
            if (below.type != codec::TarType::Directory) continue;
            ++subdirectories;
            directories.all.push_back({.node = child, .parent = node});
        }
        std::sort(entries.begin(), entries.end(),
                  [](const auto& a, const auto& b) { return a.name < b.name; });
        auto& directory = directories.all[i];
        directory.subdirectories = subdirectories;
        directory.layout = lay_out(entries);
        directory.entries = std::move(entries);
        codec::TarEntry entry = directory_entry(tree.node(node));
        entry.bytes = directory.layout.bytes();
        directory.record = TRY(encode_inode(entry));
        const std::size_t room = node == 0 ? block_bytes - root_offset : block_bytes;
        if (node == 0 && directory.record.size() > room) {
            return fail(ErrorCode::InvalidArgument,
                        "the root directory has too many extended attributes");
        }
        directory.is_inline = directory.record.size() + directory.layout.last_bytes <= room;
        directory.first_block = directories.blocks;
        directories.blocks += directory.layout.starts.size() - (directory.is_inline ? 1 : 0);
    }
    std::vector<InodePlace> places(directories.all.size());
    for (std::size_t i = 0; i < directories.all.size(); ++i) {
        const auto& directory = directories.all[i];
        const std::size_t bytes =
            directory.record.size() + (directory.is_inline ? directory.layout.last_bytes : 0);
        if (i > 0) places[i] = place_of(allocate(static_cast<std::uint32_t>(bytes)));
    }
    segment_bases_.back() = end_;
    const std::uint64_t first_block = (end_ + segment_.size()) / block_bytes;
    if (first_block + directories.blocks >= null_block) {
        return fail(ErrorCode::InvalidArgument, "the layer is larger than EROFS can be");
    }
    inode_count_ += static_cast<std::uint32_t>(directories.all.size());

    // Then the bytes, now that every place is known.
    const auto nid_of = [&](const DirectoryEntry& entry) -> std::uint64_t {
        if (entry.node == 0) return root_offset / slot_bytes;
        const Node& node = tree.node(entry.node);
        const bool is_directory = node.type == codec::TarType::Directory;
        return position(is_directory ? places[index_of[entry.node]] : node.place) / slot_bytes;
    };
    std::vector<std::byte> blocks;
    blocks.reserve(directories.blocks * block_bytes);
    for (std::size_t i = 0; i < directories.all.size(); ++i) {
        auto& directory = directories.all[i];
        const bool has_blocks = !directory.is_inline || directory.layout.starts.size() > 1;
        set_data(directory.record, directory.is_inline ? Layout::FlatInline : Layout::FlatPlain,
                 has_blocks ? static_cast<std::uint32_t>(first_block + directory.first_block) : 0);
        const std::uint32_t nlink = 2 + directory.subdirectories;
        std::memcpy(directory.record.data() + inode_nlink_offset, &nlink, sizeof nlink);
        const auto& starts = directory.layout.starts;
        for (std::size_t block = 0; block < starts.size(); ++block) {
            const std::size_t end =
                block + 1 < starts.size() ? starts[block + 1] : directory.entries.size();
            const auto bytes = encode_block(
                std::span(directory.entries).subspan(starts[block], end - starts[block]), nid_of);
            if (block + 1 == starts.size() && directory.is_inline) {
                directory.record.insert(directory.record.end(), bytes.begin(), bytes.end());
            } else {
                blocks.insert(blocks.end(), bytes.begin(), bytes.end());
                blocks.resize(blocks_of(blocks.size()) * block_bytes);
            }
        }
        if (i > 0) {
            store(places[i].offset, directory.record);
        } else {
            std::memcpy(block0_.data() + root_offset, directory.record.data(),
                        directory.record.size());
        }
    }
    TRY(append(segment_));
    return append(blocks);
}

Result<> ErofsWriter::finish(const Tree& tree, const LayerFacts& facts) {
    TRY(write_directories(tree));
    TRY(flush_data());
    for (std::uint32_t i = 0; i < tree.size(); ++i) {
        const Node& node = tree.node(i);
        if (node.type == codec::TarType::Directory || node.nlink <= 1 || node.is_whiteout) continue;
        TRY(patch(position(node.place) + inode_nlink_offset, bytes_of(node.nlink)));
    }
    return write_super(facts);
}

Result<> ErofsWriter::write_super(const LayerFacts& facts) {
    LayerHeader header = {
        .tar_bytes = facts.tar_bytes, .entries = facts.entries, .diff_id = facts.diff_id};
    std::memcpy(block0_.data(), &header, sizeof header);
    SuperBlock super;
    super.root_nid = root_offset / slot_bytes;
    super.inodes = inode_count_;
    super.blocks = TRY(next_block());
    super.feature_incompat = features_;
    std::copy_n(facts.diff_id.begin(), super.uuid.size(), super.uuid.begin());
    constexpr std::string_view volume_name = "berth-layer";
    std::copy(volume_name.begin(), volume_name.end(), super.volume_name.begin());
    std::memcpy(block0_.data() + super_offset, &super, sizeof super);
    // The checksum runs from the superblock to the end of its block, with the field itself being
    // zero.
    super.checksum =
        codec::crc32c(std::span<const std::byte>(block0_).subspan(super_offset), 0xffffffff);
    std::memcpy(block0_.data() + super_offset, &super, sizeof super);
    sum_.add(0, block0_);
    header.sum = sum_.value();
    std::memcpy(block0_.data(), &header, sizeof header);
    // A file that ends in a hole must still be as long as its blocks say.
    TRY(sys::ftruncate(file_, end_));
    return sys::pwrite_all(file_, block0_, 0);
}

}  // namespace berth::layer
