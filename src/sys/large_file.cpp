#include "sys/large_file.h"

#include <algorithm>
#include <cstring>

#include "sys/file.h"

namespace berth::sys {

std::size_t PageBuffer::append(std::span<const std::byte> bytes) {
    if (!memory_) {
        void* memory = ::operator new(capacity_, std::align_val_t(page_bytes));
        memory_.reset(static_cast<std::byte*>(memory));
    }
    const std::size_t taken = std::min(bytes.size(), capacity_ - size_);
    std::memcpy(memory_.get() + size_, bytes.data(), taken);
    size_ += taken;
    return taken;
}

bool LargeFile::can_be_direct(std::span<const std::byte> bytes, std::uint64_t offset) {
    if (is_refused_ || offset < cached_) return false;
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    if ((address | bytes.size() | offset) % page_bytes != 0) return false;
    if (!direct_) {
        auto direct = reopen(file_, O_WRONLY | O_DIRECT);
        is_refused_ = direct.is_error();
        if (direct) direct_ = std::move(*direct);
    }
    return !is_refused_;
}

Result<> LargeFile::pwrite(std::span<const std::byte> bytes, std::uint64_t offset) {
    if (!can_be_direct(bytes, offset)) return pwrite_all(file_, bytes, offset);
    auto written = pwrite_all(*direct_, bytes, offset);
    // Some file systems take the flag and refuse the write; the bytes may have come in part.
    if (!written.is_error() || !written.error().is(ErrorCode::InvalidArgument)) return written;
    is_refused_ = true;
    return pwrite_all(file_, bytes, offset);
}

}  // namespace berth::sys
