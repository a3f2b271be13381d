#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "build/dockerfile/lines.h"

// What the parsers of single instructions share.
namespace berth::build::dockerfile {

struct Flag {
    std::string name;
    std::optional<std::string> value;
    std::size_t offset = 0;
    std::size_t length = 0;
};

/// A logical line taken apart: keyword, flags, and the rest with its place.
struct Parts {
    const Source& source;
    const LogicalLine& line;
    char escape;
    std::string keyword;
    std::vector<Flag> flags;
    std::string_view rest;        // trimmed
    std::size_t rest_offset = 0;  // in line.text
    std::vector<Warning>* warnings = nullptr;

    Error error(std::string_view message) const {
        return source.error(line.place(0, keyword.size()), message);
    }
    Error error_at(std::size_t offset, std::size_t length, std::string_view message) const {
        return source.error(line.place(offset, length), message);
    }
    Error flag_error(const Flag& flag, std::string_view message) const {
        return error_at(flag.offset, flag.length, message);
    }
    void warn(std::string rule, std::string message) const {
        if (warnings)
            warnings->push_back(
                {std::move(rule), std::move(message), line.place(0, keyword.size())});
    }
};

/// Reads the flags that stand in front. Only those whose names are in `allowed` may occur; each at
/// most once unless its name is in `repeatable`.
Result<> check_flags(const Parts& parts, const std::vector<std::string>& allowed,
                     const std::vector<std::string>& repeatable = {});
const Flag* find_flag(const Parts& parts, std::string_view name);
/// The value of a flag that needs one; "" when the flag is absent.
Result<std::string> flag_value(const Parts& parts, std::string_view name);
Result<bool> flag_bool(const Parts& parts, std::string_view name);

/// A JSON array of strings, or nullopt when the text is no such thing.
std::optional<std::vector<std::string>> parse_json_words(std::string_view text);
/// An array, else the line for a shell.
CommandLine parse_command(const Parts& parts, std::string_view text);

Result<Body> parse_body(const Parts& parts);
Result<Body> parse_from(const Parts& parts);
Result<Body> parse_run(const Parts& parts);
Result<Body> parse_copy(const Parts& parts);
Result<Body> parse_healthcheck(const Parts& parts);
/// Takes the logical line apart; the keyword must be known.
Result<Parts> take_apart(const Source& source, const LogicalLine& line, char escape,
                         std::vector<Warning>* warnings);
Result<Instruction> parse_line(const Source& source, const LogicalLine& line, char escape,
                               std::vector<Warning>* warnings);

}  // namespace berth::build::dockerfile
