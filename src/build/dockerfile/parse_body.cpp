// The instructions that only name things.
#include <algorithm>
#include <set>

#include "build/dockerfile/parse.h"
#include "build/dockerfile/parse_internal.h"

namespace berth::build::dockerfile {
namespace {

// An array, else words split at blanks.
std::vector<std::string> list_or_words(std::string_view text) {
    if (auto words = parse_json_words(text)) return std::move(*words);
    std::vector<std::string> words;
    std::string word;
    for (const char c : text) {
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            if (!word.empty()) words.push_back(std::move(word));
            word.clear();
        } else {
            word += c;
        }
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

bool is_remote(std::string_view source) {
    return source.starts_with("http://") || source.starts_with("https://") ||
           source.starts_with("git@") || source.starts_with("git://") ||
           source.starts_with("ssh://");
}

// ENV and LABEL: "key=value ..." with quotes, or the old "key the rest".
Result<std::vector<KeyValue>> parse_pairs(const Parts& parts) {
    std::vector<std::size_t> offsets;
    const auto words = split_words(parts.rest, parts.escape, &offsets);
    const auto place = [&](std::size_t i) {
        return parts.line.place(parts.rest_offset + offsets[i], words[i].size());
    };
    if (words.front().find('=') == std::string::npos) {
        if (words.size() < 2) return parts.error(concat(parts.keyword, " must have two arguments"));
        parts.warn("LegacyKeyValueFormat",
                   concat("\"", parts.keyword, " key=value\" should be used instead of legacy \"",
                          parts.keyword, " key value\" format"));
        return std::vector<KeyValue>{
            {words[0], std::string(parts.rest.substr(offsets[1])), place(0)}};
    }
    std::vector<KeyValue> out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto pair = split_once(words[i], '=');
        if (!pair)
            return parts.error_at(parts.rest_offset + offsets[i], words[i].size(),
                                  concat("syntax error - can't find = in \"", words[i],
                                         "\". Must be of the form: name=value"));
        if (pair->first.empty())
            return parts.error_at(parts.rest_offset + offsets[i], words[i].size(),
                                  concat(parts.keyword, " names can not be blank"));
        out.push_back({std::string(pair->first), std::string(pair->second), place(i)});
    }
    return out;
}

Result<Body> parse_arg(const Parts& parts) {
    Arg arg;
    std::vector<std::size_t> offsets;
    const auto words = split_words(parts.rest, parts.escape, &offsets);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const Place place = parts.line.place(parts.rest_offset + offsets[i], words[i].size());
        const auto pair = split_once(words[i], '=');
        if (pair && pair->first.empty())
            return parts.error_at(parts.rest_offset + offsets[i], words[i].size(),
                                  "ARG names can not be blank");
        arg.variables.push_back(
            pair ? KeyValue{std::string(pair->first), std::string(pair->second), place}
                 : KeyValue{words[i], std::nullopt, place});
    }
    return Body(std::move(arg));
}

Result<Body> parse_onbuild(const Parts& parts) {
    TRY(check_flags(parts, {}));
    const auto pair = split_once(parts.rest, ' ');
    const std::string keyword = to_upper(pair ? pair->first : parts.rest);
    for (const std::string_view refused : {"FROM", "MAINTAINER", "ONBUILD"})
        if (keyword == refused)
            return parts.error(
                refused == "ONBUILD"
                    ? std::string("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
                    : concat(refused, " isn't allowed as an ONBUILD trigger"));
    // The trigger must parse now, so that its mistakes show where they were made.
    std::string text(parts.rest);
    for (const auto& heredoc : parts.line.heredocs)
        text += concat("\n", heredoc.content, heredoc.name);
    if (auto trigger = parse_trigger(Source("ONBUILD", text)); trigger.is_error()) {
        const std::string message = trigger.error().message();
        const auto first = message.substr(0, message.find('\n'));
        const auto colon = first.find(": ");
        return parts.error_at(parts.rest_offset, keyword.size(),
                              colon == std::string::npos ? first : first.substr(colon + 2));
    }
    return Body(OnBuild{std::move(text)});
}

Result<Body> parse_shell(const Parts& parts) {
    TRY(check_flags(parts, {}));
    auto words = parse_json_words(parts.rest);
    if (!words || words->empty())
        return parts.error_at(
            parts.rest_offset, parts.rest.size(),
            "SHELL requires the arguments to be in JSON form: [\"/bin/bash\", \"-c\"]");
    return Body(Shell{std::move(*words)});
}

}  // namespace

Result<Body> parse_from(const Parts& parts) {
    TRY(check_flags(parts, {"platform"}));
    From from;
    from.platform = TRY(flag_value(parts, "platform"));
    std::vector<std::size_t> offsets;
    const auto words = split_words(parts.rest, parts.escape, &offsets);
    if (words.size() != 1 && !(words.size() == 3 && to_lower(words[1]) == "as")) {
        const std::string usage =
            "FROM requires either one or three arguments: FROM image [AS name]";
        if (words.size() < 2) return parts.error(usage);
        return parts.error_at(parts.rest_offset + offsets[1], words[1].size(), usage);
    }
    from.image = words[0];
    if (words.size() == 3) {
        from.name = words[2];
        if (to_lower(from.name) != from.name)
            parts.warn("StageNameCasing",
                       concat("Stage name '", from.name, "' should be lowercase"));
    }
    return Body(std::move(from));
}

Result<Body> parse_copy(const Parts& parts) {
    const bool is_add = parts.keyword == "ADD";
    if (is_add) {
        TRY(check_flags(parts,
                        {"chown", "chmod", "link", "exclude", "checksum", "keep-git-dir", "unpack"},
                        {"exclude"}));
    } else {
        TRY(check_flags(parts, {"from", "chown", "chmod", "link", "exclude", "parents"},
                        {"exclude"}));
    }
    Copy copy;
    copy.is_add = is_add;
    copy.from = TRY(flag_value(parts, "from"));
    copy.chown = TRY(flag_value(parts, "chown"));
    copy.chmod = TRY(flag_value(parts, "chmod"));
    copy.checksum = TRY(flag_value(parts, "checksum"));
    copy.link = TRY(flag_bool(parts, "link"));
    copy.parents = TRY(flag_bool(parts, "parents"));
    copy.keep_git_dir = TRY(flag_bool(parts, "keep-git-dir"));
    if (find_flag(parts, "unpack")) copy.unpack = TRY(flag_bool(parts, "unpack"));
    for (const auto& flag : parts.flags) {
        if (flag.name != "exclude") continue;
        if (!flag.value || flag.value->empty())
            return parts.flag_error(flag, "missing a value on flag: --exclude");
        copy.excludes.push_back(*flag.value);
    }
    auto words = list_or_words(parts.rest);
    if (words.size() < 2)
        return parts.error(concat(parts.keyword, " requires at least two arguments, but only ",
                                  words.size(), words.size() == 1 ? " was" : " were",
                                  " provided. Destination could not be determined"));
    copy.destination = std::move(words.back());
    words.pop_back();
    copy.heredocs = parts.line.heredocs;
    // The words that announced heredocs are no paths.
    std::size_t heredocs_left = copy.heredocs.size();
    for (auto& word : words) {
        if (heredocs_left && (word.starts_with("<<") || word.starts_with("0<<"))) {
            --heredocs_left;
        } else {
            if (!is_add && is_remote(word))
                return parts.error(concat("source can't be a URL for COPY: ", word, " (use ADD)"));
            copy.sources.push_back(std::move(word));
        }
    }
    return Body(std::move(copy));
}

Result<Body> parse_body(const Parts& parts) {
    const std::string& keyword = parts.keyword;
    if (keyword == "FROM") return parse_from(parts);
    if (keyword == "RUN") return parse_run(parts);
    if (keyword == "COPY" || keyword == "ADD") return parse_copy(parts);
    if (keyword == "HEALTHCHECK") return parse_healthcheck(parts);
    if (keyword == "ONBUILD") return parse_onbuild(parts);
    if (keyword == "SHELL") return parse_shell(parts);
    TRY(check_flags(parts, {}));
    if (parts.rest.empty()) return parts.error(concat(keyword, " requires at least one argument"));
    if (keyword == "ARG") return parse_arg(parts);
    if (keyword == "ENV") {
        auto pairs = TRY(parse_pairs(parts));
        return Body(Env{std::move(pairs)});
    }
    if (keyword == "LABEL") {
        auto pairs = TRY(parse_pairs(parts));
        return Body(Label{std::move(pairs)});
    }
    if (keyword == "CMD") return Body(Cmd{parse_command(parts, parts.rest)});
    if (keyword == "ENTRYPOINT") return Body(Entrypoint{parse_command(parts, parts.rest)});
    if (keyword == "EXPOSE") return Body(Expose{list_or_words(parts.rest)});
    if (keyword == "VOLUME") {
        auto paths = list_or_words(parts.rest);
        if (paths.empty() ||
            std::ranges::any_of(paths, [](const auto& path) { return trim(path).empty(); }))
            return parts.error("VOLUME specified can not be an empty string");
        return Body(Volume{std::move(paths)});
    }
    if (keyword == "USER") return Body(User{std::string(parts.rest)});
    if (keyword == "WORKDIR") return Body(Workdir{std::string(parts.rest)});
    if (keyword == "STOPSIGNAL") return Body(StopSignal{std::string(parts.rest)});
    parts.warn("MaintainerDeprecated",
               "Maintainer instruction is deprecated in favor of using label "
               "org.opencontainers.image.authors");
    return Body(Maintainer{std::string(parts.rest)});
}

}  // namespace berth::build::dockerfile
