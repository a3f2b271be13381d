#include "remote/challenge.h"

#include "base/text.h"

namespace berth::remote {

namespace {

bool is_token(char c) {
    static constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
}

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}
    bool at_end() const { return at_ >= text_.size(); }
    void skip(std::string_view set) {
        while (!at_end() && set.find(text_[at_]) != std::string_view::npos) ++at_;
    }
    bool take(char c) {
        if (at_end() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    std::string_view token() {
        const std::size_t start = at_;
        while (!at_end() && is_token(text_[at_])) ++at_;
        return text_.substr(start, at_ - start);
    }
    /// A token or a quoted string, or anything up to a comma: some servers leave the quotes out.
    std::string value() {
        std::string out;
        if (!take('"')) {
            while (!at_end() && text_[at_] != ',') out.push_back(text_[at_++]);
            return std::string(trim(out));
        }
        while (!at_end() && text_[at_] != '"') {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
            out.push_back(text_[at_++]);
        }
        take('"');
        return out;
    }
    std::size_t position() const { return at_; }
    void go_to(std::size_t position) { at_ = position; }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::string Challenge::get(std::string_view name) const {
    for (const auto& [key, value] : parameters)
        if (key == name) return value;
    return {};
}

std::vector<Challenge> parse_challenges(std::string_view header) {
    std::vector<Challenge> out;
    Scanner scanner(header);
    while (true) {
        scanner.skip(" \t,");
        if (scanner.at_end()) return out;
        const std::string_view name = scanner.token();
        if (name.empty()) return out;
        const std::size_t behind = scanner.position();
        scanner.skip(" \t");
        if (scanner.take('=') && !out.empty()) {
            scanner.skip(" \t");
            out.back().parameters.emplace_back(to_lower(name), scanner.value());
        } else {
            scanner.go_to(behind);
            out.push_back({.scheme = to_lower(name)});
            if (scanner.take('=')) return out;
        }
    }
}

}  // namespace berth::remote
