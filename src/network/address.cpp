#include "network/address.h"

#include <arpa/inet.h>

#include <array>

#include "base/text.h"

namespace berth::network {

namespace {
// The `length` highest of `bits` bits.
IpAddress::Number mask_of(int bits, int length) {
    IpAddress::Number all =
        bits == 128 ? ~IpAddress::Number{0} : (IpAddress::Number{1} << bits) - 1;
    IpAddress::Number host =
        bits - length == 128 ? all : (IpAddress::Number{1} << (bits - length)) - 1;
    return all & ~host;
}
}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
    std::string zero_terminated(text);
    std::array<unsigned char, 16> bytes{};
    Family family = text.find(':') == std::string_view::npos ? Family::V4 : Family::V6;
    if (zero_terminated.size() != text.size() || text.find('\0') != std::string_view::npos ||
        ::inet_pton(family == Family::V4 ? AF_INET : AF_INET6, zero_terminated.c_str(),
                    bytes.data()) != 1) {
        return fail(ErrorCode::InvalidArgument, "invalid IP address: ", text);
    }
    Number number = 0;
    for (int i = 0; i < (family == Family::V4 ? 4 : 16); ++i)
        number = (number << 8) | bytes[static_cast<std::size_t>(i)];
    return IpAddress(family, number);
}

std::string IpAddress::bytes() const {
    std::string out;
    for (int shift = bits() - 8; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>((number_ >> shift) & 0xff));
    return out;
}

std::string IpAddress::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    std::string raw = bytes();
    ::inet_ntop(is_v4() ? AF_INET : AF_INET6, raw.data(), text.data(), text.size());
    return text.data();
}

Result<Prefix> Prefix::parse(std::string_view text) {
    auto parts = split_once(text, '/');
    if (!parts) return fail(ErrorCode::InvalidArgument, "invalid CIDR address: ", text);
    auto address = IpAddress::parse(parts->first);
    auto length = parse_uint(parts->second);
    if (address.is_error() || !length || *length > static_cast<unsigned>(address->bits())) {
        return fail(ErrorCode::InvalidArgument, "invalid CIDR address: ", text);
    }
    return Prefix{*address, static_cast<int>(*length)};
}

Prefix Prefix::network() const {
    return {IpAddress(address.family(), address.number() & mask_of(address.bits(), length)),
            length};
}

IpAddress Prefix::last() const {
    auto all = mask_of(address.bits(), address.bits());
    return {address.family(), address.number() | (all & ~mask_of(address.bits(), length))};
}

bool Prefix::contains(const IpAddress& other) const {
    return other.family() == address.family() && Prefix{other, length}.first() == first();
}

bool Prefix::overlaps(const Prefix& other) const {
    return contains(other.first()) || other.contains(first());
}

std::string Prefix::to_string() const { return concat(address.to_string(), '/', length); }

}  // namespace berth::network
