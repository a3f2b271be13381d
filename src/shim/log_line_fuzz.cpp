#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "shim/log_line.h"

using namespace berth;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // Any line may be in a damaged log.
    if (const auto entry = shim::parse_log_line(text)) {
        std::string out;
        shim::append_log_line(out, entry->stream, entry->text, to_rfc3339(entry->time));
        const auto again = shim::parse_log_line(out);
        if (!again || again->time != entry->time || again->stream != entry->stream) std::abort();
    }
    // Any bytes may be a container's output; they make one line that can be read.
    std::string out;
    shim::append_log_line(out, 1, text, "2026-11-23T10:00:00Z");
    if (out.find('\n') != out.size() - 1 || !shim::parse_log_line(out)) std::abort();
    return 0;
}
