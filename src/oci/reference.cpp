#include "oci/reference.h"

#include <algorithm>

#include "base/text.h"

namespace berth::oci {

namespace {

constexpr std::size_t max_name_bytes = 255;
constexpr std::string_view default_domain = "docker.io";

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alphanumeric(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

// [a-z0-9]+ joined by one of: '.', '_', "__", any number of '-'.
bool is_valid_component(std::string_view text) {
    std::size_t i = 0;
    while (true) {
        const std::size_t start = i;
        while (i < text.size() && is_lower_or_digit(text[i])) ++i;
        if (i == start) return false;
        if (i == text.size()) return true;
        const std::size_t separator = i;
        while (i < text.size() && !is_lower_or_digit(text[i])) ++i;
        const auto between = text.substr(separator, i - separator);
        const bool dashes = between.find_first_not_of('-') == std::string_view::npos;
        if (!dashes && between != "." && between != "_" && between != "__") return false;
    }
}

bool is_valid_host_label(std::string_view text) {
    if (text.empty() || text.front() == '-' || text.back() == '-') return false;
    return std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

bool is_valid_domain(std::string_view text) {
    std::string_view host = text;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos || end == 1) return false;
        const auto inner = text.substr(1, end - 1);
        if (inner.find_first_not_of("0123456789abcdefABCDEF:") != std::string_view::npos)
            return false;
        const auto rest = text.substr(end + 1);
        return rest.empty() ||
               (rest.starts_with(':') && parse_uint(rest.substr(1)).value_or(70'000) <= 65'535);
    }
    if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        const auto port = text.substr(colon + 1);
        if (port.empty() || parse_uint(port).value_or(70'000) > 65'535) return false;
        host = text.substr(0, colon);
    }
    for (const auto& label : split(host, '.'))
        if (!is_valid_host_label(label)) return false;
    return true;
}

bool is_hex(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

template <typename... Parts>
Error invalid(const Parts&... parts) {
    return fail(ErrorCode::InvalidArgument, "invalid reference format", parts...);
}

/// "host/path" or "path": a first part is a host when it has a '.' or ':', is "localhost", or has
/// capitals.
std::pair<std::string, std::string> split_domain(std::string_view name) {
    const auto slash = name.find('/');
    const auto first = name.substr(0, slash);
    const bool is_host =
        slash != std::string_view::npos && (first.find_first_of(".:") != std::string_view::npos ||
                                            first == "localhost" || to_lower(first) != first);
    std::string domain(is_host ? first : default_domain);
    std::string path(is_host ? name.substr(slash + 1) : name);
    if (domain == "index.docker.io") domain = default_domain;
    if (domain == default_domain && path.find('/') == std::string::npos) path = "library/" + path;
    return {std::move(domain), std::move(path)};
}

}  // namespace

bool is_valid_tag(std::string_view tag) {
    if (tag.empty() || tag.size() > 128 || tag.front() == '.' || tag.front() == '-') return false;
    return std::ranges::all_of(
        tag, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_valid_repository(std::string_view path) {
    if (path.empty() || path.size() > max_name_bytes) return false;
    const auto parts = split(path, '/');
    return std::ranges::all_of(parts,
                               [](const std::string& part) { return is_valid_component(part); });
}

bool looks_like_id(std::string_view text) {
    return text.size() >= 4 && text.size() <= 64 && is_hex(text);
}

Result<Reference> Reference::parse(std::string_view text) {
    if (text.empty()) return invalid(": the name is empty");
    if (text.size() > 1024) return invalid(": the name is too long");
    if (text.size() == 64 && is_hex(text))
        return fail(ErrorCode::InvalidArgument, "invalid repository name (", text,
                    "), cannot specify 64-byte hexadecimal strings");
    Reference out;
    std::string_view name = text;
    if (const auto at = name.find('@'); at != std::string_view::npos) {
        auto digest = Digest::parse(name.substr(at + 1));
        if (!digest) return invalid(": ", digest.error().message());
        out.digest_ = std::move(*digest);
        name = name.substr(0, at);
    }
    const auto slash = name.rfind('/');
    const auto colon = name.rfind(':');
    if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
        out.tag_ = name.substr(colon + 1);
        if (!is_valid_tag(out.tag_)) return invalid(": invalid tag \"", out.tag_, "\"");
        name = name.substr(0, colon);
    }
    auto [domain, path] = split_domain(name);
    const auto familiar_path =
        domain == default_domain && path.starts_with("library/") ? path.substr(8) : path;
    if (path.empty() || familiar_path.empty()) return invalid(": the name is empty");
    if (to_lower(path) != path)
        return invalid(": repository name (", familiar_path, ") must be lowercase");
    if (!is_valid_domain(domain)) return invalid(": invalid host \"", domain, "\"");
    if (!is_valid_repository(path))
        return invalid(": invalid repository name \"", familiar_path, "\"");
    out.domain_ = std::move(domain);
    out.path_ = std::move(path);
    if (out.name().size() > max_name_bytes)
        return fail(ErrorCode::InvalidArgument,
                    "repository name must not be more than 255 characters");
    return out;
}

Reference Reference::of(std::string domain, std::string path, std::string tag, Digest digest) {
    Reference out;
    out.domain_ = std::move(domain);
    out.path_ = std::move(path);
    out.tag_ = std::move(tag);
    out.digest_ = std::move(digest);
    return out;
}

std::string Reference::familiar_name() const {
    if (domain_ != default_domain) return name();
    // "docker.io/library/a.b/c" cannot be shortened: its first part would read as a host.
    return path_.starts_with("library/") && path_.find('/', 8) == std::string::npos
               ? path_.substr(8)
               : path_;
}

namespace {
std::string with_version(std::string name, const std::string& tag, const Digest& digest) {
    if (!tag.empty()) name += ":" + tag;
    if (!digest.is_empty()) name += "@" + digest.to_string();
    return name;
}
}  // namespace

std::string Reference::familiar() const { return with_version(familiar_name(), tag_, digest_); }
std::string Reference::to_string() const { return with_version(name(), tag_, digest_); }

Reference Reference::with_default_tag() const {
    return has_tag() || has_digest() ? *this : with_tag("latest");
}
Reference Reference::with_tag(std::string tag) const { return of(domain_, path_, std::move(tag)); }
Reference Reference::with_digest(Digest digest) const {
    return of(domain_, path_, {}, std::move(digest));
}
Reference Reference::without_version() const { return of(domain_, path_, {}); }

}  // namespace berth::oci
