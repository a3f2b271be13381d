#include "shim/backlog.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/stream.h"

namespace berth::shim {
namespace {
constexpr std::size_t memory_limit = 64 * 1024;
}

bool Backlog::push(std::span<const std::byte> bytes) {
    const bool file_is_used = file_read_ < file_end_;
    if (!file_is_used && memory_.size() + bytes.size() <= memory_limit) {
        memory_.append(as_text(bytes));
    } else if (!push_to_file(bytes)) {
        return false;
    }
    size_ += bytes.size();
    return true;
}

bool Backlog::push_to_file(std::span<const std::byte> bytes) {
    if (!file_) {
        auto file = sys::open_unnamed_file(directory_);
        if (!file) return false;
        file_ = std::move(*file);
    }
    if (!sys::pwrite_all(file_, bytes, file_end_)) return false;
    file_end_ += bytes.size();
    return true;
}

std::span<const std::byte> Backlog::front() {
    if (memory_read_ == memory_.size() && file_read_ < file_end_) {
        memory_.resize(std::min<std::uint64_t>(memory_limit, file_end_ - file_read_));
        memory_read_ = 0;
        auto bytes = std::as_writable_bytes(std::span(memory_));
        const auto got = sys::pread(file_, bytes, file_read_);
        memory_.resize(got ? *got : 0);
        file_read_ += memory_.size();
        if (file_read_ == file_end_) {
            file_.close();
            file_read_ = file_end_ = 0;
        }
    }
    return as_bytes(memory_).subspan(memory_read_);
}

void Backlog::pop(std::size_t bytes) {
    memory_read_ += bytes;
    size_ -= bytes;
    if (memory_read_ < memory_.size()) return;
    std::string().swap(memory_);
    memory_read_ = 0;
}

}  // namespace berth::shim
