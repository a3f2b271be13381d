#include "daemon/stream_type.h"

#include "base/text.h"

namespace berth::daemon {

std::optional<std::string> parse_detach_keys(std::string_view text) {
    std::string keys;
    for (const auto& key : split(text, ',')) {
        if (key.size() == 1) {
            keys += key[0];
        } else if (key.size() == 6 && to_lower(key.substr(0, 5)) == "ctrl-") {
            const char c = to_lower(key)[5];
            const std::string_view others = "@[\\]^_";
            if (c >= 'a' && c <= 'z')
                keys += static_cast<char>(c - 'a' + 1);
            else if (c == '@')
                keys += '\0';
            else if (const auto at = others.find(c); at != std::string_view::npos)
                keys += static_cast<char>(26 + at);
            else
                return std::nullopt;
        } else {
            return std::nullopt;
        }
    }
    return keys;
}

}  // namespace berth::daemon
