#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::cli {

/// One published port: "127.0.0.1:8080:80/tcp" taken apart.
struct PublishedPort {
    std::string host_ip;
    std::string host_port;       ///< "8080", "8000-8010" (any of these), or "" for a free one
    std::string container_port;  ///< "80/tcp"
    bool operator==(const PublishedPort&) const = default;
};

/// [[HOST_IP:]HOST_PORT[-LAST]:]PORT[-LAST][/PROTOCOL]; ranges of equal length become one entry for
/// each port. InvalidArgument names the part that is wrong.
Result<std::vector<PublishedPort>> parse_published(std::string_view text);
/// --expose: "80", "80/udp", "3000-3010/tcp".
Result<std::vector<std::string>> parse_exposed(std::string_view text);

}  // namespace berth::cli
