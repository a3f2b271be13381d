#include "cli/flags.h"

#include <cstdlib>

#include "base/clock.h"
#include "cli/units.h"

namespace berth::cli {

namespace {

std::optional<bool> parse_bool(std::string_view text) {
    const std::string lower = to_lower(text);
    if (lower == "true" || lower == "1" || lower == "t") return true;
    if (lower == "false" || lower == "0" || lower == "f") return false;
    return std::nullopt;
}

std::optional<double> parse_real(const std::string& text) {
    if (text.empty() || (std::isdigit(static_cast<unsigned char>(text[0])) == 0 && text[0] != '.' &&
                         text[0] != '-')) {
        return std::nullopt;
    }
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end != text.c_str() + text.size()) return std::nullopt;
    return value;
}

std::string_view complaint(FlagKind kind, const std::string& value) {
    switch (kind) {
        case FlagKind::Bool: return parse_bool(value) ? "" : "neither true nor false";
        case FlagKind::Number: return parse_int(value) ? "" : "not a whole number";
        case FlagKind::Real: return parse_real(value) ? "" : "not a number";
        case FlagKind::Bytes:
            return value == "-1" || parse_bytes(value) ? "" : "not a size such as 512m or 2g";
        case FlagKind::Duration:
            return parse_duration(value) ? "" : "not a duration such as 30s or 1m30s";
        case FlagKind::Text:
        case FlagKind::List: return "";
    }
    return "";
}

const Flag* find_long(std::span<const Flag> flags, std::string_view name) {
    for (const Flag& flag : flags) {
        if (flag.name == name || (!flag.alias.empty() && flag.alias == name)) return &flag;
    }
    return nullptr;
}

const Flag* find_letter(std::span<const Flag> flags, char letter) {
    for (const Flag& flag : flags) {
        if (flag.letter == letter) return &flag;
    }
    return nullptr;
}

Error unknown_flag(std::span<const Flag> flags, std::string_view name) {
    std::vector<std::string> names;
    for (const Flag& flag : flags) {
        if (!flag.hidden) names.emplace_back(flag.name);
    }
    auto error = fail(ErrorCode::InvalidArgument, "unknown flag: --", name);
    if (auto close = nearest(name, names))
        return std::move(error).with_hint(concat("did you mean --", *close, "?"));
    return error;
}

class Parser {
public:
    Parser(std::span<const Flag> flags, std::span<const std::string> words)
        : flags_(flags), words_(words) {}

    Result<> run(bool stop_at_first, std::vector<std::string>& arguments) {
        while (at_ < words_.size()) {
            const std::string& word = words_[at_++];
            if (word == "--") {
                arguments.insert(arguments.end(), words_.begin() + at_, words_.end());
                return {};
            }
            if (word.starts_with("--")) {
                TRY(take_long(std::string_view(word).substr(2)));
            } else if (word.starts_with('-') && word.size() > 1) {
                TRY(take_letters(std::string_view(word).substr(1)));
            } else {
                arguments.push_back(word);
                if (!stop_at_first) continue;
                arguments.insert(arguments.end(), words_.begin() + at_, words_.end());
                return {};
            }
        }
        return {};
    }

    std::map<std::string, std::vector<std::string>, std::less<>> values;

private:
    Result<> store(const Flag& flag, std::string_view shown, std::string value) {
        if (const auto problem = complaint(flag.kind, value); !problem.empty()) {
            return fail(ErrorCode::InvalidArgument, "invalid value \"", value, "\" for ", shown,
                        ": ", problem);
        }
        values[std::string(flag.name)].push_back(std::move(value));
        return {};
    }

    Result<std::string> next_value(std::string_view shown) {
        if (at_ >= words_.size())
            return fail(ErrorCode::InvalidArgument, "flag needs an argument: ", shown);
        return words_[at_++];
    }

    Result<> take_long(std::string_view text) {
        const auto equals = text.find('=');
        const auto name = text.substr(0, equals);
        const Flag* flag = find_long(flags_, name);
        if (flag == nullptr) return unknown_flag(flags_, name);
        const std::string shown = concat("--", name);
        if (equals != std::string_view::npos)
            return store(*flag, shown, std::string(text.substr(equals + 1)));
        if (flag->kind == FlagKind::Bool) return store(*flag, shown, "true");
        return store(*flag, shown, TRY(next_value(shown)));
    }

    // "-it", "-p80:80", "-p=80:80", "-p 80:80"
    Result<> take_letters(std::string_view text) {
        while (!text.empty()) {
            const char letter = text.front();
            text.remove_prefix(1);
            const Flag* flag = find_letter(flags_, letter);
            const std::string shown = concat("-", letter);
            if (flag == nullptr)
                return fail(ErrorCode::InvalidArgument, "unknown shorthand flag: '", letter, "'");
            const bool has_equals = text.starts_with('=');
            if (flag->kind == FlagKind::Bool && !has_equals) {
                TRY(store(*flag, shown, "true"));
                continue;
            }
            if (text.empty()) return store(*flag, shown, TRY(next_value(shown)));
            return store(*flag, shown, std::string(has_equals ? text.substr(1) : text));
        }
        return {};
    }

    std::span<const Flag> flags_;
    std::span<const std::string> words_;
    std::size_t at_ = 0;
};

}  // namespace

Result<Flags> parse_flags(std::span<const Flag> flags, std::span<const std::string> words,
                          bool stop_at_first) {
    Flags out;
    Parser parser(flags, words);
    TRY(parser.run(stop_at_first, out.arguments_));
    out.values_ = std::move(parser.values);
    for (const Flag& flag : flags) {
        if (!flag.fallback.empty())
            out.fallbacks_[std::string(flag.name)] = std::string(flag.fallback);
    }
    return out;
}

std::string Flags::text(std::string_view name) const {
    if (const auto found = values_.find(name); found != values_.end()) return found->second.back();
    const auto fallback = fallbacks_.find(name);
    return fallback == fallbacks_.end() ? std::string() : fallback->second;
}

bool Flags::is_set(std::string_view name) const { return parse_bool(text(name)).value_or(false); }

std::optional<std::int64_t> Flags::number(std::string_view name) const {
    return parse_int(text(name));
}

std::optional<double> Flags::real(std::string_view name) const { return parse_real(text(name)); }

std::optional<std::int64_t> Flags::bytes(std::string_view name) const {
    const std::string value = text(name);
    if (value == "-1") return -1;
    return parse_bytes(value);
}

std::optional<std::int64_t> Flags::nanoseconds(std::string_view name) const {
    const auto duration = parse_duration(text(name));
    if (!duration) return std::nullopt;
    return duration->count();
}

std::vector<std::string> Flags::list(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>() : found->second;
}

}  // namespace berth::cli
