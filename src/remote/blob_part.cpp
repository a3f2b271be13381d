#include "remote/blob_part_internal.h"

namespace berth::remote {

BlobPart::BlobPart(HostSession& host, std::string path, std::uint64_t start, std::uint64_t end,
                   std::shared_ptr<void> connection, const std::stop_token& stop)
    : start_(start),
      end_(end),
      is_own_(connection == nullptr),
      thread_([this, &host, path = std::move(path),
               connection = std::move(connection)](const std::stop_token& ended) mutable {
          fetch(host, path, ended).ignore("whoever waits sees how much came, and asks again");
          connection.reset();
          has_ended_ = true;
      }),
      chain_(stop, [this] { thread_.request_stop(); }) {}

Result<> BlobPart::fetch(HostSession& host, const std::string& path, const std::stop_token& stop) {
    bytes_.reserve(end_ - start_);
    http::TransferRequest request;
    request.headers.set("Range", concat("bytes=", start_, "-", end_ - 1));
    request.on_head = [this](int status, const http::Headers& headers) -> Result<> {
        if (status == 206 &&
            headers.get("Content-Range").starts_with(concat("bytes ", start_, "-")))
            return {};
        return fail(ErrorCode::Unsupported, "the registry does not send parts");
    };
    request.sink = [this](std::span<const std::byte> bytes) -> Result<> {
        if (bytes.size() > end_ - start_ - bytes_.size())
            return fail(ErrorCode::Corrupted, "the registry sends more than it was asked for");
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return {};
    };
    TRY(host.call_once(std::move(request), path, stop));
    return {};
}

std::span<const std::byte> BlobPart::wait() {
    if (thread_.joinable()) thread_.join();
    return bytes_;
}

}  // namespace berth::remote
