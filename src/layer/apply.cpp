#include "layer/apply.h"

#include <algorithm>
#include <cstring>

#include "codec/compression.h"
#include "layer/erofs_inode_internal.h"
#include "layer/erofs_writer.h"
#include "layer/image_sum_internal.h"
#include "layer/pack.h"
#include "layer/path.h"
#include "layer/pipeline.h"
#include "sys/file.h"

namespace berth::layer {
namespace {

using codec::TarEntry;
using codec::TarType;

/// Takes the entries of a layer's archive one by one to the tree and the image.
class LayerWriter {
public:
    LayerWriter(sys::BorrowedFd file, std::uint64_t cached, sys::Room* room, TarFrameWriter* frame)
        : image_(file, cached, room), frame_(frame) {}
    Result<> add(TarEntry& entry, codec::TarReader& tar);
    Result<> finish(const ErofsWriter::LayerFacts& facts) {
        TRY(image_.finish(tree_, facts));
        return frame_ != nullptr ? frame_->finish(image_.segment_bases()) : Result<>();
    }

private:
    Result<> add_directory(const TarEntry& entry);
    Result<> add_hard_link(const TarEntry& entry);
    Result<> add_whiteout(const Tree::Slot& slot);

    Tree tree_;
    ErofsWriter image_;
    TarFrameWriter* frame_;
};

/// Whether this entry is one of aufs's private notes; whiteouts are allowed as the last name only.
Result<bool> is_ignored(const std::string& path) {
    const auto names = TRY(split_path(path));
    for (std::size_t i = 0; i < names.size(); ++i) {
        const NameKind kind = TRY(kind_of_name(names[i]));
        if (kind == NameKind::Ignored) return true;
        if (kind != NameKind::Ordinary && i + 1 < names.size()) {
            return fail(ErrorCode::InvalidArgument, "a whiteout in the middle of a path");
        }
    }
    return false;
}

Result<> LayerWriter::add(TarEntry& entry, codec::TarReader& tar) {
    if (TRY(is_ignored(entry.path))) return {};
    std::erase_if(entry.xattrs, [](const auto& xattr) { return is_overlay_private(xattr.first); });
    if (entry.type == TarType::Directory) return add_directory(entry);
    if (entry.type == TarType::HardLink) return add_hard_link(entry);
    const Tree::Slot slot = TRY(tree_.locate(entry.path));
    if (slot.name.empty()) return fail(ErrorCode::InvalidArgument, "the root is not a directory");
    if (TRY(kind_of_name(slot.name)) != NameKind::Ordinary) return add_whiteout(slot);
    const std::uint32_t index = tree_.create(entry.type);
    if (entry.type == TarType::File) {
        image_.tell_places(frame_);
        TRY(image_.begin_file(entry));
        for (;;) {
            const auto bytes = TRY(tar.read_content());
            if (bytes.empty()) break;
            TRY(image_.write_content(bytes));
        }
        tree_.node(index).place = TRY(image_.end_file());
        image_.tell_places(nullptr);
    } else {
        tree_.node(index).place = TRY(image_.add_special(entry));
        tree_.node(index).target = std::move(entry.link_target);
    }
    const bool is_device_zero = entry.device_major == 0 && entry.device_minor == 0;
    tree_.node(index).is_whiteout = entry.type == TarType::CharDevice && is_device_zero;
    tree_.put(slot, index);
    return {};
}

Result<> LayerWriter::add_directory(const TarEntry& entry) {
    const Tree::Slot slot = TRY(tree_.locate(entry.path));
    std::uint32_t index = 0;
    if (!slot.name.empty()) {
        if (TRY(kind_of_name(slot.name)) != NameKind::Ordinary) return add_whiteout(slot);
        const auto existing = tree_.child(slot.directory, slot.name);
        if (existing && tree_.node(*existing).type == TarType::Directory) {
            index = *existing;
        } else {
            index = tree_.create(TarType::Directory);
            // A directory over a whiteout hides what the layers below have of this name, content
            // included.
            tree_.node(index).is_opaque = existing && tree_.node(*existing).is_whiteout;
            tree_.put(slot, index);
        }
    }
    Node& node = tree_.node(index);
    node.mode = entry.mode;
    node.uid = entry.uid;
    node.gid = entry.gid;
    node.mtime_seconds = entry.mtime_seconds;
    node.mtime_nanoseconds = entry.mtime_nanoseconds;
    node.xattrs = entry.xattrs;
    return {};
}

Result<> LayerWriter::add_hard_link(const TarEntry& entry) {
    const auto target = TRY(tree_.find(entry.link_target).context("link to ", entry.link_target));
    if (!target || tree_.node(*target).is_whiteout) {
        return fail(ErrorCode::InvalidArgument, "hard link to ", entry.link_target,
                    ", which the archive does not hold");
    }
    if (tree_.node(*target).type == TarType::Directory) {
        return fail(ErrorCode::InvalidArgument, "hard link to ", entry.link_target,
                    ", which is a directory");
    }
    const Tree::Slot slot = TRY(tree_.locate(entry.path));
    if (slot.name.empty()) return fail(ErrorCode::InvalidArgument, "the root is not a directory");
    if (TRY(kind_of_name(slot.name)) != NameKind::Ordinary) return add_whiteout(slot);
    if (tree_.child(slot.directory, slot.name) == target) return {};
    tree_.put(slot, *target);
    return {};
}

Result<> LayerWriter::add_whiteout(const Tree::Slot& slot) {
    if (TRY(kind_of_name(slot.name)) == NameKind::Opaque) {
        tree_.node(slot.directory).is_opaque = true;
        return {};
    }
    const std::string hidden = slot.name.substr(whiteout_prefix.size());
    // Whiteouts hide names of the layers below only, wherever in the archive they stand: what this
    // layer itself has under the name stays, and hides the lower one anyway unless both are
    // directories.
    if (const auto existing = tree_.child(slot.directory, hidden)) {
        Node& node = tree_.node(*existing);
        if (node.type == TarType::Directory) node.is_opaque = true;
        return {};
    }
    const std::uint32_t index = tree_.create(TarType::CharDevice);
    tree_.node(index).place = TRY(image_.whiteout());
    tree_.node(index).is_whiteout = true;
    tree_.put({slot.directory, hidden}, index);
    return {};
}

}  // namespace

namespace {

Result<Applied> write_image(codec::ByteSource& plain, sys::BorrowedFd file, std::uint64_t cached,
                            sys::Room* room, TarFrameWriter* frame, std::stop_token stop) {
    HashingSource source(plain, std::move(stop));
    codec::TarReader tar(source, {.entries = max_layer_entries});
    tar.set_frame(frame);
    LayerWriter writer(file, cached, room, frame);
    Applied applied;
    for (;;) {
        auto entry = TRY(tar.next());
        if (!entry) break;
        const std::string path = entry->path;
        TRY(writer.add(*entry, tar).context(path));
        ++applied.entries;
    }
    TRY(tar.drain());
    const std::string hex = source.finish_hex();
    applied.diff_id = oci::Digest::from_sha256_hex(hex);
    applied.tar_bytes = source.bytes();
    ErofsWriter::LayerFacts facts = {.tar_bytes = applied.tar_bytes, .entries = applied.entries};
    const auto bytes = from_hex(hex);
    BERTH_ASSERT(bytes && bytes->size() == facts.diff_id.size());
    std::memcpy(facts.diff_id.data(), bytes->data(), bytes->size());
    TRY(writer.finish(facts));
    return applied;
}

}  // namespace

Result<Applied> write_erofs_image(codec::ByteSource& archive, sys::BorrowedFd file,
                                  std::stop_token stop, sys::Room* room, TarFrameWriter* frame) {
    const auto plain = TRY(codec::open_decompressor(archive));
    ProducerSource ahead(ProducerSource::read_ahead(*plain));
    return write_image(ahead, file, sys::LargeFile::cached_bytes, room, frame, std::move(stop));
}

Result<Applied> capture_erofs_image(sys::BorrowedFd upper, codec::ByteSink& tar,
                                    sys::BorrowedFd file, std::stop_token stop, sys::Room* room) {
    // Reading and compressing (what `tar` does) on one thread, hashing and writing on the other.
    ProducerSource archive([&](ProducerSource::Sink& sink) -> Result<> {
        TeeSink both(tar, sink);
        TRY(pack(upper, both, {.whiteouts = PackWhiteouts::ToArchive, .include_root = true}, stop));
        return {};
    });
    // The next step of a build reads it at once.
    return write_image(archive, file, sys::LargeFile::all_cached, room, nullptr, stop);
}

Result<ImageFacts> read_image_facts(sys::BorrowedFd file) {
    std::array<std::byte, erofs::super_offset + erofs::super_bytes> head;
    const std::size_t got = TRY(sys::pread(file, head, 0));
    erofs::LayerHeader header;
    erofs::SuperBlock super;
    std::memcpy(&header, head.data(), sizeof header);
    std::memcpy(&super, head.data() + erofs::super_offset, sizeof super);
    const struct stat status = TRY(sys::fstat(file));
    const erofs::LayerHeader expected;
    if (got != head.size() || header.magic != expected.magic || super.magic != erofs::super_magic ||
        static_cast<std::uint64_t>(status.st_size) !=
            std::uint64_t{super.blocks} * erofs::block_bytes) {
        return fail(ErrorCode::Corrupted, "not a complete layer image");
    }
    if (header.version != expected.version) {
        return fail(ErrorCode::Unsupported, "layer image of version ", header.version);
    }
    return ImageFacts{.diff_id_hex = to_hex(std::as_bytes(std::span(header.diff_id))),
                      .tar_bytes = header.tar_bytes,
                      .entries = header.entries};
}

Result<bool> verify_image(sys::BorrowedFd file, std::stop_token stop) {
    TRY(read_image_facts(file));
    constexpr std::size_t buffer_bytes = 1 << 20;
    std::vector<std::byte> buffer(buffer_bytes);
    erofs::LayerHeader header;
    ImageSum sum;
    for (std::uint64_t offset = 0;; offset += buffer_bytes) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        const std::size_t got = TRY(read_blocks(file, buffer, offset));
        if (offset == 0) {
            std::memcpy(&header, buffer.data(), sizeof header);
            constexpr decltype(header.sum) none = 0;
            std::memcpy(buffer.data() + offsetof(erofs::LayerHeader, sum), &none, sizeof none);
        }
        sum.add(offset / erofs::block_bytes, std::span(buffer).first(got));
        if (got < buffer_bytes) break;
    }
    if (header.sum == 0) return false;
    if (header.sum != sum.value())
        return fail(ErrorCode::Corrupted, "the layer's file is not as it was written");
    return true;
}

}  // namespace berth::layer
