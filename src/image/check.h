#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace berth::image {

/// What a check of everything that is stored found.
struct CheckReport {
    struct Problem {
        std::string kind;     // "blob", "layer", "name" or "database"
        std::string subject;  // digest, name, or table
        std::string text;
        std::string repair;  // what was done about it, and what not; "" when nothing was tried
        bool is_repaired = false;
    };
    std::int64_t blobs = 0, layers = 0, images = 0;
    std::int64_t bytes = 0;  // that were read
    std::vector<Problem> problems;
};

}  // namespace berth::image
