#include "layer/image_sum_internal.h"

#include "sys/file.h"

namespace berth::layer {

Result<std::size_t> read_blocks(sys::BorrowedFd file, std::span<std::byte> buffer,
                                std::uint64_t offset) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const std::size_t got = TRY(sys::pread(file, buffer.subspan(done), offset + done));
        if (got == 0) break;
        done += got;
    }
    return done;
}

}  // namespace berth::layer
