#pragma once
#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::oci {

/// "sha256:<64 lower-case hex>" (or sha512): what content is called. image-spec v1.1, descriptor.md
/// "Digests".
class Digest {
public:
    Digest() = default;
    /// Fails with InvalidArgument for an unknown algorithm, a wrong length or upper-case
    /// hexadecimal.
    static Result<Digest> parse(std::string_view text);
    /// The digest of `bytes` with sha256.
    static Digest of(std::string_view bytes);
    /// From 64 hexadecimal characters that a hash of ours produced.
    static Digest from_sha256_hex(std::string_view hex);

    bool is_empty() const { return text_.empty(); }
    std::string_view algorithm() const {
        return std::string_view(text_).substr(0, text_.find(':'));
    }
    std::string_view hex() const { return std::string_view(text_).substr(text_.find(':') + 1); }
    /// The first 12 hexadecimal characters, as lists show them.
    std::string short_hex() const { return std::string(hex().substr(0, 12)); }
    const std::string& to_string() const { return text_; }
    auto operator<=>(const Digest&) const = default;

private:
    explicit Digest(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

}  // namespace berth::oci

template <>
struct std::hash<berth::oci::Digest> {
    std::size_t operator()(const berth::oci::Digest& digest) const noexcept {
        return std::hash<std::string>{}(digest.to_string());
    }
};
