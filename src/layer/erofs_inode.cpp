#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "layer/erofs_inode_internal.h"
#include "layer/erofs_writer.h"

namespace berth::layer {
namespace erofs {
namespace {

struct NamespaceIndex {
    std::string_view prefix;
    std::uint8_t index;
    bool is_whole;  ///< the prefix is the whole name
};
constexpr NamespaceIndex namespaces[] = {
    {"user.", 1, false},
    {"system.posix_acl_access", 2, true},
    {"system.posix_acl_default", 3, true},
    {"trusted.", 4, false},
    {"security.", 6, false},
};

const NamespaceIndex* namespace_of(std::string_view name) {
    for (const auto& candidate : namespaces) {
        if (candidate.is_whole
                ? name == candidate.prefix
                : name.starts_with(candidate.prefix) && name.size() > candidate.prefix.size()) {
            return &candidate;
        }
    }
    return nullptr;
}

/// The kernel's XATTR_NAME_MAX and XATTR_SIZE_MAX; the format's own field for a value has 16 bits.
constexpr std::size_t max_xattr_name_bytes = 255;
constexpr std::size_t max_xattr_value_bytes = 65535;
/// The inode counts its attributes' bytes in words with 16 bits, the header being one.
constexpr std::size_t max_xattr_bytes = xattr_header_bytes + 4 * (65535 - 1);

Result<> append_xattr(std::vector<std::byte>& record, const std::string& name,
                      const std::string& value) {
    const NamespaceIndex* space = namespace_of(name);
    if (space == nullptr) return {};
    if (name.size() > max_xattr_name_bytes || value.size() > max_xattr_value_bytes) {
        return fail(ErrorCode::InvalidArgument, "extended attribute ", name.substr(0, 64),
                    " is too large");
    }
    const std::string_view rest = std::string_view(name).substr(space->prefix.size());
    const std::uint8_t head[] = {static_cast<std::uint8_t>(rest.size()), space->index,
                                 static_cast<std::uint8_t>(value.size() & 0xff),
                                 static_cast<std::uint8_t>(value.size() >> 8)};
    const auto head_bytes = std::as_bytes(std::span(head));
    record.insert(record.end(), head_bytes.begin(), head_bytes.end());
    for (const std::string_view part : {rest, std::string_view(value)}) {
        const auto bytes = as_bytes(part);
        record.insert(record.end(), bytes.begin(), bytes.end());
    }
    record.resize((record.size() + 3) / 4 * 4);
    return {};
}

}  // namespace

std::uint16_t mode_of(codec::TarType type, std::uint32_t permissions) {
    const auto kind = [&]() -> std::uint32_t {
        switch (type) {
            case codec::TarType::File:
            case codec::TarType::HardLink: return S_IFREG;
            case codec::TarType::Symlink: return S_IFLNK;
            case codec::TarType::CharDevice: return S_IFCHR;
            case codec::TarType::BlockDevice: return S_IFBLK;
            case codec::TarType::Directory: return S_IFDIR;
            case codec::TarType::Fifo: return S_IFIFO;
        }
        return S_IFREG;
    }();
    // Linux gives every symbolic link 0777, whatever the archive says.
    const std::uint32_t bits = type == codec::TarType::Symlink ? 0777 : permissions & 07777;
    return static_cast<std::uint16_t>(kind | bits);
}

std::uint8_t file_type_of(codec::TarType type) {
    switch (type) {
        case codec::TarType::File:
        case codec::TarType::HardLink: return 1;
        case codec::TarType::Directory: return 2;
        case codec::TarType::CharDevice: return 3;
        case codec::TarType::BlockDevice: return 4;
        case codec::TarType::Fifo: return 5;
        case codec::TarType::Symlink: return 7;
    }
    return 0;
}

std::uint32_t encode_device(std::uint32_t major, std::uint32_t minor) {
    return (minor & 0xff) | (major << 8) | ((minor & ~0xffU) << 12);
}

Result<std::vector<std::byte>> encode_inode(const codec::TarEntry& entry) {
    std::vector<std::byte> record(inode_bytes);
    for (const auto& [name, value] : entry.xattrs) {
        if (record.size() == inode_bytes) record.resize(inode_bytes + xattr_header_bytes);
        TRY(append_xattr(record, name, value));
    }
    // Nothing behind the header: every attribute was of a kind that cannot be stored.
    if (record.size() == inode_bytes + xattr_header_bytes) record.resize(inode_bytes);
    const std::size_t xattr_bytes = record.size() - inode_bytes;
    if (xattr_bytes > max_xattr_bytes) {
        return fail(ErrorCode::InvalidArgument, "extended attributes of ", xattr_bytes, " bytes");
    }
    Inode inode;
    inode.format = 1;
    if (xattr_bytes > 0)
        inode.xattr_count = static_cast<std::uint16_t>((xattr_bytes - xattr_header_bytes) / 4 + 1);
    inode.mode = mode_of(entry.type, entry.mode);
    inode.size = entry.bytes;
    inode.uid = entry.uid;
    inode.gid = entry.gid;
    inode.mtime = static_cast<std::uint64_t>(entry.mtime_seconds);
    inode.mtime_nanoseconds = entry.mtime_nanoseconds;
    std::memcpy(record.data(), &inode, sizeof inode);
    return record;
}

void set_data(std::vector<std::byte>& record, Layout layout, std::uint32_t data) {
    Inode inode;
    std::memcpy(&inode, record.data(), sizeof inode);
    inode.format = static_cast<std::uint16_t>(1 | static_cast<std::uint16_t>(layout) << 1);
    inode.data = data;
    std::memcpy(record.data(), &inode, sizeof inode);
}

DirectoryLayout lay_out(const std::vector<DirectoryEntry>& entries) {
    DirectoryLayout layout;
    std::uint32_t used = block_bytes;
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
        const auto bytes = static_cast<std::uint32_t>(dirent_bytes + entries[i].name.size());
        if (used + bytes > block_bytes) {
            layout.starts.push_back(i);
            used = 0;
        }
        used += bytes;
    }
    layout.last_bytes = used;
    return layout;
}

}  // namespace erofs

bool is_storable_xattr(std::string_view name) { return erofs::namespace_of(name) != nullptr; }

}  // namespace berth::layer
