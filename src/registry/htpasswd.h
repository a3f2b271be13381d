#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "base/result.h"

namespace berth::registry {

/// Users and password hashes, as `htpasswd -B` writes them (bcrypt, and whatever else crypt(3)
/// knows).
class Htpasswd {
public:
    /// InvalidArgument names the line that is wrong.
    static Result<Htpasswd> parse(std::string_view text);
    /// Takes as long as the hash is meant to take, the first time; accepted pairs are remembered
    /// (hashed). Thread-safe.
    bool check(const std::string& user, const std::string& password) const;
    /// For the value of an Authorization header with the scheme Basic.
    bool check_header(std::string_view authorization) const;

private:
    std::map<std::string, std::string> hashes_;
    // Held by pointer so that the class can move.
    std::unique_ptr<Guarded<std::set<std::string>>> accepted_ =
        std::make_unique<Guarded<std::set<std::string>>>();
};

}  // namespace berth::registry
