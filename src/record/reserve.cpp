#include "record/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "sys/allocate.h"
#include "sys/file.h"

namespace berth::record {

namespace {
constexpr std::chrono::seconds between_tries{1};
}  // namespace

Result<Reserve> Reserve::open(const std::string& path) {
    sys::Fd file = TRY(sys::open(path, O_RDWR | O_CREAT, 0600));
    const auto status = TRY(sys::fstat(file));
    Reserve reserve(std::move(file), static_cast<std::uint64_t>(status.st_size));
    reserve.fill();
    return reserve;
}

bool Reserve::give() {
    if (bytes_ == 0) return false;
    const std::uint64_t left = bytes_ > piece_bytes ? bytes_ - piece_bytes : 0;
    if (sys::ftruncate(file_, left).is_error()) return false;
    bytes_ = left;
    next_try_ = std::chrono::steady_clock::now() + between_tries;
    return true;
}

bool Reserve::give_when_full() {
    const auto free = sys::free_bytes(file_);
    return free && *free < piece_bytes / 2 && give();
}

bool Reserve::is_short() const {
    const auto free = sys::free_bytes(file_);
    return free && *free < 2 * piece_bytes;
}

void Reserve::refill() {
    if (bytes_ >= full_bytes) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_try_) return;
    next_try_ = now + between_tries;
    fill();
}

void Reserve::fill() {
    if (bytes_ >= full_bytes) return;
    const auto free = sys::free_bytes(file_);
    if (free.is_error() || *free < plenty_bytes) return;
    if (!sys::allocate(file_, full_bytes).is_error()) bytes_ = full_bytes;
}

}  // namespace berth::record
