#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::build {

/// What --chmod asks for: "0644", "644", or chmod(1)'s symbols "u=rwX,go+r".
class ModeChange {
public:
    /// InvalidArgument for anything else. An empty text changes nothing.
    static Result<ModeChange> parse(std::string_view text);
    /// The new twelve permission bits.
    mode_t apply(mode_t mode, bool is_directory) const;
    bool is_empty() const { return clauses_.empty() && !absolute_; }

private:
    struct Clause {
        unsigned who;    // bits 4 user, 2 group, 1 other
        char operation;  // + - =
        unsigned bits;   // rwx as 4 2 1
        bool conditional_execute = false, set_id = false, sticky = false;
    };
    bool absolute_ = false;
    mode_t mode_ = 0;
    std::vector<Clause> clauses_;
};

}  // namespace berth::build
