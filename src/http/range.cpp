#include "http/range.h"

#include <algorithm>

#include "base/text.h"

namespace berth::http {

RangeOutcome parse_range(std::string_view header, std::uint64_t size, ByteRange& out) {
    out = {0, size};
    header = trim(header);
    if (!header.starts_with("bytes=")) return RangeOutcome::Whole;
    const auto pair = split_once(header.substr(6), '-');
    if (!pair || header.find(',') != std::string_view::npos) return RangeOutcome::Whole;
    const auto first_text = trim(pair->first), last_text = trim(pair->second);
    if (first_text.empty()) {  // the last n bytes
        const auto count = parse_uint(last_text);
        if (!count) return RangeOutcome::Whole;
        if (*count == 0 || size == 0) return RangeOutcome::Unsatisfiable;
        out.length = std::min(*count, size);
        out.offset = size - out.length;
        return RangeOutcome::Partial;
    }
    const auto first = parse_uint(first_text);
    const auto last =
        last_text.empty() ? std::optional<std::uint64_t>(UINT64_MAX) : parse_uint(last_text);
    if (!first || !last || *last < *first) return RangeOutcome::Whole;
    if (*first >= size) return RangeOutcome::Unsatisfiable;
    out.offset = *first;
    out.length = std::min(*last, size - 1) - *first + 1;
    return RangeOutcome::Partial;
}

}  // namespace berth::http
