#include "registry/htpasswd.h"

#include <crypt.h>

#include <memory>

#include "base/random.h"
#include "codec/base64.h"
#include "codec/sha256.h"

namespace berth::registry {

namespace {

/// Whether crypt(3) turns the password into this hash. Takes the same time wherever they differ.
bool is_hash_of(const std::string& password, const std::string& hash) {
    const auto data = std::make_unique<crypt_data>();
    const char* computed = crypt_r(password.c_str(), hash.c_str(), data.get());
    if (computed == nullptr || computed[0] == '*') return false;
    const std::string_view result(computed);
    if (result.size() != hash.size()) return false;
    unsigned char difference = 0;
    for (std::size_t i = 0; i < hash.size(); ++i)
        difference |= static_cast<unsigned char>(result[i] ^ hash[i]);
    return difference == 0;
}

// For unknown users, so that they take as long as known ones. Hash of a random password nobody has.
const std::string nobody = "$2y$05$abcdefghijklmnopqrstuuKq8dC1vIwFvW1Jm3yGm2Jx6B6kF1bGe";

const std::string& process_salt() {
    static const std::string salt = random_hex(16);
    return salt;
}

}  // namespace

Result<Htpasswd> Htpasswd::parse(std::string_view text) {
    Htpasswd out;
    std::size_t number = 0;
    for (const auto& line : split(text, '\n')) {
        ++number;
        const auto content = trim(line);
        if (content.empty() || content.starts_with('#')) continue;
        const auto pair = split_once(content, ':');
        if (!pair || pair->first.empty() || !pair->second.starts_with('$'))
            return fail(ErrorCode::InvalidArgument, "line ", number, ": expected user:$2y$...")
                .with_hint("make it with: htpasswd -Bbn USER PASSWORD");
        out.hashes_[std::string(pair->first)] = pair->second;
    }
    return out;
}

bool Htpasswd::check(const std::string& user, const std::string& password) const {
    const auto it = hashes_.find(user);
    const std::string& hash = it == hashes_.end() ? nobody : it->second;
    const std::string key =
        codec::sha256_hex(as_bytes(concat(process_salt(), user.size(), user, password, hash)));
    if (accepted_->lock()->contains(key)) return true;
    if (!is_hash_of(password, hash) || it == hashes_.end()) return false;
    auto accepted = accepted_->lock();
    if (accepted->size() < 10'000) accepted->insert(key);
    return true;
}

bool Htpasswd::check_header(std::string_view authorization) const {
    const auto parts = split_once(authorization, ' ');
    if (!parts || to_lower(parts->first) != "basic") return false;
    const auto decoded = codec::decode_base64(trim(parts->second));
    if (!decoded) return false;
    const auto pair = split_once(*decoded, ':');
    return pair && check(std::string(pair->first), std::string(pair->second));
}

}  // namespace berth::registry
