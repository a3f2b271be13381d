#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::remote {

/// One way to authenticate that a server offers. RFC 9110 11.6.1.
struct Challenge {
    std::string scheme;                                           // lower case: "bearer", "basic"
    std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case
    /// The parameter's value, or "".
    std::string get(std::string_view name) const;
};

/// Reads the value of a WWW-Authenticate header, which may hold several challenges. What cannot be
/// read is left out.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace berth::remote
