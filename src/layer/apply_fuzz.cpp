#include <cstdlib>

#include "codec/tar.h"
#include "layer/apply.h"
#include "sys/file.h"

// Whatever archive comes, writing its image ends, fails cleanly or gives an image whose header says
// what was read, and that gives the archive again.

using namespace berth;

namespace {

/// Makes entries of the bytes, six a time: paths of few letters meet each other in every way.
/// Damaged archives are the concern of the tar reader's own fuzzer.
std::string archive_of(const std::uint8_t* data, std::size_t size) {
    static constexpr std::string_view names[] = {
        "a",  "b",     "a/b",     "b/a",          "a/b/c",          "c",    "..", "a/..", ".", "",
        "/a", ".wh.a", "a/.wh.b", ".wh..wh..opq", "a/.wh..wh..opq", "c/c/c"};
    codec::StringSink sink;
    codec::TarWriter tar(sink);
    for (std::size_t at = 0; at + 6 <= size && at < 600; at += 6) {
        codec::TarEntry entry;
        entry.type = static_cast<codec::TarType>(data[at] % 7);
        entry.path = names[data[at + 1] % 16];
        entry.link_target = names[data[at + 2] % 16];
        entry.mode = data[at + 3];
        const std::size_t xattr_bytes = data[at + 4] * 67U;
        if (xattr_bytes > 0) entry.xattrs = {{"user.x", std::string(xattr_bytes, 'x')}};
        std::string content;
        if (entry.type == codec::TarType::File) {
            content.assign(data[at + 5] * 37U, 'c');
            entry.bytes = content.size();
            if (data[at + 3] % 5 == 0 && !content.empty()) {
                entry.is_sparse = true;
                entry.segments = {{data[at + 2] * 1000U, content.size()}};
                entry.bytes = 300000 + content.size();
            }
        }
        if (tar.add(entry, content).is_error()) std::abort();
    }
    if (tar.finish().is_error()) std::abort();
    return sink.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string archive = archive_of(data, size);
    codec::MemorySource source(archive);
    codec::LimitedSource limited(source, 8 << 20);
    const auto file = sys::memfd("fuzz");
    if (file.is_error()) std::abort();
    const auto frame_file = sys::memfd("frame");
    if (frame_file.is_error()) std::abort();
    layer::TarFrameWriter frame(*frame_file);
    const auto applied = layer::write_erofs_image(limited, *file, {}, nullptr, &frame);
    const auto facts = layer::read_image_facts(*file);
    if (applied.is_error()) {
        if (!facts.is_error()) std::abort();  // a failed image must not look complete
        return 0;
    }
    if (facts.is_error() || facts->diff_id_hex != applied->diff_id.hex() ||
        facts->entries != applied->entries) {
        std::abort();
    }
    auto again = layer::TarFrameReader::open(*frame_file, *file);
    if (again.is_error()) std::abort();
    const auto bytes = codec::read_all(**again, archive.size() + 1);
    if (bytes.is_error() || *bytes != archive) std::abort();
    return 0;
}
