#include "cli/parse/mount.h"

// Targets are absolute, sources of binds too, and a volume reads back from its own text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto volume = cli::parse_volume(text, "/work", "/home")) {
        BERTH_ASSERT(volume->target.starts_with('/'));
        if (!volume->source.empty() && volume->options.find(':') == std::string::npos) {
            auto again = cli::parse_volume(volume->to_string(), "/work", "/home");
            BERTH_ASSERT(again && *again == *volume);
        }
    }
    if (auto mount = cli::parse_mount(text, "/work")) {
        BERTH_ASSERT(!mount->target.empty());
        BERTH_ASSERT(mount->type != "bind" || mount->source.starts_with('/'));
    }
    return 0;
}
