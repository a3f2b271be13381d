#pragma once
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

namespace detail {
inline void append_part(std::string& out, std::string_view part) { out.append(part); }
inline void append_part(std::string& out, char part) { out.push_back(part); }
template <std::integral T>
requires(!std::same_as<T, char>) void append_part(std::string& out, T part) {
    if constexpr (std::same_as<T, bool>) {
        out.append(part ? "true" : "false");
    } else {
        out.append(std::to_string(part));
    }
}
template <typename T>
requires requires(const T& part) {
    { part.to_string() } -> std::convertible_to<std::string>;
}
void append_part(std::string& out, const T& part) { out.append(part.to_string()); }
}  // namespace detail

/// Joins strings, characters, integers and anything with to_string() into one string.
template <typename... Parts>
std::string concat(const Parts&... parts) {
    std::string out;
    (detail::append_part(out, parts), ...);
    return out;
}

/// Splits at every `separator`; an empty text gives one empty field.
std::vector<std::string> split(std::string_view text, char separator);
/// Splits at the first `separator`; nullopt when there is none.
std::optional<std::pair<std::string_view, std::string_view>> split_once(std::string_view text,
                                                                        char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
/// Without leading and trailing ASCII white space.
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// The whole text as a decimal number; nullopt for anything else (sign only for signed types, no
/// spaces, in range).
std::optional<std::int64_t> parse_int(std::string_view text);
std::optional<std::uint64_t> parse_uint(std::string_view text);
/// An octal number such as a file mode.
std::optional<std::uint32_t> parse_octal(std::string_view text);

/// Lower-case hexadecimal.
std::string to_hex(std::span<const std::byte> bytes);
std::optional<std::vector<std::byte>> from_hex(std::string_view text);

/// The bytes of a text, and the text of bytes, without a copy.
inline std::span<const std::byte> as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The entry of `candidates` nearest to `word` by edit distance, when near enough to be a likely
/// typing mistake.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace berth
