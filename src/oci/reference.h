#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/digest.h"

namespace berth::oci {

/// A name for an image, complete: "docker.io/library/debian:bookworm",
/// "localhost:5000/a/b@sha256:...". distribution-spec v1.1 "Pulling manifests", and Docker's rules
/// for what may be left out.
class Reference {
public:
    /// Understands what Docker's users type: "debian", "user/app:1", "host:5000/app@sha256:...". A
    /// missing host is docker.io (and "library/" for one-part names). InvalidArgument "invalid
    /// reference format" with the reason.
    static Result<Reference> parse(std::string_view text);
    /// From parts that were checked before.
    static Reference of(std::string domain, std::string path, std::string tag, Digest digest = {});

    const std::string& domain() const { return domain_; }  // "docker.io", "localhost:5000"
    const std::string& path() const { return path_; }      // "library/debian"
    const std::string& tag() const { return tag_; }        // "" when none
    const Digest& digest() const { return digest_; }       // empty when none
    bool has_tag() const { return !tag_.empty(); }
    bool has_digest() const { return !digest_.is_empty(); }

    /// "docker.io/library/debian".
    std::string name() const { return domain_ + "/" + path_; }
    /// As people write it: "debian".
    std::string familiar_name() const;
    /// "debian:bookworm", "debian@sha256:...", "debian:bookworm@sha256:...".
    std::string familiar() const;
    /// Complete: "docker.io/library/debian:bookworm".
    std::string to_string() const;

    /// With ":latest" when there is neither tag nor digest.
    Reference with_default_tag() const;
    Reference with_tag(std::string tag) const;
    Reference with_digest(Digest digest) const;
    /// Only the name.
    Reference without_version() const;

    bool operator==(const Reference&) const = default;

private:
    std::string domain_, path_, tag_;
    Digest digest_;
};

bool is_valid_tag(std::string_view tag);
/// A repository's path as registries see it: "library/debian".
bool is_valid_repository(std::string_view path);
/// Whether the text can be a (shortened) id: 4 to 64 hexadecimal characters.
bool looks_like_id(std::string_view text);

}  // namespace berth::oci
