#include "codec/stream.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace berth::codec {
namespace {
constexpr std::size_t copy_buffer_bytes = 256 << 10;
}

Result<std::size_t> MemorySource::read(std::span<std::byte> buffer) {
    const std::size_t count = std::min(buffer.size(), rest_.size());
    if (count > 0) std::memcpy(buffer.data(), rest_.data(), count);
    rest_ = rest_.subspan(count);
    return count;
}

Result<> StringSink::write(std::span<const std::byte> bytes) {
    if (bytes.size() > limit_ - text_.size())
        return fail(ErrorCode::InvalidArgument, "more than ", limit_, " bytes");
    text_.append(as_text(bytes));
    return {};
}

Result<std::size_t> LimitedSource::read(std::span<std::byte> buffer) {
    const std::size_t got = TRY(inner_.read(buffer));
    if (got > rest_) return fail(ErrorCode::InvalidArgument, "the data exceeds the permitted size");
    rest_ -= got;
    return got;
}

Result<> CountingSink::write(std::span<const std::byte> bytes) {
    TRY(inner_.write(bytes));
    bytes_ += bytes.size();
    return {};
}

Result<std::uint64_t> copy(ByteSource& source, ByteSink& sink) {
    std::vector<std::byte> buffer(copy_buffer_bytes);
    std::uint64_t copied = 0;
    for (;;) {
        const std::size_t got = TRY(source.read(buffer));
        if (got == 0) return copied;
        TRY(sink.write(std::span<const std::byte>(buffer).first(got)));
        copied += got;
    }
}

Result<std::string> read_all(ByteSource& source, std::size_t limit) {
    StringSink sink(limit);
    TRY(copy(source, sink));
    return sink.take();
}

}  // namespace berth::codec
