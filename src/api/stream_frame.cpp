#include "api/stream_frame.h"

#include <algorithm>
#include <cstring>

namespace berth::api {

namespace {
constexpr std::size_t longest_system_error = 64 * 1024;
}

std::array<char, 8> frame_header(Stream stream, std::size_t size) {
    const auto byte = [&](int shift) { return static_cast<char>((size >> shift) & 0xff); };
    return {static_cast<char>(stream), 0, 0, 0, byte(24), byte(16), byte(8), byte(0)};
}

void append_frame(std::string& out, Stream stream, std::string_view bytes) {
    const auto header = frame_header(stream, bytes.size());
    out.append(header.data(), header.size());
    out.append(bytes);
}

Result<> FrameDecoder::feed(std::string_view bytes, const Sink& sink) {
    while (!bytes.empty()) {
        if (left_ == 0) {
            const std::size_t taken = std::min(bytes.size(), header_.size() - header_size_);
            std::memcpy(header_.data() + header_size_, bytes.data(), taken);
            bytes.remove_prefix(taken);
            header_size_ += taken;
            if (header_size_ < header_.size()) return {};
            header_size_ = 0;
            const auto byte = [&](int i) {
                return static_cast<std::uint32_t>(static_cast<unsigned char>(header_[i]));
            };
            if (byte(0) > 3 || byte(1) || byte(2) || byte(3))
                return fail(ErrorCode::Corrupted, "stream frame with an unknown header");
            stream_ = static_cast<Stream>(byte(0));
            left_ = byte(4) << 24 | byte(5) << 16 | byte(6) << 8 | byte(7);
            continue;
        }
        const std::string_view piece = bytes.substr(0, left_);
        bytes.remove_prefix(piece.size());
        left_ -= static_cast<std::uint32_t>(piece.size());
        if (stream_ != Stream::SystemError) {
            TRY(sink(stream_, piece));
            continue;
        }
        system_error_.append(piece.substr(
            0, longest_system_error - std::min(longest_system_error, system_error_.size())));
        if (left_ == 0)
            return fail(ErrorCode::Internal,
                        "error from the engine in the stream: ", system_error_);
    }
    return {};
}

}  // namespace berth::api
