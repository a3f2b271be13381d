#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::api {

/// One line of the JSON streams that pull, push, load, import and build answer with. Empty members
/// are left out.
struct ProgressMessage {
    std::string stream;                   // a build's output
    std::string status;                   // "Downloading"
    std::string id;                       // what it is about, a short layer digest
    std::int64_t current = 0, total = 0;  // bytes
    std::string error;
    int error_code = 0;
    /// A JSON document, e.g. {"ID":"sha256:..."}.
    std::string aux;

    /// One line with its line end (CR LF, as Docker).
    std::string to_line() const;
    static Result<ProgressMessage> parse(std::string_view line);
};

}  // namespace berth::api
