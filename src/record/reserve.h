#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::record {

/// Room on the disk kept for the moment when there is none: what removes things must be able to
/// write that it did. A file beside the database, given back piece by piece, and filled again when
/// there is plenty.
class Reserve {
public:
    static constexpr std::uint64_t full_bytes = 1 << 20;
    static constexpr std::uint64_t piece_bytes = full_bytes / 8;
    /// Below this much free space the reserve is not filled again.
    static constexpr std::uint64_t plenty_bytes = 16 << 20;

    /// Fills it if there is plenty. A file system that cannot allocate leaves it empty.
    static Result<Reserve> open(const std::string& path);

    /// Gives a piece back to the file system; false when nothing is left.
    bool give();
    /// Gives a piece when less than half of one is free; true when it did. One system call, so that
    /// it may be asked often.
    bool give_when_full();
    /// Whether what is free is so little that something new would eat what was given for removals.
    /// One system call.
    bool is_short() const;
    /// Fills it again after give(), at most once in a while; cheap when it is full.
    void refill();
    std::uint64_t bytes() const { return bytes_; }

private:
    Reserve(sys::Fd file, std::uint64_t bytes) : file_(std::move(file)), bytes_(bytes) {}
    void fill();

    sys::Fd file_;
    std::uint64_t bytes_;
    std::chrono::steady_clock::time_point next_try_{};
};

}  // namespace berth::record
