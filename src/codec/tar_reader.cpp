#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "codec/tar.h"
#include "codec/tar_internal.h"

// One member of an archive is a header block, maybe preceded by blocks that override what does not
// fit into it (PAX records, GNU long names), and its content in whole blocks. Where dialects
// disagree this reader sides with Go's archive/tar, since most layers are written and read by it,
// and readers that disagree about one archive are how files get smuggled past a check: only regular
// files have content, whatever the size field of the others says.

namespace berth::codec {
namespace {

constexpr std::size_t buffer_bytes = 256 << 10;
constexpr std::string_view xattr_prefix = "SCHILY.xattr.";

Error damaged(std::string_view what) { return fail(ErrorCode::Corrupted, "tar: ", what); }

const std::string* find(const std::vector<std::pair<std::string, std::string>>& records,
                        std::string_view key) {
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
        if (record->first == key) return &record->second;
    }
    return nullptr;
}

/// Appends the records "LENGTH KEY=VALUE\n" of one PAX header.
Result<> parse_records(std::string_view text,
                       std::vector<std::pair<std::string, std::string>>& records) {
    while (!text.empty()) {
        // Some writers pad the last record with NUL bytes.
        if (text.find_first_not_of('\0') == std::string_view::npos) return {};
        const auto blank = text.find(' ');
        const auto length =
            blank == std::string_view::npos ? std::nullopt : parse_uint(text.substr(0, blank));
        if (!length || *length > text.size() || *length < blank + 3 || text[*length - 1] != '\n') {
            return damaged("damaged PAX record");
        }
        const auto pair = split_once(text.substr(blank + 1, *length - blank - 2), '=');
        if (!pair || pair->first.empty()) return damaged("damaged PAX record");
        records.emplace_back(pair->first, pair->second);
        text.remove_prefix(*length);
    }
    return {};
}

Result<std::uint64_t> decimal(const std::string& text, std::string_view what) {
    const auto value = parse_uint(text);
    if (!value || *value > std::numeric_limits<std::int64_t>::max()) {
        return fail(ErrorCode::Corrupted, "tar: invalid ", what, " \"", text, "\"");
    }
    return *value;
}

/// "-12.5" and the like; more than nine digits of fraction are cut off.
Result<> parse_time(const std::string& text, TarEntry& entry) {
    const std::string_view whole = std::string_view(text).substr(0, text.find('.'));
    std::int64_t seconds = 0;
    if (whole != "-" && !whole.empty()) {
        const auto parsed = parse_int(whole);
        if (!parsed) return fail(ErrorCode::Corrupted, "tar: invalid time \"", text, "\"");
        seconds = *parsed;
    }
    std::uint32_t nanoseconds = 0;
    if (whole.size() < text.size()) {
        std::string fraction = text.substr(whole.size() + 1, 9);
        if (fraction.find_first_not_of("0123456789") != std::string::npos) {
            return fail(ErrorCode::Corrupted, "tar: invalid time \"", text, "\"");
        }
        fraction.resize(9, '0');
        nanoseconds = static_cast<std::uint32_t>(parse_uint(fraction).value_or(0));
    }
    if (text.starts_with('-') && nanoseconds > 0) {
        seconds -= 1;
        nanoseconds = 1000000000U - nanoseconds;
    }
    entry.mtime_seconds = seconds;
    entry.mtime_nanoseconds = nanoseconds;
    return {};
}

Result<std::uint32_t> owner(std::uint64_t id, std::string_view what) {
    if (id > std::numeric_limits<std::uint32_t>::max()) {
        return fail(ErrorCode::InvalidArgument, "tar: ", what, " ", id, " is out of range");
    }
    return static_cast<std::uint32_t>(id);
}

Result<std::uint64_t> field_number(std::string_view header, tar::Field field,
                                   std::string_view what) {
    const auto value = tar::number(tar::raw(header, field));
    if (!value || *value < 0) return fail(ErrorCode::Corrupted, "tar: invalid ", what);
    return static_cast<std::uint64_t>(*value);
}

Result<TarType> type_of(char flag, std::string_view path) {
    switch (flag) {
        case '\0':
            // Before POSIX a directory was a file whose name ends in a slash.
            return path.ends_with('/') ? TarType::Directory : TarType::File;
        case '0':
        case '7':
        case 'S': return TarType::File;
        case '1': return TarType::HardLink;
        case '2': return TarType::Symlink;
        case '3': return TarType::CharDevice;
        case '4': return TarType::BlockDevice;
        case '5': return TarType::Directory;
        case '6': return TarType::Fifo;
        default: return fail(ErrorCode::InvalidArgument, "tar: entry of unknown type '", flag, "'");
    }
}

std::string ustar_path(std::string_view header) {
    const std::string_view name = tar::text(header, tar::name);
    if (!tar::raw(header, tar::magic).starts_with(tar::ustar_magic)) return std::string(name);
    tar::Field field = tar::prefix;
    if (tar::raw(header, tar::star_trailer) == std::string_view("tar\0", 4))
        field.length = tar::star_prefix_length;
    const std::string_view prefix = tar::text(header, field);
    return prefix.empty() ? std::string(name) : concat(prefix, "/", name);
}

/// Header fields, before PAX records and long names override them.
Result<TarEntry> from_header(std::string_view header) {
    TarEntry entry;
    entry.path = ustar_path(header);
    entry.type = TRY(type_of(header[tar::type_offset], entry.path));
    entry.link_target = tar::text(header, tar::link_name);
    entry.mode = static_cast<std::uint32_t>(TRY(field_number(header, tar::mode, "mode")) & 07777);
    const auto mtime = tar::number(tar::raw(header, tar::mtime));
    if (!mtime) return damaged("invalid time");
    entry.mtime_seconds = *mtime;
    if (tar::raw(header, tar::magic).starts_with("ustar")) {
        entry.user = tar::text(header, tar::user);
        entry.group = tar::text(header, tar::group);
    }
    if (entry.type == TarType::CharDevice || entry.type == TarType::BlockDevice) {
        const auto major = TRY(field_number(header, tar::device_major, "device number"));
        const auto minor = TRY(field_number(header, tar::device_minor, "device number"));
        // What Linux can hold in a dev_t (12 and 20 bits).
        if (major > 0xfff || minor > 0xfffff) return damaged("device number out of range");
        entry.device_major = static_cast<std::uint32_t>(major);
        entry.device_minor = static_cast<std::uint32_t>(minor);
    }
    return entry;
}

}  // namespace

TarReader::TarReader(ByteSource& source, const TarLimits& limits)
    : source_(source), limits_(limits), buffer_(buffer_bytes) {}

Result<std::size_t> TarReader::fill() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == buffer_.size()) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    const std::size_t got = TRY(source_.read(std::span(buffer_).subspan(end_)));
    end_ += got;
    return got;
}

Result<std::span<const std::byte>> TarReader::take(std::size_t bytes) {
    while (end_ - begin_ < bytes) {
        if (TRY(fill()) == 0) break;
    }
    const std::size_t count = std::min(bytes, end_ - begin_);
    const auto taken = std::span<const std::byte>(buffer_).subspan(begin_, count);
    begin_ += count;
    TRY(note(taken));
    return taken;
}

Result<> TarReader::skip(std::uint64_t bytes) {
    while (bytes > 0) {
        if (begin_ == end_ && TRY(fill()) == 0) return damaged("unexpected end of archive");
        const std::size_t count =
            static_cast<std::size_t>(std::min<std::uint64_t>(bytes, end_ - begin_));
        TRY(note(std::span<const std::byte>(buffer_).subspan(begin_, count)));
        begin_ += count;
        bytes -= count;
    }
    return {};
}

Result<std::optional<std::string>> TarReader::next_header() {
    for (int zero_blocks = 0;;) {
        const auto block = TRY(take(tar::block_bytes));
        if (block.empty()) return std::optional<std::string>();
        if (block.size() < tar::block_bytes) return damaged("unexpected end of archive");
        const std::string_view header = as_text(block);
        if (tar::is_zero(header)) {
            if (++zero_blocks == 2) return std::optional<std::string>();
            continue;
        }
        if (zero_blocks > 0) return damaged("data after an end-of-archive block");
        const auto stored = tar::number(tar::raw(header, tar::checksum));
        const auto sums = tar::checksums(header);
        if (!stored || (*stored != sums.of_unsigned && *stored != sums.of_signed)) {
            return damaged("damaged header (is this a tar archive?)");
        }
        return std::optional(std::string(header));
    }
}

Result<std::string> TarReader::read_extension(std::string_view header, std::string_view what) {
    const std::uint64_t bytes = TRY(field_number(header, tar::size, "size"));
    if (bytes > limits_.extended_header_bytes) {
        return fail(ErrorCode::InvalidArgument, "tar: ", what, " of ", bytes, " bytes, more than ",
                    limits_.extended_header_bytes);
    }
    std::string text;
    text.reserve(bytes);
    while (text.size() < bytes) {
        const auto piece = TRY(take(std::min<std::size_t>(bytes - text.size(), buffer_.size())));
        if (piece.empty()) return damaged("unexpected end of archive");
        text.append(as_text(piece));
    }
    TRY(skip(tar::padding_of(bytes)));
    return text;
}

Result<std::optional<TarEntry>> TarReader::next() {
    if (ended_) return std::optional<TarEntry>();
    TRY(skip(content_left_));
    TRY(skip(padding_left_));
    content_left_ = padding_left_ = 0;
    Records records;
    bool has_extension = false;
    for (;;) {
        auto header = TRY(next_header());
        if (!header) {
            if (has_extension) return damaged("the archive ends after an extended header");
            ended_ = true;
            return std::optional<TarEntry>();
        }
        // Extension headers count too, or a global header without end would never hit the limit.
        if (++entries_ > limits_.entries) {
            return fail(ErrorCode::InvalidArgument, "tar: more than ", limits_.entries, " entries");
        }
        switch ((*header)[tar::type_offset]) {
            case 'x':
            case 'X': {
                TRY(parse_records(TRY(read_extension(*header, "PAX header")), records));
                has_extension = true;
                continue;
            }
            case 'g': {
                globals_.clear();
                TRY(parse_records(TRY(read_extension(*header, "PAX header")), globals_));
                continue;
            }
            case 'L':
            case 'K': {
                const bool is_path = (*header)[tar::type_offset] == 'L';
                std::string name = TRY(read_extension(*header, "long name"));
                name.resize(std::min(name.find('\0'), name.size()));
                records.emplace_back(is_path ? "path" : "linkpath", std::move(name));
                has_extension = true;
                continue;
            }
            case 'V': {  // GNU volume label
                TRY(skip(TRY(field_number(*header, tar::size, "size"))));
                continue;
            }
            default: break;
        }
        auto all = globals_;
        all.insert(all.end(), std::make_move_iterator(records.begin()),
                   std::make_move_iterator(records.end()));
        return std::optional(TRY(make_entry(*header, std::move(all))));
    }
}

Result<TarEntry> TarReader::make_entry(std::string_view header, Records records) {
    TarEntry entry = TRY(from_header(header));
    if (const auto* path = find(records, "path"); path != nullptr && !path->empty())
        entry.path = *path;
    if (const auto* path = find(records, "GNU.sparse.name"); path != nullptr && !path->empty())
        entry.path = *path;
    if (const auto* target = find(records, "linkpath"); target != nullptr && !target->empty()) {
        entry.link_target = *target;
    }
    const auto* uid = find(records, "uid");
    const auto* gid = find(records, "gid");
    entry.uid = TRY(
        owner(uid ? TRY(decimal(*uid, "uid")) : TRY(field_number(header, tar::uid, "uid")), "uid"));
    entry.gid = TRY(
        owner(gid ? TRY(decimal(*gid, "gid")) : TRY(field_number(header, tar::gid, "gid")), "gid"));
    if (const auto* user = find(records, "uname")) entry.user = *user;
    if (const auto* group = find(records, "gname")) entry.group = *group;
    if (const auto* mtime = find(records, "mtime"); mtime != nullptr && !mtime->empty()) {
        TRY(parse_time(*mtime, entry));
    }
    std::size_t xattr_bytes = 0;
    for (const auto& [key, value] : records) {
        if (!key.starts_with(xattr_prefix)) continue;
        std::string name = key.substr(xattr_prefix.size());
        xattr_bytes += name.size() + value.size();
        std::erase_if(entry.xattrs, [&](const auto& xattr) { return xattr.first == name; });
        entry.xattrs.emplace_back(std::move(name), value);
    }
    std::sort(entry.xattrs.begin(), entry.xattrs.end());
    for (const std::string* path : {&entry.path, &entry.link_target}) {
        if (path->size() > limits_.path_bytes) {
            return fail(ErrorCode::InvalidArgument, "tar: path of ", path->size(),
                        " bytes, more than ", limits_.path_bytes, ": ", path->substr(0, 80), "...");
        }
        if (path->find('\0') != std::string::npos) return damaged("a path contains a zero byte");
    }
    if (xattr_bytes > limits_.xattr_bytes) {
        return fail(ErrorCode::InvalidArgument, "tar: ", entry.path, ": extended attributes of ",
                    xattr_bytes, " bytes, more than ", limits_.xattr_bytes);
    }
    if (entry.type != TarType::File) return entry;

    const auto* size = find(records, "size");
    entry.bytes = size ? TRY(decimal(*size, "size")) : TRY(field_number(header, tar::size, "size"));
    content_left_ = entry.bytes;
    padding_left_ = tar::padding_of(entry.bytes);
    if (header[tar::type_offset] == 'S') {
        TRY(read_gnu_sparse(header, entry));
    } else if (const auto* major = find(records, "GNU.sparse.major")) {
        const auto* minor = find(records, "GNU.sparse.minor");
        const auto* real = find(records, "GNU.sparse.realsize");
        if (*major != "1" || minor == nullptr || *minor != "0" || real == nullptr)
            return damaged("unknown sparse format");
        entry.bytes = TRY(decimal(*real, "size"));
        TRY(read_sparse_map(entry));
    } else if (const auto* real_size = find(records, "GNU.sparse.size")) {
        entry.bytes = TRY(decimal(*real_size, "size"));
        entry.is_sparse = true;
        std::vector<std::string> numbers;
        if (const auto* map = find(records, "GNU.sparse.map")) {
            if (!map->empty()) numbers = split(*map, ',');
        } else {
            for (const auto& [key, value] : records) {
                if (key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes")
                    numbers.push_back(value);
            }
        }
        if (numbers.size() % 2 != 0 || numbers.size() / 2 > limits_.sparse_segments)
            return damaged("invalid sparse map");
        for (std::size_t i = 0; i < numbers.size(); i += 2) {
            const std::uint64_t offset = TRY(decimal(numbers[i], "offset"));
            const std::uint64_t length = TRY(decimal(numbers[i + 1], "length"));
            entry.segments.emplace_back(offset, length);
        }
    }
    if (entry.is_sparse) TRY(check_segments(entry));
    std::erase_if(entry.segments, [](const auto& segment) { return segment.second == 0; });
    return entry;
}

Result<> TarReader::read_gnu_sparse(std::string_view header, TarEntry& entry) {
    entry.is_sparse = true;
    entry.bytes = TRY(field_number(header, tar::gnu_real_size, "size"));
    std::string map(tar::raw(header, tar::gnu_sparse));
    bool is_extended = header[tar::gnu_is_extended_offset] != '\0';
    for (;;) {
        for (std::size_t at = 0; at + 24 <= map.size(); at += 24) {
            if (map[at] == '\0') break;
            const auto offset = tar::number(std::string_view(map).substr(at, 12));
            const auto length = tar::number(std::string_view(map).substr(at + 12, 12));
            if (!offset || !length || *offset < 0 || *length < 0)
                return damaged("invalid sparse map");
            entry.segments.emplace_back(*offset, *length);
        }
        if (entry.segments.size() > limits_.sparse_segments)
            return damaged("too many segments in a sparse file");
        if (!is_extended) return {};
        const auto block = TRY(take(tar::block_bytes));
        if (block.size() < tar::block_bytes) return damaged("unexpected end of archive");
        constexpr std::size_t map_bytes = 21 * 24;
        map = as_text(block.first(map_bytes));
        is_extended = block[map_bytes] != std::byte{0};
    }
}

Result<> TarReader::read_sparse_map(TarEntry& entry) {
    // Format 1.0: decimal numbers, one a line, in the first blocks of the content: how many, then
    // offset and length of each segment; the rest of the last block is padding.
    entry.is_sparse = true;
    std::string_view rest;
    std::string block;
    const auto next_number = [&]() -> Result<std::uint64_t> {
        std::uint64_t value = 0;
        for (int digits = 0;; ++digits) {
            if (rest.empty()) {
                const auto bytes = TRY(take(tar::block_bytes));
                if (bytes.size() < tar::block_bytes || content_left_ < tar::block_bytes) {
                    return damaged("unexpected end of a sparse map");
                }
                content_left_ -= tar::block_bytes;
                block = as_text(bytes);
                rest = block;
            }
            const char c = rest[0];
            rest.remove_prefix(1);
            if (c == '\n' && digits > 0) return value;
            if (c < '0' || c > '9' || digits >= 18) return damaged("invalid sparse map");
            value = value * 10 + static_cast<std::uint64_t>(c - '0');
        }
    };
    const std::uint64_t count = TRY(next_number());
    if (count > limits_.sparse_segments) return damaged("too many segments in a sparse file");
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t offset = TRY(next_number());
        const std::uint64_t length = TRY(next_number());
        entry.segments.emplace_back(offset, length);
    }
    return {};
}

Result<> TarReader::check_segments(const TarEntry& entry) const {
    std::uint64_t position = 0;
    std::uint64_t stored = 0;
    for (const auto& [offset, length] : entry.segments) {
        if (offset < position || offset > entry.bytes || length > entry.bytes - offset) {
            return fail(ErrorCode::Corrupted, "tar: ", entry.path, ": invalid sparse map");
        }
        position = offset + length;
        stored += length;
    }
    if (stored != content_left_)
        return fail(ErrorCode::Corrupted, "tar: ", entry.path, ": invalid sparse map");
    return {};
}

Result<std::span<const std::byte>> TarReader::read_content() {
    if (content_left_ == 0) return std::span<const std::byte>();
    if (begin_ == end_ && TRY(fill()) == 0) return damaged("unexpected end of archive");
    const std::size_t count =
        static_cast<std::size_t>(std::min<std::uint64_t>(content_left_, end_ - begin_));
    const auto bytes = std::span<const std::byte>(buffer_).subspan(begin_, count);
    begin_ += count;
    content_left_ -= count;
    return bytes;
}

Result<> TarReader::drain() {
    do {
        TRY(note(std::span<const std::byte>(buffer_).subspan(begin_, end_ - begin_)));
        begin_ = 0;
        end_ = TRY(source_.read(buffer_));
    } while (end_ > 0);
    return {};
}

}  // namespace berth::codec
