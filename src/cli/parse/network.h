#pragma once
#include <string>
#include <string_view>

#include "api/network.h"
#include "base/result.h"

namespace berth::cli {

/// --network: a name, or "name=web,alias=db,ip=10.1.0.5".
struct NetworkFlag {
    std::string name;
    api::EndpointSettings endpoint;
};
Result<NetworkFlag> parse_network(std::string_view text);

}  // namespace berth::cli
