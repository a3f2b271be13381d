#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::codec::tar {

inline constexpr std::size_t block_bytes = 512;

/// A field of the header block: offset and length. POSIX.1-2024 pax "ustar Interchange Format"; the
/// GNU fields lie where ustar has the prefix.
struct Field {
    std::size_t offset;
    std::size_t length;
};
inline constexpr Field name = {0, 100};
inline constexpr Field mode = {100, 8};
inline constexpr Field uid = {108, 8};
inline constexpr Field gid = {116, 8};
inline constexpr Field size = {124, 12};
inline constexpr Field mtime = {136, 12};
inline constexpr Field checksum = {148, 8};
inline constexpr std::size_t type_offset = 156;
inline constexpr Field link_name = {157, 100};
inline constexpr Field magic = {257, 8};
inline constexpr Field user = {265, 32};
inline constexpr Field group = {297, 32};
inline constexpr Field device_major = {329, 8};
inline constexpr Field device_minor = {337, 8};
inline constexpr Field prefix = {345, 155};
inline constexpr std::size_t star_prefix_length = 131;
inline constexpr Field star_trailer = {508, 4};
inline constexpr Field gnu_sparse = {386, 4 * 24};
inline constexpr std::size_t gnu_is_extended_offset = 482;
inline constexpr Field gnu_real_size = {483, 12};

inline constexpr std::string_view ustar_magic = std::string_view("ustar\0", 6);
inline constexpr std::string_view gnu_magic = std::string_view("ustar  \0", 8);

/// Bytes that fill `bytes` up to whole blocks.
inline std::uint64_t padding_of(std::uint64_t bytes) {
    return (block_bytes - bytes % block_bytes) % block_bytes;
}

inline std::string_view raw(std::string_view block, Field field) {
    return block.substr(field.offset, field.length);
}
/// A text field, up to its NUL if it has one.
inline std::string_view text(std::string_view block, Field field) {
    const std::string_view bytes = raw(block, field);
    return bytes.substr(0, bytes.find('\0'));
}
/// Octal with blanks around it, or GNU's base-256; nullopt when it is neither or does not fit.
std::optional<std::int64_t> number(std::string_view bytes);
/// Sum of the block's bytes with blanks in the checksum's place; unsigned, and signed as some old
/// writers summed.
struct Checksums {
    std::int64_t of_unsigned = 0;
    std::int64_t of_signed = 0;
};
Checksums checksums(std::string_view block);
bool is_zero(std::string_view block);

}  // namespace berth::codec::tar
