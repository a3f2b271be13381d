#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::cli {

/// Watches what is typed for a sequence such as ctrl-p,ctrl-q that leaves the container running.
class DetachKeys {
public:
    /// "ctrl-p,ctrl-q", "a,b"; "" is Docker's default. InvalidArgument names the key.
    static Result<DetachKeys> parse(std::string_view text);

    /// What of `typed` goes on to the container. Keys that may begin the sequence are held back
    /// until the next ones decide.
    std::string filter(std::string_view typed);
    bool is_complete() const { return matched_ == sequence_.size(); }

private:
    explicit DetachKeys(std::string sequence) : sequence_(std::move(sequence)) {}
    std::string sequence_;
    std::size_t matched_ = 0;
};

}  // namespace berth::cli
