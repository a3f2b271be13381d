#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::client {

/// Where an engine listens: unix:///run/berth/berth.sock or tcp://127.0.0.1:2375.
struct Host {
    enum class Kind : std::uint8_t { Unix, Tcp };
    Kind kind = Kind::Unix;
    std::string path;     ///< of the socket, for Unix
    std::string address;  ///< name or address, for Tcp; without brackets
    std::uint16_t port = 0;

    /// Unsupported for schemes other than unix, tcp and http; InvalidArgument for anything else that is wrong.
    static Result<Host> parse(std::string_view text);
    std::string to_string() const;
    bool operator==(const Host&) const = default;
};

/// Where berthd listens when nothing else is said.
inline constexpr std::string_view default_host = "unix:///run/berth/berth.sock";

/// The host to talk to: `flag` (-H), else $BERTH_HOST, else $DOCKER_HOST, else the default. `environment` maps names to
/// values.
Result<Host> choose_host(std::string_view flag, const std::map<std::string, std::string>& environment);

}  // namespace berth::client
