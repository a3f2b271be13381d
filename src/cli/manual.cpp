#include "cli/manual.h"

#include "cli/help.h"

namespace berth::cli {

namespace {

std::string roff(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n'))
            out += concat("\\&", c);
        else
            out += c;
    }
    return out;
}

void add_flags(std::string& out, const std::vector<Flag>& flags) {
    for (const Flag& flag : flags) {
        if (flag.hidden) continue;
        out += concat(".TP\n.B ", roff(trim(flag_label(flag))), "\n", roff(flag.help));
        if (!flag.fallback.empty()) out += concat(" (default ", roff(flag.fallback), ")");
        out += '\n';
    }
}

void add_command(std::string& out, const Command& command, const std::string& path, bool is_top) {
    if (!is_top)
        out += concat(".SS ", roff(path), command.arguments.empty() ? "" : " ",
                      roff(command.arguments), "\n", roff(command.summary), ".\n");
    add_flags(out, command.flags);
    if (!command.example.empty())
        out += concat(".PP\nExample:\n.PP\n.nf\n", roff(command.example), "\n.fi\n");
    for (const Command& child : command.children) {
        if (!child.hidden) add_command(out, child, concat(path, " ", child.name), false);
    }
}

// Every group and command as "path<TAB>words to offer there".
void collect(const Command& command, const std::string& path,
             std::vector<std::pair<std::string, std::vector<std::string>>>& out) {
    std::vector<std::string> words;
    for (const Command& child : command.children) {
        if (!child.hidden) words.emplace_back(child.name);
    }
    for (const Flag& flag : command.flags) {
        if (!flag.hidden) words.push_back(concat("--", flag.name));
    }
    out.emplace_back(path, std::move(words));
    for (const Command& child : command.children) {
        if (!child.hidden)
            collect(child, path.empty() ? std::string(child.name) : concat(path, " ", child.name),
                    out);
    }
}

std::string bash_script(const Command& root) {
    std::vector<std::pair<std::string, std::vector<std::string>>> tables;
    collect(root, "", tables);
    std::string out =
        "# bash completion for berth; made by `berth help --completion bash`\n_berth() {\n    "
        "local word "
        "path='' words i\n"
        "    word=${COMP_WORDS[COMP_CWORD]}\n    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in -*) continue ;; esac\n"
        "        case \"$path ${COMP_WORDS[i]}\" in\n";
    for (const auto& [path, words] : tables) {
        if (!path.empty()) out += concat("        ' ", path, "') path=' ", path, "' ;;\n");
    }
    out += "        esac\n    done\n    case $path in\n";
    for (const auto& [path, words] : tables) {
        out += concat("    '", path.empty() ? "" : " ", path, "') words='", join(words, " "),
                      "' ;;\n");
    }
    out +=
        "    esac\n"
        "    case $path in\n"
        "    ' exec' | ' stop' | ' kill' | ' restart' | ' logs' | ' attach' | ' top' | ' port' | ' "
        "pause' | "
        "' unpause' | ' stats')\n"
        "        [[ $word == -* ]] || words=$(berth ps --format '{{.Names}}' 2>/dev/null) ;;\n"
        "    ' rm' | ' start' | ' inspect' | ' rename' | ' wait' | ' diff' | ' commit' | ' export' "
        "| ' "
        "update')\n"
        "        [[ $word == -* ]] || words=$(berth ps -a --format '{{.Names}}' 2>/dev/null) ;;\n"
        "    ' run' | ' create' | ' rmi' | ' tag' | ' push' | ' save' | ' history')\n"
        "        [[ $word == -* ]] || words=$(berth images --format '{{.Repository}}:{{.Tag}}' "
        "2>/dev/null) "
        ";;\n"
        "    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
        "    ((${#COMPREPLY[@]})) || COMPREPLY=($(compgen -f -- \"$word\"))\n}\n"
        "complete -o filenames -F _berth berth\n";
    return out;
}

std::string zsh_script(const Command& root) {
    std::vector<std::pair<std::string, std::vector<std::string>>> tables;
    collect(root, "", tables);
    std::string out =
        "#compdef berth\n# zsh completion for berth; made by `berth help --completion "
        "zsh`\n_berth() {\n    "
        "local at='' i\n    local -A offers\n    offers=(\n";
    for (const auto& [path, words] : tables)
        out += concat("        ':", path, "' '", join(words, " "), "'\n");
    out +=
        "    )\n    for ((i = 2; i < CURRENT; i++)); do\n        [[ $words[i] == -* ]] && "
        "continue\n"
        "        local next=\"${at:+$at }$words[i]\"\n        (( ${+offers[:$next]} )) && "
        "at=$next\n    "
        "done\n"
        "    compadd -- ${=offers[:$at]}\n    _files\n}\n_berth \"$@\"\n";
    return out;
}

std::string fish_quoted(std::string_view text) {
    return concat("'", replace_all(text, "'", "\\'"), "'");
}

void add_fish(std::string& out, const Command& command, const std::string& path) {
    const std::string condition =
        path.empty() ? "__fish_use_subcommand" : concat("__berth_at ", path);
    for (const Command& child : command.children) {
        if (child.hidden) continue;
        out += concat("complete -c berth -n ", fish_quoted(condition), " -f -a ", child.name,
                      " -d ", fish_quoted(child.summary), "\n");
    }
    for (const Flag& flag : command.flags) {
        if (flag.hidden) continue;
        out +=
            concat("complete -c berth -n ", fish_quoted(condition), " -l ", flag.name,
                   flag.letter != 0 ? concat(" -s ", flag.letter) : std::string(),
                   flag.kind == FlagKind::Bool ? "" : " -r", " -d ", fish_quoted(flag.help), "\n");
    }
    for (const Command& child : command.children) {
        if (!child.hidden)
            add_fish(out, child,
                     path.empty() ? std::string(child.name) : concat(path, " ", child.name));
    }
}

}  // namespace

std::string man_page(const Command& command, const std::string& path) {
    std::string title = to_upper(replace_all(path, " ", "-"));
    std::string out = concat(
        ".TH \"", title, "\" \"1\" \"\" \"Berth " BERTH_VERSION "\" \"Berth manual\"\n.SH NAME\n",
        roff(replace_all(path, " ", "-")), " \\- ", roff(command.summary), "\n.SH SYNOPSIS\n.B ",
        roff(usage_line(command, path).substr(8)), "\n.SH DESCRIPTION\n", roff(command.summary),
        ".\n");
    out += command.children.empty() ? ".SH OPTIONS\n" : ".SH COMMANDS\n";
    add_command(out, command, path, true);
    out +=
        ".SH ENVIRONMENT\n.TP\n.B BERTH_HOST, DOCKER_HOST\nThe engine to talk to, such as "
        "unix:///run/berth/berth.sock.\n"
        ".TP\n.B BERTH_CONFIG, DOCKER_CONFIG\nFolder of config.json; ~/.docker when not set.\n"
        ".TP\n.B BERTH_DOCKER_DEFAULTS\n1 for \\-\\-docker\\-defaults with every command.\n"
        ".SH EXIT STATUS\n0 when all went well, 125 for a wrong command line or a failed run, 126 "
        "and 127 "
        "when the container's program cannot be run "
        "or is not there, the program's own status for run, start \\-a and exec, 130 after "
        "Ctrl\\-C, 1 for "
        "any other failure.\n";
    return out;
}

std::string completion_script(const Command& root, const std::string& shell) {
    if (shell == "bash") return bash_script(root);
    if (shell == "zsh") return zsh_script(root);
    if (shell != "fish") return {};
    std::string out =
        "# fish completion for berth; made by `berth help --completion fish`\n"
        "function __berth_at\n    set -l typed (commandline -opc | string match -v -- '-*')[2..]\n"
        "    test (count $typed) -ge (count $argv); and test \"$typed[1..\"(count $argv)\"]\" = "
        "\"$argv\"\nend\n";
    out = replace_all(out, "\"$typed[1..\"(count $argv)\"]\"", "\"$typed[1..(count $argv)]\"");
    add_fish(out, root, "");
    return out;
}

}  // namespace berth::cli
