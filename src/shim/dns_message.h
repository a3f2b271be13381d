#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::shim {

/// The parts of a DNS query that the resolver acts on. RFC 1035 4.1.
struct DnsQuestion {
    std::uint16_t id = 0;
    bool recursion_desired = false;
    std::string name;  // lower case, without the final dot
    std::uint16_t type = 0;
    std::uint16_t record_class = 0;
    std::size_t end = 0;  // where the question section ends in the message
};

inline constexpr std::uint16_t dns_type_a = 1;
inline constexpr std::uint16_t dns_type_ptr = 12;
inline constexpr std::uint16_t dns_type_aaaa = 28;
inline constexpr std::uint16_t dns_type_any = 255;

enum class DnsCode : std::uint8_t {
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NameError = 3,
    NotImplemented = 4
};

/// Reads a standard query with exactly one question; nullopt for everything else. Never reads
/// beyond `message`.
std::optional<DnsQuestion> parse_dns_query(std::span<const std::byte> message);

/// An answer to `question`, whose message was `query`: `addresses` (4 or 16 bytes each) of the
/// asked family, or `target` for a PTR question. TTL is `ttl` seconds.
struct DnsAnswer {
    DnsCode code = DnsCode::NoError;
    std::vector<std::string> addresses;
    std::string target;
    std::uint32_t ttl = 600;
};
std::string make_dns_response(std::span<const std::byte> query, const DnsQuestion& question,
                              const DnsAnswer& answer, std::size_t max_bytes);

/// "4.3.2.1.in-addr.arpa" and the ip6.arpa form to the address bytes; nullopt for other names.
std::optional<std::string> parse_reverse_name(std::string_view name);

}  // namespace berth::shim
