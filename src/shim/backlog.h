#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "sys/fd.h"

namespace berth::shim {

/// Bytes that wait for a reader: the first few in memory, the rest in an unnamed file, so that a
/// slow reader costs disk space for a while and neither memory nor the writer's time.
class Backlog {
public:
    /// `directory` is where the file goes.
    explicit Backlog(std::string directory) : directory_(std::move(directory)) {}

    bool is_empty() const { return size_ == 0; }
    std::uint64_t size() const { return size_; }
    /// False when the disk does not take it.
    bool push(std::span<const std::byte> bytes);
    /// The next bytes in order, at most as many as fit a buffer of its own; empty only when
    /// is_empty().
    std::span<const std::byte> front();
    void pop(std::size_t bytes);

private:
    bool push_to_file(std::span<const std::byte> bytes);
    std::string directory_;
    std::string memory_;  // read before the file
    std::size_t memory_read_ = 0;
    sys::Fd file_;
    std::uint64_t file_read_ = 0, file_end_ = 0;
    std::uint64_t size_ = 0;
};

}  // namespace berth::shim
