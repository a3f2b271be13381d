#include "layer/pipeline.h"

#include <algorithm>
#include <cstring>

namespace berth::layer {
namespace {
constexpr std::size_t chunk_bytes = 512 << 10;
constexpr std::size_t chunk_count = 6;
}  // namespace

ProducerSource::ProducerSource(Producer producer) {
    queue_.lock()->empty.resize(chunk_count);
    thread_ = std::jthread([this, producer = std::move(producer)](const std::stop_token& stop) {
        Sink sink(*this, stop);
        auto outcome = producer(sink);
        sink.flush();
        {
            auto queue = queue_.lock();
            if (outcome.is_error()) queue->error = std::move(outcome).error();
            queue->has_ended = true;
        }
        queue_.notify_all();
    });
}

ProducerSource::Producer ProducerSource::read_ahead(codec::ByteSource& inner) {
    return [&inner](Sink& sink) -> Result<> {
        for (;;) {
            const auto room = TRY(sink.space());
            const std::size_t got = TRY(inner.read(room));
            if (got == 0) return {};
            sink.filled(got);
        }
    };
}

Result<std::span<std::byte>> ProducerSource::Sink::space() {
    if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
    if (chunk_.empty()) {
        auto queue = owner_.queue_.lock();
        if (!queue.wait(stop_, [](const Queue& q) { return !q.empty.empty(); })) {
            return fail(ErrorCode::Cancelled, "cancelled");
        }
        chunk_ = std::move(queue->empty.back());
        queue->empty.pop_back();
        chunk_.resize(chunk_bytes);
    }
    return std::span(chunk_).subspan(used_);
}

void ProducerSource::Sink::filled(std::size_t bytes) {
    used_ += bytes;
    if (used_ == chunk_.size()) flush();
}

void ProducerSource::Sink::flush() {
    if (used_ == 0) return;
    owner_.queue_.lock()->full.emplace_back(std::move(chunk_), std::exchange(used_, 0));
    chunk_.clear();
    owner_.queue_.notify_all();
}

Result<> ProducerSource::Sink::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto room = TRY(space());
        const auto piece = bytes.first(std::min(bytes.size(), room.size()));
        std::memcpy(room.data(), piece.data(), piece.size());
        filled(piece.size());
        bytes = bytes.subspan(piece.size());
    }
    return {};
}

Result<std::size_t> ProducerSource::read(std::span<std::byte> buffer) {
    if (begin_ == end_) {
        auto queue = queue_.lock();
        if (!current_.empty()) {
            queue->empty.push_back(std::move(current_));
            current_.clear();
            queue_.notify_all();
        }
        queue.wait({}, [](const Queue& q) { return !q.full.empty() || q.has_ended; });
        begin_ = end_ = 0;
        if (queue->full.empty()) {
            if (queue->error) return queue->error->clone();
            return std::size_t{0};
        }
        current_ = std::move(queue->full.front().first);
        end_ = queue->full.front().second;
        queue->full.pop_front();
    }
    const std::size_t count = std::min(buffer.size(), end_ - begin_);
    std::memcpy(buffer.data(), current_.data() + begin_, count);
    begin_ += count;
    return count;
}

Result<std::size_t> HashingSource::read(std::span<std::byte> buffer) {
    if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
    const std::size_t got = TRY(inner_.read(buffer));
    hash_.update(buffer.first(got));
    bytes_ += got;
    return got;
}

Result<> TeeSink::write(std::span<const std::byte> bytes) {
    TRY(first_.write(bytes));
    return second_.write(bytes);
}

}  // namespace berth::layer
