#include "build/dockerfile/parse.h"

#include <algorithm>

#include "build/dockerfile/parse_internal.h"

namespace berth::build::dockerfile {
namespace {

bool is_stage_name(std::string_view name) {
    if (name.empty() || name[0] < 'a' || name[0] > 'z') return false;
    return std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
}

void set_rest(Parts& parts, std::size_t offset) {
    parts.rest = trim(std::string_view(parts.line.text).substr(offset));
    parts.rest_offset = parts.rest.empty()
                            ? parts.line.text.size()
                            : static_cast<std::size_t>(parts.rest.data() - parts.line.text.data());
}

// Quotes around a flag's value are the user's, not the value's.
std::string unquote(std::string_view value) {
    const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                        value.back() == value.front();
    return std::string(quoted ? value.substr(1, value.size() - 2) : value);
}

// The flags in front of the arguments: words that begin with "--", up to the first that does not,
// or "--" alone.
void take_flags(Parts& parts) {
    while (parts.rest.starts_with("--")) {
        const std::string word = split_words(parts.rest, parts.escape).front();
        Flag flag{.name = word.substr(2),
                  .value = {},
                  .offset = parts.rest_offset,
                  .length = word.size()};
        set_rest(parts, parts.rest_offset + word.size());
        if (flag.name.empty()) return;
        if (const auto pair = split_once(word, '=')) {
            flag.name = std::string(pair->first.substr(2));
            flag.value = unquote(pair->second);
        }
        parts.flags.push_back(std::move(flag));
    }
}

// On one line: what continued lines had in front is reduced to one blank, as progress shows it.
std::string one_line(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool blank = c == '\n' || c == '\r' || c == '\t';
        out += blank ? ' ' : c;
    }
    return out;
}

Result<> add_stage(const Source& source, Dockerfile& file, Instruction instruction) {
    From from = std::get<From>(instruction.body);
    const std::string name = to_lower(from.name);
    if (!name.empty()) {
        if (!is_stage_name(name))
            return source.error(instruction.place,
                                concat("invalid name for build stage: \"", from.name,
                                       "\", name can't start with a number or contain symbols"));
        if (std::ranges::find(file.stages, name, &Stage::name) != file.stages.end())
            file.warnings.push_back(
                {"DuplicateStageName",
                 concat("Duplicate stage name \"", name, "\", stage names should be unique"),
                 instruction.place});
    }
    file.stages.push_back({.from = std::move(from),
                           .name = name,
                           .origin = std::move(instruction),
                           .instructions = {}});
    return {};
}

void check_repetition(Dockerfile& file, const Stage& stage, const Instruction& instruction) {
    if (instruction.keyword != "CMD" && instruction.keyword != "ENTRYPOINT" &&
        instruction.keyword != "HEALTHCHECK")
        return;
    if (std::ranges::find(stage.instructions, instruction.keyword, &Instruction::keyword) ==
        stage.instructions.end())
        return;
    file.warnings.push_back({"MultipleInstructionsDisallowed",
                             concat("Multiple ", instruction.keyword,
                                    " instructions should not be used in the same stage because "
                                    "only the last one will be used"),
                             instruction.place});
}

}  // namespace

std::span<const std::string> instruction_names() {
    static const std::vector<std::string> names{
        "ADD",    "ARG",   "CMD",         "COPY",  "ENTRYPOINT", "ENV",
        "EXPOSE", "FROM",  "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
        "RUN",    "SHELL", "STOPSIGNAL",  "USER",  "VOLUME",     "WORKDIR"};
    return names;
}

Result<Parts> take_apart(const Source& source, const LogicalLine& line, char escape,
                         std::vector<Warning>* warnings) {
    const std::string_view text = line.text;
    const std::size_t end = std::min(text.find_first_of(" \t\r\v\f"), text.size());
    Parts parts{.source = source,
                .line = line,
                .escape = escape,
                .keyword = to_upper(text.substr(0, end)),
                .flags = {},
                .rest = {},
                .rest_offset = 0,
                .warnings = warnings};
    set_rest(parts, end);
    const auto names = instruction_names();
    if (std::ranges::find(names, parts.keyword) == names.end()) {
        std::string message =
            concat("unknown instruction: ", text.substr(0, std::min<std::size_t>(end, 64)));
        if (const auto meant = nearest(parts.keyword, names))
            message += concat(" (did you mean ", *meant, "?)");
        return parts.error(message);
    }
    if (parts.rest.empty() && line.heredocs.empty())
        return parts.error(concat(parts.keyword, " requires at least one argument"));
    take_flags(parts);
    return parts;
}

Result<Instruction> parse_line(const Source& source, const LogicalLine& line, char escape,
                               std::vector<Warning>* warnings) {
    const Parts parts = TRY(take_apart(source, line, escape, warnings));
    Body body = TRY(parse_body(parts));
    return Instruction{
        .keyword = parts.keyword,
        .text = concat(parts.keyword, " ",
                       one_line(trim(std::string_view(line.text).substr(parts.keyword.size())))),
        .place = line.place(0, parts.keyword.size()),
        .body = std::move(body)};
}

Result<Dockerfile> parse(const Source& source) {
    Lines lines = TRY(read_lines(source));
    Dockerfile file{.syntax = lines.syntax,
                    .escape = lines.escape,
                    .global_args = {},
                    .stages = {},
                    .warnings = std::move(lines.warnings)};
    for (const auto& line : lines.lines) {
        Instruction instruction = TRY(parse_line(source, line, lines.escape, &file.warnings));
        if (std::holds_alternative<From>(instruction.body)) {
            TRY(add_stage(source, file, std::move(instruction)));
        } else if (!file.stages.empty()) {
            check_repetition(file, file.stages.back(), instruction);
            file.stages.back().instructions.push_back(std::move(instruction));
        } else if (std::holds_alternative<Arg>(instruction.body)) {
            file.global_args.push_back(std::move(instruction));
        } else {
            return source.error(instruction.place,
                                concat("no build stage in current context: ", instruction.keyword,
                                       " comes before the first FROM"));
        }
    }
    if (file.stages.empty())
        return fail(ErrorCode::InvalidArgument,
                    lines.lines.empty() ? "the Dockerfile (" : "no FROM in the Dockerfile (",
                    source.name(), lines.lines.empty() ? ") cannot be empty" : ")");
    return file;
}

Result<Instruction> parse_trigger(const Source& source) {
    const Lines lines = TRY(read_lines(source));
    if (lines.lines.size() != 1)
        return fail(ErrorCode::InvalidArgument, source.name(), " must be exactly one instruction");
    Instruction instruction = TRY(parse_line(source, lines.lines.front(), lines.escape, nullptr));
    for (const std::string_view refused : {"FROM", "MAINTAINER", "ONBUILD"})
        if (instruction.keyword == refused)
            return source.error(instruction.place,
                                concat(refused, " isn't allowed as an ONBUILD trigger"));
    return instruction;
}

}  // namespace berth::build::dockerfile
