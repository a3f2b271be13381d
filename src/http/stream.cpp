#include <algorithm>

#include "http/stream_internal.h"
#include "sys/file.h"
#include "sys/poll.h"
#include "sys/socket.h"
#include "sys/stream.h"

namespace berth::http {

namespace {

class PlainStream final : public Stream {
public:
    explicit PlainStream(sys::Fd socket) : socket_(std::move(socket)) {}

    Result<std::size_t> read(std::span<std::byte> buffer,
                             std::optional<std::chrono::milliseconds> limit) override {
        while (true) {
            const sys::Transfer transfer = sys::receive_some(socket_, buffer);
            if (transfer.bytes > 0) return transfer.bytes;
            if (transfer.ended) return std::size_t{0};
            if (!TRY(sys::wait_readable(socket_, limit)))
                return fail(ErrorCode::TimedOut, "the peer sent nothing");
        }
    }

    Result<> write(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            const sys::Transfer transfer = sys::send_some(socket_, bytes);
            bytes = bytes.subspan(transfer.bytes);
            if (transfer.ended)
                return fail(ErrorCode::Unavailable, "the peer closed the connection");
            if (transfer.blocked) TRY(sys::wait_writable(socket_));
        }
        return {};
    }

    Result<> send_file(sys::BorrowedFd file, std::uint64_t offset, std::uint64_t bytes) override {
        while (bytes > 0) {
            const std::size_t part =
                static_cast<std::size_t>(std::min<std::uint64_t>(bytes, 64 << 20));
            const std::size_t sent = TRY(sys::send_file(socket_, file, offset, part));
            if (sent == 0) return fail(ErrorCode::Corrupted, "the file ends early");
            offset += sent;
            bytes -= sent;
        }
        return {};
    }

    sys::BorrowedFd fd() const override { return socket_; }
    Result<sys::Fd> release() override { return std::move(socket_); }
    void close_gracefully() override {
        if (socket_) sys::shutdown_write(socket_).ignore("the peer may be gone");
    }

private:
    sys::Fd socket_;
};

}  // namespace

std::unique_ptr<Stream> plain_stream(sys::Fd socket) {
    return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace berth::http
