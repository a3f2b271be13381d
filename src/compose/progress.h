#pragma once
#include <functional>
#include <string>

namespace berth::compose {

/// Something that happened to one object of a project, for the user's eyes: {"Container",
/// "shop-api-1", "Started"}.
struct Progress {
    std::string kind;
    std::string name;
    std::string status;
    /// The step is over: a bar or a spinner may stop.
    bool is_final = false;
    bool is_error = false;
};

/// Called from several threads, but never by two at once.
using ProgressSink = std::function<void(const Progress&)>;

}  // namespace berth::compose
