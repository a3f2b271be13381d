#include "compose/sources.h"

namespace berth::compose {

Error Sources::refuse(const codec::TextPosition& at, std::string_view message) const {
    const auto found = texts_.find(at.file);
    const std::string_view text =
        found == texts_.end() ? std::string_view() : std::string_view(found->second);
    return Error(ErrorCode::InvalidArgument, codec::point_at(text, at, message));
}

std::string Sources::place(const codec::TextPosition& at, std::string_view message) const {
    return at.file.empty() ? std::string(message) : concat(at.to_string(), ": ", message);
}

}  // namespace berth::compose
