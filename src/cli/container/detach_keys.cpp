#include "cli/container/detach_keys.h"

namespace berth::cli {

Result<DetachKeys> DetachKeys::parse(std::string_view text) {
    std::string sequence;
    for (const auto& key : split(text.empty() ? "ctrl-p,ctrl-q" : text, ',')) {
        const std::string lower = to_lower(key);
        if (key.size() == 1) {
            sequence += key;
        } else if (lower.starts_with("ctrl-") && lower.size() == 6 &&
                   ((lower[5] >= 'a' && lower[5] <= 'z') || (lower[5] >= '@' && lower[5] <= '_'))) {
            sequence += static_cast<char>(lower[5] >= 'a' ? lower[5] - 'a' + 1 : lower[5] - '@');
        } else {
            return fail(ErrorCode::InvalidArgument, "unknown detach key \"", key, "\"")
                .with_hint("keys are letters or ctrl-LETTER, such as ctrl-p,ctrl-q");
        }
    }
    return DetachKeys(std::move(sequence));
}

std::string DetachKeys::filter(std::string_view typed) {
    std::string out;
    for (const char key : typed) {
        if (is_complete()) break;
        if (key == sequence_[matched_]) {
            ++matched_;
            continue;
        }
        out += sequence_.substr(0, matched_);
        matched_ = key == sequence_[0] ? 1 : 0;
        if (matched_ == 0) out += key;
    }
    return out;
}

}  // namespace berth::cli
