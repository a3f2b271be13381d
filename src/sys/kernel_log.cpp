#include "sys/kernel_log.h"

#include <array>

#include "base/text.h"
#include "sys/file.h"

namespace berth::sys {
namespace {
constexpr std::size_t kept_bytes = 64 * 1024;
constexpr int max_records = 100'000;
}  // namespace

std::string read_kernel_log() {
    std::string out;
    const auto device = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
    if (!device) return out;
    std::array<std::byte, 8192> record;
    for (int i = 0; i < max_records; ++i) {
        const auto got = read(*device, record);
        if (!got) {
            // EPIPE: records were overwritten while we read; the next read goes on with the oldest
            // one left.
            if (got.error().error_number() == EPIPE) continue;
            break;
        }
        if (*got == 0) break;
        out.append(as_text(std::span(record).first(*got)));
        if (out.size() > 2 * kept_bytes) out.erase(0, out.size() - kept_bytes);
    }
    return out;
}

}  // namespace berth::sys
