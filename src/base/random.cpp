#include "base/random.h"

#include <sys/random.h>

#include <vector>

#include "base/assert.h"
#include "base/text.h"

namespace berth {

std::string random_hex(std::size_t bytes) {
    std::vector<std::byte> buffer(bytes);
    std::size_t filled = 0;
    while (filled < bytes) {
        const ssize_t got = getrandom(buffer.data() + filled, bytes - filled, 0);
        if (got > 0) filled += static_cast<std::size_t>(got);
        BERTH_ASSERT(got > 0 || errno == EINTR);
    }
    return to_hex(buffer);
}

}  // namespace berth
