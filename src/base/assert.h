#pragma once

namespace berth {
/// Prints the broken invariant to stderr and aborts. Input can never trigger it.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}  // namespace berth

// Active in release builds too: a broken invariant is a bug, and going on would damage data.
#define BERTH_ASSERT(expression)         \
    ((expression) ? static_cast<void>(0) \
                  : ::berth::assertion_failed(#expression, __FILE__, __LINE__))
