#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

// Docker's multiplexed streams ("stdcopy"): an 8-byte header (stream, 0, 0, 0, length big-endian)
// before each piece.
namespace berth::api {

enum class Stream : std::uint8_t { Stdin = 0, Stdout = 1, Stderr = 2, SystemError = 3 };

/// The header of a frame with `size` bytes.
std::array<char, 8> frame_header(Stream stream, std::size_t size);
/// Appends a whole frame to `out`.
void append_frame(std::string& out, Stream stream, std::string_view bytes);

/// Takes a multiplexed stream apart, however its bytes are cut. A piece is handed on as soon as it
/// is there, so a frame may come in several calls of the sink and needs no memory.
class FrameDecoder {
public:
    using Sink = std::function<Result<>(Stream stream, std::string_view bytes)>;
    /// Fails with Corrupted for a header that is none, and with the text of a SystemError frame.
    Result<> feed(std::string_view bytes, const Sink& sink);
    /// Between two frames: where a stream may end.
    bool is_complete() const { return header_size_ == 0 && left_ == 0; }

private:
    std::array<char, 8> header_{};
    std::size_t header_size_ = 0;
    std::uint32_t left_ = 0;
    Stream stream_ = Stream::Stdout;
    std::string system_error_;
};

}  // namespace berth::api
