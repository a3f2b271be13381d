#pragma once
#include <cerrno>

namespace berth::sys {

/// Calls again as long as a signal interrupts.
template <typename Call>
auto retry(Call call) {
    for (;;) {
        const auto outcome = call();
        if (outcome >= 0 || errno != EINTR) return outcome;
    }
}

}  // namespace berth::sys
