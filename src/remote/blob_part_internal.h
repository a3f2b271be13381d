#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "remote/session_internal.h"

namespace berth::remote {

/// A part of a blob that is fetched by a thread of its own, into memory, while what stands before
/// it still travels or is worked at. One attempt; destruction ends it.
class BlobPart {
public:
    static constexpr std::uint64_t max_bytes = 4 << 20;

    /// Bytes `start` to `end` of what `path` names. `connection` is let go of as soon as they came;
    /// null for the connection that the caller has anyway.
    BlobPart(HostSession& host, std::string path, std::uint64_t start, std::uint64_t end,
             std::shared_ptr<void> connection, const std::stop_token& stop);
    std::uint64_t start() const { return start_; }
    std::uint64_t end() const { return end_; }
    /// Whether it is at work over the caller's own connection.
    bool is_using_own() const { return is_own_ && !has_ended_; }
    /// Waits for its end; what came, maybe not all of it.
    std::span<const std::byte> wait();

private:
    Result<> fetch(HostSession& host, const std::string& path, const std::stop_token& stop);

    const std::uint64_t start_, end_;
    const bool is_own_;
    std::vector<std::byte> bytes_;
    std::atomic<bool> has_ended_{false};
    std::jthread thread_;
    std::stop_callback<std::function<void()>> chain_;  ///< last: it refers to the thread
};

}  // namespace berth::remote
