#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

// The options of the engine: dockerd's flags and the keys of daemon.json, in one table. Flags are
// turned into the JSON that the file would hold, so that everything after this knows one form only.
namespace berth::engine {

enum class OptionKind {
    Text,
    Number,
    Flag,     // true or false
    List,     // may be given several times
    Map,      // key=value, several times
    Ulimits,  // name=soft:hard
    Pools,    // base=10.0.0.0/8,size=24
    Object,   // in the file only
};

enum class OptionEffect {
    Used,
    /// Accepted because dockerd does; Berth needs no such setting. The note says why.
    Ignored,
    /// Asks for something that Berth does not do; refused, since silence would be a lie.
    Refused,
};

struct Option {
    std::string_view flag;  // without "--"; empty: no flag
    char short_flag;        // 0: none
    std::string_view key;   // in daemon.json; empty: flag only
    OptionKind kind;
    OptionEffect effect;
    std::string_view help;  // or, for Ignored and Refused, the note
};

std::span<const Option> options();

struct ParsedFlags {
    /// Members as in daemon.json, for the flags given.
    codec::Json settings = codec::Json::object();
    std::string config_file;  // "" is the default place
    bool validate_only = false, show_version = false, show_help = false;
};

/// InvalidArgument for an unknown flag (with the nearest one as a hint), a missing or malformed
/// value.
Result<ParsedFlags> parse_flags(std::span<const std::string> arguments);

/// Joins file and flags. InvalidArgument for an unknown key, for a member of the wrong kind, and
/// for what both set.
Result<codec::Json> merge_settings(const codec::Json& file, const codec::Json& flags);

/// One line for each option that is set and has no effect.
std::vector<std::string> notes_on(const codec::Json& settings);

/// What `--help` prints.
std::string usage(std::string_view program);

}  // namespace berth::engine
