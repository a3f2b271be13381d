#include "compose/interpolate.h"

namespace berth::compose {

namespace {

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

class Expander {
public:
    Expander(const Environment& environment, Warnings& warnings)
        : environment_(environment), warnings_(warnings) {}

    Result<std::string> expand(std::string_view text, int depth = 0) {
        if (depth > 16)
            return fail(ErrorCode::InvalidArgument, "variables are nested deeper than 16 levels");
        std::string out;
        while (!text.empty()) {
            const auto dollar = text.find('$');
            out.append(text.substr(0, dollar));
            if (dollar == std::string_view::npos) break;
            text.remove_prefix(dollar + 1);
            if (text.starts_with('$')) {
                out += '$';
                text.remove_prefix(1);
            } else if (text.starts_with('{')) {
                const std::size_t end = TRY(closing_brace(text));
                out += TRY(expand_braced(text.substr(1, end - 1), depth));
                text.remove_prefix(end + 1);
            } else if (!text.empty() && is_name_start(text.front())) {
                const auto name = take_name(text);
                out += value_of(name);
            } else {
                return fail(ErrorCode::InvalidArgument,
                            "invalid interpolation: \"$\" needs a name or a brace behind it");
            }
        }
        return out;
    }

private:
    // `text` starts with "{"; braces nest only behind a dollar sign.
    static Result<std::size_t> closing_brace(std::string_view text) {
        int depth = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (i == 0 || (text[i] == '{' && text[i - 1] == '$')) ++depth;
            if (text[i] == '}' && --depth == 0) return i;
        }
        return fail(ErrorCode::InvalidArgument, "invalid interpolation: \"${\" without its \"}\"");
    }

    static std::string_view take_name(std::string_view& text) {
        std::size_t size = 0;
        while (size < text.size() && is_name_char(text[size])) ++size;
        const auto name = text.substr(0, size);
        text.remove_prefix(size);
        return name;
    }

    std::string value_of(std::string_view name) {
        const auto found = environment_.find(name);
        if (found != environment_.end()) return found->second;
        warnings_.push_back(
            concat("the variable \"", name, "\" is not set, an empty string is used"));
        return {};
    }

    Result<std::string> expand_braced(std::string_view inner, int depth) {
        if (inner.empty() || !is_name_start(inner.front())) {
            return fail(ErrorCode::InvalidArgument, "invalid interpolation: \"${", inner,
                        "}\" does not start with a name");
        }
        const auto name = take_name(inner);
        if (inner.empty()) return value_of(name);
        const bool empty_counts_as_unset = inner.front() == ':';
        if (empty_counts_as_unset) inner.remove_prefix(1);
        if (inner.empty() ||
            std::string_view("-?+").find(inner.front()) == std::string_view::npos) {
            return fail(ErrorCode::InvalidArgument, "invalid interpolation: \"${", name,
                        "...}\": expected one of - ? + behind the name");
        }
        const char operation = inner.front();
        const auto word = inner.substr(1);
        const auto found = environment_.find(name);
        const bool is_set =
            found != environment_.end() && !(empty_counts_as_unset && found->second.empty());
        if (operation == '+')
            return is_set ? expand(word, depth + 1) : Result<std::string>(std::string());
        if (is_set) return found->second;
        if (operation == '-') return expand(word, depth + 1);
        const std::string reason = TRY(expand(word, depth + 1));
        return fail(ErrorCode::InvalidArgument, "required variable ", name, " is missing a value",
                    reason.empty() ? "" : ": ", reason);
    }

    const Environment& environment_;
    Warnings& warnings_;
};

}  // namespace

Result<std::string> interpolate(std::string_view text, const Environment& environment,
                                Warnings& warnings) {
    return Expander(environment, warnings).expand(text);
}

Result<> interpolate_tree(codec::YamlNode& node, const Environment& environment,
                          const Sources& sources, Warnings& warnings) {
    if (node.is_scalar() && node.scalar.find('$') != std::string::npos) {
        Warnings found;
        auto expanded = interpolate(node.scalar, environment, found);
        if (expanded.is_error()) return sources.refuse(node.at, expanded.error().message());
        node.scalar = std::move(expanded).value();
        for (const auto& warning : found) warnings.push_back(sources.place(node.at, warning));
    }
    for (auto& item : node.items) TRY(interpolate_tree(item, environment, sources, warnings));
    for (auto& member : node.members)
        TRY(interpolate_tree(member.value, environment, sources, warnings));
    return {};
}

}  // namespace berth::compose
