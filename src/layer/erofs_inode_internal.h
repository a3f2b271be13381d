#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "codec/tar.h"
#include "layer/erofs_format_internal.h"

namespace berth::layer::erofs {

/// An inode with its attributes behind it, in whole slots of 4 bytes; `data` and the layout are the
/// caller's to set. InvalidArgument when the attributes do not fit.
Result<std::vector<std::byte>> encode_inode(const codec::TarEntry& entry);
void set_data(std::vector<std::byte>& record, Layout layout, std::uint32_t data);
/// S_IFMT bits and permissions.
std::uint16_t mode_of(codec::TarType type, std::uint32_t permissions);
std::uint8_t file_type_of(codec::TarType type);
/// Linux's on-disk dev_t, as new_encode_dev() makes it.
std::uint32_t encode_device(std::uint32_t major, std::uint32_t minor);

/// The content of a directory: names in order, "." and ".." among them.
struct DirectoryEntry {
    std::string_view name;
    std::uint32_t node;
    std::uint8_t file_type;
};
/// Splits sorted entries into blocks: the index of each block's first entry, and the bytes used in
/// the last block.
struct DirectoryLayout {
    std::vector<std::uint32_t> starts;
    std::uint32_t last_bytes = 0;
    std::uint64_t bytes() const {
        return (starts.size() - 1) * std::uint64_t{block_bytes} + last_bytes;
    }
};
DirectoryLayout lay_out(const std::vector<DirectoryEntry>& entries);

}  // namespace berth::layer::erofs
