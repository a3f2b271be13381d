#pragma once
#include <string>
#include <string_view>

namespace berth::shim {

/// Finds the detach sequence in a client's input. A beginning of it is held back until it is clear
/// that it is none.
class DetachKeys {
public:
    explicit DetachKeys(std::string sequence) : sequence_(std::move(sequence)) {}

    struct Outcome {
        std::string input;  // what the container gets
        bool detached = false;
    };
    Outcome filter(std::string_view bytes);

private:
    std::string sequence_;
    std::size_t matched_ = 0;
};

}  // namespace berth::shim
