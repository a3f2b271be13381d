#include "cli/archive/input.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include "base/guarded.h"
#include "cli/context.h"
#include "sys/file.h"
#include "sys/poll.h"

namespace berth::cli {

namespace {

constexpr std::size_t piece_bytes = 256 << 10;
constexpr std::size_t max_waiting_pieces = 16;

/// How long a stop request may go unseen.
constexpr std::chrono::milliseconds look_interval(100);

client::BytesSource source_of(sys::Fd file, std::stop_token stop) {
    auto shared = std::make_shared<sys::Fd>(std::move(file));
    return [shared, stop = std::move(stop)]() -> Result<std::string> {
        const sys::BorrowedFd fd(*shared ? shared->get() : STDIN_FILENO);
        while (stop.stop_possible() && !TRY(sys::wait_readable(fd, look_interval))) {
            if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        }
        std::string piece(piece_bytes, '\0');
        piece.resize(TRY(sys::read(fd, std::as_writable_bytes(std::span(piece)))));
        return piece;
    };
}

struct Pieces {
    std::deque<std::string> waiting;
    bool has_ended = false;
    bool is_cut = false;  ///< it ended before its end
    bool is_abandoned = false;
};

}  // namespace

Result<client::BytesSource> input_of(const Context& context, const std::string& path,
                                     std::stop_token stop) {
    if (!path.empty() && path != "-")
        return source_of(TRY(sys::open(path, O_RDONLY).context("read ", path)), std::move(stop));
    if (context.is_input_terminal()) {
        return fail(ErrorCode::InvalidArgument, "an archive is not read from a terminal")
            .with_hint("name the file, or redirect the input");
    }
    return source_of({}, std::move(stop));
}

Result<std::size_t> PieceSource::read(std::span<std::byte> buffer) {
    if (used_ == piece_.size()) {
        piece_ = TRY(pieces_());
        used_ = 0;
    }
    const std::size_t count = std::min(buffer.size(), piece_.size() - used_);
    std::memcpy(buffer.data(), piece_.data() + used_, count);
    used_ += count;
    return count;
}

Result<> connect(const std::function<Result<>(const client::BytesSink&)>& produce,
                 const std::function<Result<>(client::BytesSource)>& consume) {
    Guarded<Pieces> pieces;
    Result<> produced;
    std::jthread producer([&] {
        produced = produce([&](std::string_view bytes) -> Result<> {
            auto locked = pieces.lock();
            locked.wait({}, [](const Pieces& p) {
                return p.is_abandoned || p.waiting.size() < max_waiting_pieces;
            });
            if (locked->is_abandoned) return fail(ErrorCode::Cancelled, "nobody reads any more");
            locked->waiting.emplace_back(bytes);
            pieces.notify_all();
            return {};
        });
        {
            auto locked = pieces.lock();
            locked->has_ended = true;
            locked->is_cut = produced.is_error();
        }
        pieces.notify_all();
    });
    auto consumed = consume([&]() -> Result<std::string> {
        auto locked = pieces.lock();
        locked.wait({}, [](const Pieces& p) { return p.has_ended || !p.waiting.empty(); });
        if (locked->waiting.empty()) {
            if (locked->is_cut) return fail(ErrorCode::Cancelled, "interrupted");
            return std::string();
        }
        std::string piece = std::move(locked->waiting.front());
        locked->waiting.pop_front();
        pieces.notify_all();
        return piece;
    });
    pieces.lock()->is_abandoned = true;
    pieces.notify_all();
    producer.join();
    // One that stopped because nobody read on has not failed.
    if (produced.is_error() && !produced.error().is(ErrorCode::Cancelled)) return produced;
    return consumed;
}

}  // namespace berth::cli
