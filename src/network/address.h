#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::network {

enum class Family : std::uint8_t { V4, V6 };

/// An IPv4 or IPv6 address as a value. The default one is the IPv4 wildcard 0.0.0.0.
class IpAddress {
public:
    /// The 128 bits of an IPv6 address, or the 32 of an IPv4 address, as a number.
    using Number = unsigned __int128;

    IpAddress() = default;
    IpAddress(Family family, Number number) : number_(number), family_(family) {}
    /// Dotted quad or RFC 4291 text, without zone and without brackets. InvalidArgument otherwise.
    static Result<IpAddress> parse(std::string_view text);
    static IpAddress v4(std::uint32_t number) { return {Family::V4, number}; }

    Family family() const { return family_; }
    bool is_v4() const { return family_ == Family::V4; }
    bool is_wildcard() const { return number_ == 0; }
    bool is_loopback() const { return is_v4() ? (number_ >> 24) == 127 : number_ == 1; }
    Number number() const { return number_; }
    int bits() const { return is_v4() ? 32 : 128; }
    /// The 4 or 16 bytes in network order.
    std::string bytes() const;
    std::string to_string() const;
    auto operator<=>(const IpAddress&) const = default;

private:
    Number number_ = 0;
    Family family_ = Family::V4;
};

/// An address with a prefix length: "172.17.0.0/16" as a subnet, or "172.17.0.2/16" as an
/// interface's address.
struct Prefix {
    IpAddress address;
    int length = 0;

    /// CIDR notation. InvalidArgument otherwise.
    static Result<Prefix> parse(std::string_view text);
    /// The subnet: host bits cleared.
    Prefix network() const;
    IpAddress first() const { return network().address; }
    /// The highest address, which in IPv4 is the broadcast address.
    IpAddress last() const;
    bool contains(const IpAddress& other) const;
    bool overlaps(const Prefix& other) const;
    std::string to_string() const;
    auto operator<=>(const Prefix&) const = default;
};

}  // namespace berth::network
