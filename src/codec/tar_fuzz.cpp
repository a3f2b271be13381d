#include <cstdlib>

#include "codec/compression.h"
#include "codec/tar.h"
#include "codec/tar_internal.h"

// Whatever the bytes are, the reader keeps its limits, and what it accepts survives being written
// and read again.

using namespace berth;
using namespace berth::codec;

namespace {

Result<std::vector<std::pair<TarEntry, std::string>>> read_archive(ByteSource& source) {
    TarReader tar(source, {.path_bytes = 4096, .entries = 1000});
    std::vector<std::pair<TarEntry, std::string>> entries;
    for (;;) {
        auto entry = TRY(tar.next());
        if (!entry) return entries;
        if (entry->path.size() > 4096) std::abort();
        std::string content;
        for (;;) {
            const auto piece = TRY(tar.read_content());
            if (piece.empty()) break;
            content.append(as_text(piece));
        }
        std::uint64_t stored = entry->is_sparse ? 0 : entry->bytes;
        for (const auto& segment : entry->segments) stored += segment.second;
        if (stored != content.size()) std::abort();
        entries.emplace_back(std::move(*entry), std::move(content));
    }
}

/// Seals every block that looks like a header, since chance never finds a checksum.
std::string with_checksums(std::string bytes) {
    for (std::size_t at = 0; at + tar::block_bytes <= bytes.size(); at += tar::block_bytes) {
        const std::string_view block = std::string_view(bytes).substr(at, tar::block_bytes);
        if (!tar::raw(block, tar::magic).starts_with("ustar")) continue;
        auto sum = tar::checksums(block).of_unsigned;
        for (std::size_t i = 8; i-- > 0; sum >>= 3) {
            bytes[at + tar::checksum.offset + i] = static_cast<char>('0' + (sum & 7));
        }
    }
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes = with_checksums({reinterpret_cast<const char*>(data), size});
    MemorySource input(bytes);
    auto plain = open_decompressor(input);
    if (plain.is_error()) return 0;
    LimitedSource limited(**plain, 4 << 20);
    const auto entries = read_archive(limited);
    if (entries.is_error()) return 0;
    StringSink sink;
    TarWriter writer(sink);
    for (const auto& [entry, content] : *entries) {
        if (writer.add(entry, content).is_error()) std::abort();
    }
    if (writer.finish().is_error()) std::abort();
    MemorySource again(sink.text());
    const auto second = read_archive(again);
    if (second.is_error() || second->size() != entries->size()) std::abort();
    for (std::size_t i = 0; i < entries->size(); ++i) {
        const auto& a = (*entries)[i].first;
        const auto& b = (*second)[i].first;
        if (a.type != b.type || a.bytes != b.bytes || a.uid != b.uid || a.xattrs != b.xattrs ||
            a.segments != b.segments || a.mtime_nanoseconds != b.mtime_nanoseconds ||
            (*entries)[i].second != (*second)[i].second) {
            std::abort();
        }
    }
    return 0;
}
