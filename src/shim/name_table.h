#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shim/dns_message.h"
#include "shim/protocol.h"

namespace berth::shim {

/// What the resolver knows by itself: the names of the containers on this container's networks.
class NameTable {
public:
    NameTable() = default;
    explicit NameTable(const Names& names);

    /// nullopt when somebody else has to be asked. Several addresses of one name are rotated from
    /// answer to answer.
    std::optional<DnsAnswer> answer(const DnsQuestion& question);
    const std::vector<std::string>& servers() const { return servers_; }

private:
    std::map<std::string, std::vector<std::string>, std::less<>> addresses_;  // by lower-case name
    std::map<std::string, std::string, std::less<>> names_;                   // by address bytes
    std::vector<std::string> servers_;
    std::size_t rotation_ = 0;
};

}  // namespace berth::shim
