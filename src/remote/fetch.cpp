#include "remote/session_internal.h"

namespace berth::remote {

namespace {

/// One attempt after another to get the rest of a blob; keeps where it is.
class BlobFetch {
public:
    BlobFetch(const oci::Descriptor& blob, std::uint64_t offset, const Sink& sink)
        : blob_(blob), offset_(offset), size_(static_cast<std::uint64_t>(blob.size)), sink_(sink) {}

    /// Also with more bytes kept than there should be: whoever checks them finds them wrong and
    /// drops them.
    bool is_complete() const { return offset_ >= size_; }
    std::uint64_t offset() const { return offset_; }
    bool sink_failed() const { return sink_failed_; }
    /// What a busy registry asked for at the last attempt.
    std::chrono::milliseconds delay(int attempt) const {
        return asked_to_wait_.value_or(retry_delay(nullptr, attempt));
    }

    Result<> attempt(HostSession& host, const std::string& path, const std::stop_token& stop) {
        http::TransferRequest request;
        if (offset_ > 0) request.headers.set("Range", concat("bytes=", offset_, "-"));
        skip_ = 0;
        asked_to_wait_.reset();
        request.on_head = [this](int status, const http::Headers& headers) {
            return check_head(status, headers);
        };
        request.sink = [this](std::span<const std::byte> bytes) { return take(bytes); };
        const auto response = TRY(host.call_once(std::move(request), path, stop, {429, 503}));
        if (response.status >= 400) {
            asked_to_wait_ = response.headers.has("Retry-After")
                                 ? std::optional(retry_delay(&response.headers, 1))
                                 : std::nullopt;
            return registry_error(response);
        }
        if (!is_complete())
            return fail(ErrorCode::Unavailable, "the registry sent ", offset_, " of ", size_,
                        " bytes of ", blob_.digest);
        return {};
    }

private:
    // A registry may ignore the range and send everything: then the part that is here already is
    // skipped.
    Result<> check_head(int status, const http::Headers& headers) {
        if (offset_ == 0 || status == 200) {
            skip_ = offset_;
            return {};
        }
        const auto range = headers.get("Content-Range");
        if (status == 206 && range.starts_with(concat("bytes ", offset_, "-"))) return {};
        return fail(ErrorCode::Corrupted, "the registry answered a range request with \"", range,
                    "\"");
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
    const Sink& sink_;
    bool sink_failed_ = false;
    std::optional<std::chrono::milliseconds> asked_to_wait_;
};

}  // namespace

Result<> Repository::fetch_blob(const oci::Descriptor& blob, std::uint64_t offset, const Sink& sink,
                                std::stop_token stop) {
    BlobFetch fetch(blob, offset, sink);
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
