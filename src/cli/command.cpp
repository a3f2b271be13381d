#include "cli/command.h"

#include <algorithm>

namespace berth::cli {

const Command* Command::find_child(std::string_view word) const {
    for (const Command& child : children) {
        if (child.name == word) return &child;
        if (std::find(child.aliases.begin(), child.aliases.end(), word) != child.aliases.end())
            return &child;
    }
    return nullptr;
}

}  // namespace berth::cli
