#include "runtime/command/arguments.h"

#include "base/text.h"

namespace berth::runtime {
namespace {

const FlagSpec* find_flag(std::span<const FlagSpec> flags, std::string_view name) {
    for (const auto& flag : flags) {
        if (flag.name == name || (name.size() == 1 && flag.letter == name.front())) return &flag;
    }
    return nullptr;
}

}  // namespace

Result<Arguments> Arguments::parse(std::span<const std::string> words,
                                   std::span<const FlagSpec> flags) {
    Arguments out;
    std::size_t at = 0;
    for (; at < words.size(); ++at) {
        std::string_view word = words[at];
        if (word == "--") {
            ++at;
            break;
        }
        if (word.size() < 2 || word.front() != '-') break;
        word.remove_prefix(word.starts_with("--") ? 2 : 1);
        const auto pair = split_once(word, '=');
        const std::string_view name = pair ? pair->first : word;
        const FlagSpec* flag = find_flag(flags, name);
        if (!flag)
            return fail(ErrorCode::InvalidArgument, "flag provided but not defined: -", name);
        std::string value = pair ? std::string(pair->second) : "true";
        if (flag->takes_value && !pair) {
            if (++at == words.size())
                return fail(ErrorCode::InvalidArgument, "flag needs an argument: -", name);
            value = words[at];
        }
        out.flags_.emplace_back(flag->name, std::move(value));
    }
    out.positional_.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
    return out;
}

bool Arguments::has(std::string_view name) const {
    for (const auto& [key, value] : flags_) {
        if (key == name) return value != "false";
    }
    return false;
}

std::string Arguments::value(std::string_view name, std::string_view fallback) const {
    std::string found(fallback);
    for (const auto& [key, value] : flags_) {
        if (key == name) found = value;
    }
    return found;
}

std::vector<std::string> Arguments::values(std::string_view name) const {
    std::vector<std::string> found;
    for (const auto& [key, value] : flags_) {
        if (key == name) found.push_back(value);
    }
    return found;
}

Result<unsigned> Arguments::number(std::string_view name, unsigned fallback) const {
    if (!has(name)) return fallback;
    const auto parsed = parse_uint(value(name));
    if (!parsed || *parsed > 1'000'000)
        return fail(ErrorCode::InvalidArgument, "--", name, " is not a number: ", value(name));
    return static_cast<unsigned>(*parsed);
}

}  // namespace berth::runtime
