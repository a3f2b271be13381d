#include "build/files/mode.h"

#include "base/text.h"

namespace berth::build {

Result<ModeChange> ModeChange::parse(std::string_view text) {
    ModeChange out;
    if (text.empty()) return out;
    const auto invalid = [&] {
        return fail(ErrorCode::InvalidArgument, "invalid chmod parameter: '", text,
                    "', it should be octal or symbolic such as u=rwX,go=rX");
    };
    if (text[0] >= '0' && text[0] <= '9') {
        const auto number = parse_octal(text);
        if (!number || *number > 07777) return invalid();
        out.absolute_ = true;
        out.mode_ = *number;
        return out;
    }
    for (const auto& part : split(text, ',')) {
        std::size_t at = 0;
        unsigned who = 0;
        for (; at < part.size(); ++at) {
            if (part[at] == 'u')
                who |= 4;
            else if (part[at] == 'g')
                who |= 2;
            else if (part[at] == 'o')
                who |= 1;
            else if (part[at] == 'a')
                who |= 7;
            else
                break;
        }
        if (who == 0) who = 7;
        if (at >= part.size()) return invalid();
        while (at < part.size()) {
            Clause clause{.who = who, .operation = part[at++], .bits = 0};
            if (std::string_view("+-=").find(clause.operation) == std::string_view::npos)
                return invalid();
            for (; at < part.size() &&
                   std::string_view("+-=").find(part[at]) == std::string_view::npos;
                 ++at) {
                switch (part[at]) {
                    case 'r': clause.bits |= 4; break;
                    case 'w': clause.bits |= 2; break;
                    case 'x': clause.bits |= 1; break;
                    case 'X': clause.conditional_execute = true; break;
                    case 's': clause.set_id = true; break;
                    case 't': clause.sticky = true; break;
                    default: return invalid();
                }
            }
            out.clauses_.push_back(clause);
        }
    }
    return out;
}

mode_t ModeChange::apply(mode_t mode, bool is_directory) const {
    if (absolute_) return mode_;
    mode &= 07777;
    for (const auto& clause : clauses_) {
        unsigned bits = clause.bits;
        if (clause.conditional_execute && (is_directory || (mode & 0111))) bits |= 1;
        mode_t affected = 0;
        mode_t class_mask = 0;
        for (unsigned shift = 0; shift < 3; ++shift) {
            if (!(clause.who & (1u << shift))) continue;
            affected |= bits << (3 * shift);
            class_mask |= 7u << (3 * shift);
        }
        if (clause.set_id)
            affected |= (clause.who & 4 ? 04000u : 0u) | (clause.who & 2 ? 02000u : 0u);
        if (clause.sticky) affected |= 01000;
        if (clause.operation == '=') mode &= ~class_mask;
        mode = clause.operation == '-' ? mode & ~affected : mode | affected;
    }
    return mode;
}

}  // namespace berth::build
