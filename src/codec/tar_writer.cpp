#include <algorithm>
#include <array>

#include "codec/tar.h"
#include "codec/tar_internal.h"

namespace berth::codec {
namespace {

constexpr std::uint64_t max_octal_7 = 07777777;
constexpr std::uint64_t max_octal_11 = 077777777777;

char flag_of(TarType type) {
    switch (type) {
        case TarType::File: return '0';
        case TarType::HardLink: return '1';
        case TarType::Symlink: return '2';
        case TarType::CharDevice: return '3';
        case TarType::BlockDevice: return '4';
        case TarType::Directory: return '5';
        case TarType::Fifo: return '6';
    }
    return '0';
}

using Block = std::array<char, tar::block_bytes>;

void put_text(Block& block, tar::Field field, std::string_view text) {
    std::copy_n(text.begin(), std::min(text.size(), field.length),
                block.begin() + static_cast<std::ptrdiff_t>(field.offset));
}

void put_number(Block& block, tar::Field field, std::uint64_t value) {
    for (std::size_t i = field.length - 1; i-- > 0; value >>= 3) {
        block[field.offset + i] = static_cast<char>('0' + (value & 7));
    }
}

Block header_block(char flag, std::string_view path, std::uint64_t bytes) {
    Block block = {};
    put_text(block, tar::name, path);
    block[tar::type_offset] = flag;
    put_text(block, tar::magic,
             std::string_view("ustar\0"
                              "00",
                              8));
    put_number(block, tar::mode, 0);
    put_number(block, tar::uid, 0);
    put_number(block, tar::gid, 0);
    put_number(block, tar::size, bytes);
    put_number(block, tar::mtime, 0);
    put_number(block, tar::device_major, 0);
    put_number(block, tar::device_minor, 0);
    return block;
}

void put_checksum(Block& block) {
    const auto sum = tar::checksums(std::string_view(block.data(), block.size())).of_unsigned;
    put_number(block, {tar::checksum.offset, 7}, static_cast<std::uint64_t>(sum));
    block[tar::checksum.offset + 6] = '\0';
    block[tar::checksum.offset + 7] = ' ';
}

/// Puts the path into name and prefix; false when it does not fit.
bool put_path(Block& block, std::string_view path) {
    if (path.size() <= tar::name.length) {
        put_text(block, tar::name, path);
        return true;
    }
    for (auto slash = path.find('/'); slash != std::string_view::npos;
         slash = path.find('/', slash + 1)) {
        if (slash > tar::prefix.length) break;
        const auto name = path.substr(slash + 1);
        if (slash == 0 || name.empty() || name.size() > tar::name.length) continue;
        put_text(block, tar::prefix, path.substr(0, slash));
        put_text(block, tar::name, name);
        return true;
    }
    put_text(block, tar::name, path.substr(0, tar::name.length));
    return false;
}

/// "LENGTH KEY=VALUE\n", where the length counts its own digits.
void append_record(std::string& records, std::string_view key, std::string_view value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + std::to_string(rest).size();
    length = rest + std::to_string(length).size();
    records += concat(length, " ", key, "=", value, "\n");
}

std::string pax_time(const TarEntry& entry) {
    std::int64_t seconds = entry.mtime_seconds;
    std::uint32_t nanoseconds = entry.mtime_nanoseconds;
    std::string sign;
    if (seconds < 0 && nanoseconds > 0) {
        // -1.5 is stored as -2 s + 500000000 ns.
        seconds += 1;
        nanoseconds = 1000000000U - nanoseconds;
        if (seconds == 0) sign = "-";
    }
    std::string text = concat(sign, seconds);
    if (nanoseconds == 0) return text;
    std::string fraction = std::to_string(nanoseconds);
    fraction.insert(0, 9 - fraction.size(), '0');
    fraction.resize(fraction.find_last_not_of('0') + 1);
    return concat(text, ".", fraction);
}

std::string sparse_map(const TarEntry& entry) {
    std::string map = concat(entry.segments.size(), "\n");
    for (const auto& [offset, length] : entry.segments) map += concat(offset, "\n", length, "\n");
    map.resize(map.size() + tar::padding_of(map.size()), '\0');
    return map;
}

std::uint64_t stored_bytes(const TarEntry& entry) {
    if (entry.type != TarType::File) return 0;
    if (!entry.is_sparse) return entry.bytes;
    std::uint64_t bytes = 0;
    for (const auto& segment : entry.segments) bytes += segment.second;
    return bytes;
}

std::string_view text_of(const Block& block) { return {block.data(), block.size()}; }

}  // namespace

Result<> TarWriter::begin(const TarEntry& entry) {
    BERTH_ASSERT(content_left_ == 0);
    TRY(pad());
    std::string path = entry.path;
    if (entry.type == TarType::Directory && !path.ends_with('/')) path += '/';
    std::string records;
    const std::string map = entry.is_sparse ? sparse_map(entry) : std::string();
    const std::uint64_t stored = stored_bytes(entry);
    const std::uint64_t bytes = stored + map.size();

    Block block = header_block(flag_of(entry.type), {}, 0);
    if (entry.is_sparse) {
        put_text(block, tar::name, "GNUSparseFile.0/content");
        append_record(records, "GNU.sparse.major", "1");
        append_record(records, "GNU.sparse.minor", "0");
        append_record(records, "GNU.sparse.name", path);
        append_record(records, "GNU.sparse.realsize", std::to_string(entry.bytes));
    } else if (!put_path(block, path)) {
        append_record(records, "path", path);
    }
    put_text(block, tar::link_name, entry.link_target);
    if (entry.link_target.size() > tar::link_name.length)
        append_record(records, "linkpath", entry.link_target);
    put_number(block, tar::mode, entry.mode & 07777);
    put_number(block, tar::uid, std::min<std::uint64_t>(entry.uid, max_octal_7));
    if (entry.uid > max_octal_7) append_record(records, "uid", std::to_string(entry.uid));
    put_number(block, tar::gid, std::min<std::uint64_t>(entry.gid, max_octal_7));
    if (entry.gid > max_octal_7) append_record(records, "gid", std::to_string(entry.gid));
    put_number(block, tar::size, std::min(bytes, max_octal_11));
    if (bytes > max_octal_11) append_record(records, "size", std::to_string(bytes));
    const bool is_plain_time = entry.mtime_nanoseconds == 0 && entry.mtime_seconds >= 0 &&
                               static_cast<std::uint64_t>(entry.mtime_seconds) <= max_octal_11;
    put_number(block, tar::mtime,
               std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(entry.mtime_seconds, 0)),
                        max_octal_11));
    if (!is_plain_time) append_record(records, "mtime", pax_time(entry));
    if (entry.device_major > max_octal_7 || entry.device_minor > max_octal_7) {
        return fail(ErrorCode::InvalidArgument, "tar: device number out of range");
    }
    put_number(block, tar::device_major, entry.device_major);
    put_number(block, tar::device_minor, entry.device_minor);
    for (const auto& [name, value] : entry.xattrs)
        append_record(records, concat("SCHILY.xattr.", name), value);

    if (!records.empty()) {
        Block extension = header_block('x', "PaxHeaders.0/entry", records.size());
        put_checksum(extension);
        records.resize(records.size() + tar::padding_of(records.size()), '\0');
        TRY(sink_.write(as_bytes(text_of(extension))));
        TRY(sink_.write(as_bytes(records)));
    }
    put_checksum(block);
    TRY(sink_.write(as_bytes(text_of(block))));
    if (!map.empty()) TRY(sink_.write(as_bytes(map)));
    content_left_ = stored;
    position_ = bytes;
    return {};
}

Result<> TarWriter::write_content(std::span<const std::byte> bytes) {
    BERTH_ASSERT(bytes.size() <= content_left_);
    content_left_ -= bytes.size();
    return sink_.write(bytes);
}

Result<> TarWriter::add(const TarEntry& entry, std::string_view content) {
    TRY(begin(entry));
    return write_content(as_bytes(content));
}

Result<> TarWriter::pad() {
    static constexpr std::array<std::byte, tar::block_bytes> zeros = {};
    const auto padding = tar::padding_of(std::exchange(position_, 0));
    if (padding == 0) return {};
    return sink_.write(std::span(zeros).first(padding));
}

Result<> TarWriter::finish() {
    BERTH_ASSERT(content_left_ == 0);
    TRY(pad());
    static constexpr std::array<std::byte, 2 * tar::block_bytes> zeros = {};
    return sink_.write(zeros);
}

}  // namespace berth::codec
