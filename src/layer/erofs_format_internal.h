#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace berth::layer::erofs {

// The on-disk format of EROFS, as far as it is written here. Little endian. Linux,
// fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst.

inline constexpr std::uint32_t block_bytes = 4096;
inline constexpr std::uint32_t block_bits = 12;
inline constexpr std::uint32_t super_offset = 1024;
inline constexpr std::uint32_t super_bytes = 128;
inline constexpr std::uint32_t super_magic = 0xE0F5E1E2;
/// Inodes are numbered by their place: byte offset from the start of the metadata area in slots of
/// 32 bytes.
inline constexpr std::uint32_t slot_bytes = 32;
inline constexpr std::uint32_t inode_bytes = 64;  ///< of the extended form
inline constexpr std::uint32_t inode_nlink_offset = 44;
inline constexpr std::uint32_t dirent_bytes = 12;
inline constexpr std::uint32_t xattr_header_bytes = 12;
inline constexpr std::uint32_t null_block = 0xffffffff;  ///< a chunk that is a hole

inline constexpr std::uint32_t compat_checksum = 1;
inline constexpr std::uint32_t compat_mtime = 2;
inline constexpr std::uint32_t incompat_chunked_file = 4;

enum class Layout : std::uint16_t { FlatPlain = 0, FlatInline = 2, ChunkBased = 4 };

struct SuperBlock {
    std::uint32_t magic = super_magic;
    std::uint32_t checksum = 0;
    std::uint32_t feature_compat = compat_checksum | compat_mtime;
    std::uint8_t block_bits = erofs::block_bits;
    std::uint8_t extension_slots = 0;
    std::uint16_t root_nid = 0;
    std::uint64_t inodes = 0;
    std::uint64_t build_time = 0;
    std::uint32_t build_time_nanoseconds = 0;
    std::uint32_t blocks = 0;
    std::uint32_t meta_block = 0;
    std::uint32_t xattr_block = 0;
    std::array<std::uint8_t, 16> uuid = {};
    std::array<char, 16> volume_name = {};
    std::uint32_t feature_incompat = 0;
    std::array<std::uint8_t, 44> unused = {};
};
static_assert(sizeof(SuperBlock) == super_bytes);

struct Inode {
    std::uint16_t format = 0;  ///< bit 0: extended form; bits 1..3: Layout
    std::uint16_t xattr_count = 0;
    std::uint16_t mode = 0;
    std::uint16_t reserved = 0;
    std::uint64_t size = 0;
    std::uint32_t data = 0;  ///< first block, device number, or chunk format
    std::uint32_t number = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t mtime = 0;
    std::uint32_t mtime_nanoseconds = 0;
    std::uint32_t nlink = 1;
    std::array<std::uint8_t, 16> reserved2 = {};
};
static_assert(sizeof(Inode) == inode_bytes && offsetof(Inode, nlink) == inode_nlink_offset);

struct [[gnu::packed]] Dirent {
    std::uint64_t nid = 0;
    std::uint16_t name_offset = 0;
    std::uint8_t file_type = 0;
    std::uint8_t reserved = 0;
};
static_assert(sizeof(Dirent) == dirent_bytes);

/// In the first 1024 bytes, which EROFS leaves to boot loaders: what Berth knows of the layer.
/// Version 1.
struct LayerHeader {
    std::array<char, 8> magic = {'B', 'E', 'R', 'T', 'H', 'L', 'Y', 'R'};
    std::uint32_t version = 1;
    std::uint32_t reserved = 0;
    std::uint64_t tar_bytes = 0;
    std::uint64_t entries = 0;
    std::array<std::uint8_t, 32> diff_id = {};
    std::uint64_t sum =
        0;  ///< ImageSum of the whole image with this field 0; 0: written before there was one
};

}  // namespace berth::layer::erofs
