#include "shim/detach_keys.h"

namespace berth::shim {

DetachKeys::Outcome DetachKeys::filter(std::string_view bytes) {
    Outcome outcome;
    if (sequence_.empty()) {
        outcome.input = bytes;
        return outcome;
    }
    for (const char byte : bytes) {
        if (byte == sequence_[matched_]) {
            if (++matched_ < sequence_.size()) continue;
            outcome.detached = true;
            return outcome;
        }
        outcome.input.append(sequence_, 0, matched_);
        matched_ = byte == sequence_[0] ? 1 : 0;
        if (matched_ == 0) outcome.input.push_back(byte);
    }
    return outcome;
}

}  // namespace berth::shim
