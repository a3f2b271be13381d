#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "codec/ignore_pattern.h"

// The normal form of accepted patterns is accepted and decides alike; a skipped directory hides
// nothing that is kept.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using berth::codec::IgnorePatterns;
    const auto patterns = IgnorePatterns::parse({reinterpret_cast<const char*>(data), size});
    if (!patterns) return 0;
    const auto again = IgnorePatterns::of(patterns->to_strings());
    BERTH_ASSERT(static_cast<bool>(again));
    for (const std::string_view path : {"a", "a/b", "a/b/c.go", "src/main.c", "x/.git/y"}) {
        BERTH_ASSERT(again->excludes(path) == patterns->excludes(path));
        const auto slash = path.rfind('/');
        if (slash != std::string_view::npos && patterns->can_skip_directory(path.substr(0, slash)))
            BERTH_ASSERT(patterns->excludes(path));
    }
    return 0;
}
