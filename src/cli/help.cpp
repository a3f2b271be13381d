#include "cli/help.h"

#include <algorithm>

namespace berth::cli {

namespace {

// Two columns; the second starts three spaces behind the longest entry of the first.
std::string columns(const std::vector<std::pair<std::string, std::string>>& rows) {
    std::size_t width = 0;
    for (const auto& [left, right] : rows) width = std::max(width, left.size());
    std::string out;
    for (const auto& [left, right] : rows) {
        out += concat("  ", left, std::string(width - left.size() + 3, ' '), right, "\n");
    }
    return out;
}

std::string flags_text(const std::vector<Flag>& flags) {
    std::vector<std::pair<std::string, std::string>> rows;
    std::vector<const Flag*> sorted;
    for (const Flag& flag : flags) {
        if (!flag.hidden) sorted.push_back(&flag);
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const Flag* a, const Flag* b) { return a->name < b->name; });
    for (const Flag* flag : sorted) {
        std::string help(flag->help);
        if (!flag->fallback.empty()) help += concat(" (default ", flag->fallback, ")");
        rows.emplace_back(flag_label(*flag), help);
    }
    return columns(rows);
}

std::string children_text(const Command& command, bool groups) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const Command& child : command.children) {
        if (!child.hidden && groups == !child.children.empty())
            rows.emplace_back(child.name, child.summary);
    }
    std::sort(rows.begin(), rows.end());
    return columns(rows);
}

}  // namespace

const std::vector<Flag>& global_flags() {
    static const std::vector<Flag> flags = {
        {.name = "config", .kind = FlagKind::Text, .help = "Folder of the client's configuration"},
        {.name = "context",
         .letter = 'c',
         .kind = FlagKind::Text,
         .help = "Only \"default\" is known",
         .hidden = true},
        {.name = "debug", .letter = 'D', .help = "Say more about errors"},
        {.name = "docker-defaults",
         .help =
             "Use Docker's defaults where Berth's differ (always with BERTH_DOCKER_DEFAULTS=1)"},
        {.name = "help", .letter = 'h', .help = "Show help"},
        {.name = "host",
         .letter = 'H',
         .kind = FlagKind::List,
         .help = "The engine to talk to: unix://... or tcp://..."},
        {.name = "log-level",
         .letter = 'l',
         .kind = FlagKind::Text,
         .help = "debug, info, warn or error",
         .hidden = true},
        {.name = "tls", .help = "Use TLS", .hidden = true},
        {.name = "tlscacert", .kind = FlagKind::Text, .help = "", .hidden = true},
        {.name = "tlscert", .kind = FlagKind::Text, .help = "", .hidden = true},
        {.name = "tlskey", .kind = FlagKind::Text, .help = "", .hidden = true},
        {.name = "tlsverify", .help = "Use TLS and verify the engine", .hidden = true},
        {.name = "version", .letter = 'v', .help = "Print the version and leave"},
    };
    return flags;
}

std::string_view value_name(FlagKind kind) {
    switch (kind) {
        case FlagKind::Bool: return "";
        case FlagKind::Text: return "string";
        case FlagKind::Number: return "int";
        case FlagKind::Real: return "decimal";
        case FlagKind::Bytes: return "bytes";
        case FlagKind::Duration: return "duration";
        case FlagKind::List: return "list";
    }
    return "";
}

std::string flag_label(const Flag& flag) {
    std::string label = flag.letter != 0 ? concat("-", flag.letter, ", ") : std::string("    ");
    label += concat("--", flag.name);
    if (const auto value = value_name(flag.kind); !value.empty()) label += concat(" ", value);
    return label;
}

std::string usage_line(const Command& command, std::string_view path) {
    if (!command.children.empty()) return concat("Usage:  ", path, " [OPTIONS] COMMAND");
    std::string line = concat("Usage:  ", path);
    if (!command.flags.empty()) line += " [OPTIONS]";
    if (!command.arguments.empty()) line += concat(" ", command.arguments);
    return line;
}

std::string help_text(const Command& command, std::string_view path) {
    std::string out = concat(usage_line(command, path), "\n\n", command.summary, "\n");
    if (!command.aliases.empty()) {
        const std::string group(path.substr(0, path.rfind(' ')));
        out += concat("\nAliases:\n  ", path);
        for (const auto alias : command.aliases) out += concat(", ", group, " ", alias);
        out += "\n";
    }
    if (!command.children.empty()) {
        out += concat("\nCommands:\n", children_text(command, false));
        if (const std::string groups = children_text(command, true); !groups.empty())
            out += concat("\nGroups:\n", groups);
    }
    if (!command.flags.empty()) out += concat("\nOptions:\n", flags_text(command.flags));
    if (!command.example.empty()) {
        out += "\nExample:\n";
        for (const auto& line : split(command.example, '\n')) out += concat("  ", line, "\n");
    }
    if (!command.children.empty())
        out += concat("\nMore about a command: ", path, " COMMAND --help\n");
    return out;
}

}  // namespace berth::cli
