#include "layer/pipeline.h"

#include <algorithm>
#include <cstring>

namespace berth::layer {
namespace {
constexpr std::size_t chunk_bytes = 512 << 10;
constexpr std::size_t chunk_count = 6;
}  // namespace

ReadAhead::ReadAhead(codec::ByteSource& inner) : inner_(inner) {
    queue_.lock()->empty.resize(chunk_count);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void ReadAhead::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        Chunk chunk;
        {
            auto queue = queue_.lock();
            if (!queue.wait(stop, [](const Queue& q) { return !q.empty.empty(); })) return;
            chunk = std::move(queue->empty.back());
            queue->empty.pop_back();
        }
        chunk.bytes.resize(chunk_bytes);
        chunk.begin = chunk.end = 0;
        std::optional<Error> error;
        bool has_ended = false;
        while (chunk.end < chunk.bytes.size() && !has_ended) {
            auto got = inner_.read(std::span(chunk.bytes).subspan(chunk.end));
            if (got.is_error()) error = std::move(got).error();
            has_ended = error || *got == 0;
            if (!error) chunk.end += *got;
        }
        {
            auto queue = queue_.lock();
            queue->full.push_back(std::move(chunk));
            queue->error = std::move(error);
            queue->has_ended = has_ended;
        }
        queue_.notify_all();
        if (has_ended) return;
    }
}

Result<std::size_t> ReadAhead::read(std::span<std::byte> buffer) {
    while (!current_ || current_->begin == current_->end) {
        auto queue = queue_.lock();
        if (current_) {
            queue->empty.push_back(std::move(*current_));
            current_.reset();
            queue_.notify_all();
        }
        queue.wait({}, [](const Queue& q) { return !q.full.empty() || q.has_ended; });
        if (queue->full.empty()) {
            if (queue->error) return queue->error->clone();
            return std::size_t{0};
        }
        current_ = std::move(queue->full.front());
        queue->full.pop_front();
    }
    const std::size_t count = std::min(buffer.size(), current_->end - current_->begin);
    std::memcpy(buffer.data(), current_->bytes.data() + current_->begin, count);
    current_->begin += count;
    return count;
}

Result<std::size_t> HashingSource::read(std::span<std::byte> buffer) {
    if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
    const std::size_t got = TRY(inner_.read(buffer));
    hash_.update(buffer.first(got));
    bytes_ += got;
    return got;
}

}  // namespace berth::layer
