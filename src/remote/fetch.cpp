#include <algorithm>
#include <deque>

#include "remote/blob_part_internal.h"
#include "remote/session_internal.h"

namespace berth::remote {

namespace {

/// Parts that are on their way, or came and wait for their turn: what they may take of memory.
constexpr std::size_t max_parts = 4;
/// What is asked for at once while there is no connection to spare: then there may be one.
constexpr std::uint64_t alone_bytes = 32 << 20;
constexpr std::size_t slice_bytes = 256 << 10;

/// One attempt after another to get the rest of a blob; keeps where it is.
///
/// Alone, it streams what it asks for. With connections to spare it fetches parts beside one
/// another and streams them one after another. A registry that sends no parts, or not that many at
/// a time, is asked for one thing at a time from then on.
class BlobFetch {
public:
    BlobFetch(const oci::Descriptor& blob, std::uint64_t offset, const Sink& sink,
              const SpareConnection& spare)
        : blob_(blob),
          offset_(offset),
          size_(static_cast<std::uint64_t>(blob.size)),
          sink_(sink),
          spare_(spare),
          may_part_(spare && size_ > offset && size_ - offset > 2 * BlobPart::max_bytes) {}

    /// Also with more bytes kept than there should be: whoever checks them finds them wrong and
    /// drops them.
    bool is_complete() const { return offset_ >= size_; }
    std::uint64_t offset() const { return offset_; }
    bool sink_failed() const { return sink_failed_; }
    /// What a busy registry asked for at the last attempt.
    std::chrono::milliseconds delay(int attempt) const {
        return asked_to_wait_.value_or(retry_delay(nullptr, attempt));
    }

    /// Until the end, or the first thing that goes wrong.
    Result<> attempt(HostSession& host, const std::string& path, const std::stop_token& stop) {
        asked_to_wait_.reset();
        while (!is_complete()) {
            if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
            open_parts(host, path, stop);
            TRY(parts_.empty() ? stream(host, path, stop) : take_part(host, path, stop));
        }
        return {};
    }

private:
    /// The rest in one request, or less of it where parts may follow.
    Result<> stream(HostSession& host, const std::string& path, const std::stop_token& stop) {
        end_ = size_;
        if (may_part_)
            end_ = std::min(size_, offset_ + (sends_parts_ ? alone_bytes : BlobPart::max_bytes));
        http::TransferRequest request;
        if (end_ < size_)
            request.headers.set("Range", concat("bytes=", offset_, "-", end_ - 1));
        else if (offset_ > 0)
            request.headers.set("Range", concat("bytes=", offset_, "-"));
        skip_ = 0;
        request.on_head = [this](int status, const http::Headers& headers) {
            return check_head(status, headers);
        };
        request.sink = [this](std::span<const std::byte> bytes) { return take(bytes); };
        const auto response = TRY(host.call_once(std::move(request), path, stop, {416, 429, 503}));
        if (response.status == 416 && end_ < size_) {
            may_part_ = false;
            return {};
        }
        if (response.status >= 400) {
            asked_to_wait_ = response.headers.has("Retry-After")
                                 ? std::optional(retry_delay(&response.headers, 1))
                                 : std::nullopt;
            return registry_error(response);
        }
        if (offset_ < end_)
            return fail(ErrorCode::Unavailable, "the registry sent ", offset_, " of ", size_,
                        " bytes of ", blob_.digest);
        return {};
    }

    /// One part travels over the connection that there is anyway, the others over spare ones.
    void open_parts(HostSession& host, const std::string& path, const std::stop_token& stop) {
        if (!may_part_ || !sends_parts_) return;
        while (parts_.size() < max_parts) {
            const std::uint64_t start = parts_.empty() ? offset_ : parts_.back()->end();
            if (start >= size_) return;
            const bool is_own_used =
                std::any_of(parts_.begin(), parts_.end(),
                            [](const auto& part) { return part->is_using_own(); });
            // The first one is for a connection more: alone, streaming is better.
            std::shared_ptr<void> connection;
            if (parts_.empty() || is_own_used) {
                connection = spare_();
                if (!connection) return;
            }
            parts_.push_back(std::make_unique<BlobPart>(
                host, path, start, std::min(size_, start + BlobPart::max_bytes),
                std::move(connection), stop));
        }
    }

    Result<> take_part(HostSession& host, const std::string& path, const std::stop_token& stop) {
        const auto part = std::move(parts_.front());
        parts_.pop_front();
        const auto bytes = part->wait();
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
        if (bytes.size() < part->end() - part->start()) {
            may_part_ = false;
            parts_.clear();
        } else {
            open_parts(host, path, stop);  // they travel while this one is worked at
        }
        // In slices: whoever takes them says so meanwhile, and keeps no more of them in memory.
        for (auto rest = bytes; !rest.empty();) {
            const auto slice = rest.first(std::min(rest.size(), slice_bytes));
            TRY(take(slice));
            rest = rest.subspan(slice.size());
        }
        return {};
    }

    // A registry may ignore the range and send everything: then the part that is here already is
    // skipped.
    Result<> check_head(int status, const http::Headers& headers) {
        if (status == 200 || (offset_ == 0 && end_ == size_)) {
            skip_ = offset_;
            end_ = size_;
            may_part_ = false;
            return {};
        }
        const auto range = headers.get("Content-Range");
        sends_parts_ = status == 206 && range.starts_with(concat("bytes ", offset_, "-"));
        if (sends_parts_) return {};
        // Without parts it may do better, when the attempt is repeated.
        const auto code =
            std::exchange(may_part_, false) ? ErrorCode::Unavailable : ErrorCode::Corrupted;
        return fail(code, "the registry answered a range request with \"", range, "\"");
    }

    Result<> take(std::span<const std::byte> bytes) {
        const std::size_t skipped =
            static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
        skip_ -= skipped;
        bytes = bytes.subspan(skipped);
        if (bytes.empty()) return {};
        if (bytes.size() > size_ - offset_) {
            sink_failed_ = true;
            return fail(ErrorCode::Corrupted, "the registry sends more than the ", size_,
                        " bytes that ", blob_.digest, " has");
        }
        auto taken = sink_(bytes);
        if (!taken) sink_failed_ = true;
        if (taken) offset_ += bytes.size();
        return taken;
    }

    const oci::Descriptor& blob_;
    std::uint64_t offset_, size_, skip_ = 0;
    std::uint64_t end_ = 0;  // of what the present request asks for
    const Sink& sink_;
    const SpareConnection& spare_;
    bool may_part_;
    bool sends_parts_ = false;
    bool sink_failed_ = false;
    std::optional<std::chrono::milliseconds> asked_to_wait_;
    std::deque<std::unique_ptr<BlobPart>> parts_;  // in order, without gaps
};

}  // namespace

Result<> Repository::fetch_blob(const oci::Descriptor& blob, std::uint64_t offset, const Sink& sink,
                                std::stop_token stop, const SpareConnection& spare) {
    BlobFetch fetch(blob, offset, sink, spare);
    if (fetch.is_complete()) return {};
    const auto readers = TRY(session_->readers(Session::Reading::Blobs, stop));
    const std::string path = session_->path("/blobs/" + blob.digest.to_string());
    Result<> outcome;
    for (HostSession* reader : readers) {
        int attempt = 0;
        while (true) {
            const std::uint64_t before = fetch.offset();
            outcome = fetch.attempt(*reader, path, stop);
            if (outcome || fetch.sink_failed() || stop.stop_requested()) return outcome;
            // Bytes that came are progress: a bad line may need many attempts.
            attempt = fetch.offset() > before ? 1 : attempt + 1;
            if (!is_worth_retrying(outcome.error()) || attempt >= max_attempts) break;
            TRY(wait_before_retry(fetch.delay(attempt), stop));
        }
        session_->give_up(reader);
    }
    if (fetch.offset() > 0 && outcome.error().is(ErrorCode::Unavailable)) {
        return std::move(outcome)
            .context(fetch.offset(), " of ", blob.size, " bytes arrived")
            .hint("what has arrived is kept: pull again to go on from there");
    }
    return std::move(outcome).context("blob ", blob.digest);
}

}  // namespace berth::remote
