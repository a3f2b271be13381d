#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace berth {

void assertion_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "berth: assertion failed: %s at %s:%d\n", expression, file, line);
    std::abort();
}

}  // namespace berth
