#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/connection.h"

namespace berth::client {

/// Where berthd listens when nothing else is said.
inline constexpr std::string_view default_host = "unix:///run/berth/berth.sock";

/// What a choice of host depends on, beside the flag.
using Environment = std::map<std::string, std::string>;

/// The engine to talk to: `flag` (-H), else $BERTH_HOST, else $DOCKER_HOST, else the default. With
/// $DOCKER_TLS_VERIFY set, TCP means TLS with the files of $DOCKER_CERT_PATH. InvalidArgument names
/// what is wrong.
Result<http::Endpoint> choose_host(std::string_view flag, const Environment& environment);

}  // namespace berth::client
