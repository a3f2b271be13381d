#include "codec/go_template_functions_internal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>

#include "codec/go_template.h"

namespace berth::codec {

namespace {

using Arguments = std::span<const Json>;
using Function = Result<Json> (*)(Arguments);

Error wrong(std::string_view function, std::string_view message) {
    return fail(ErrorCode::InvalidArgument, function, ": ", message);
}

Result<> expect_count(std::string_view function, Arguments arguments, std::size_t least,
                      std::size_t most) {
    if (arguments.size() >= least && arguments.size() <= most) return {};
    return wrong(function,
                 concat("wrong number of arguments: want ", least, ", got ", arguments.size()));
}

Result<std::string> text_of(std::string_view function, const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    return wrong(function, concat("expected a string, got ", format_go_value(value)));
}

Result<std::int64_t> number_of(std::string_view function, const Json& value) {
    if (value.is_number_integer()) return value.get<std::int64_t>();
    return wrong(function, concat("expected a number, got ", format_go_value(value)));
}

// The length in bytes of the UTF-8 character that starts with `lead`.
std::size_t character_size(char lead) {
    const auto byte = static_cast<unsigned char>(lead);
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

Result<Json> to_json_text(Arguments arguments) {
    TRY(expect_count("json", arguments, 1, 1));
    return Json(dump_json(arguments[0]));
}

Result<Json> split_text(Arguments arguments) {
    TRY(expect_count("split", arguments, 2, 2));
    const std::string text = TRY(text_of("split", arguments[0]));
    const std::string separator = TRY(text_of("split", arguments[1]));
    Json out = Json::array();
    std::size_t from = 0;
    if (separator.empty()) {
        for (; from < text.size(); from += character_size(text[from])) {
            out.push_back(text.substr(from, character_size(text[from])));
        }
        return out;
    }
    for (auto at = text.find(separator); at != std::string::npos; at = text.find(separator, from)) {
        out.push_back(text.substr(from, at - from));
        from = at + separator.size();
    }
    out.push_back(text.substr(from));
    return out;
}

Result<Json> join_texts(Arguments arguments) {
    TRY(expect_count("join", arguments, 2, 2));
    const std::string separator = TRY(text_of("join", arguments[1]));
    if (!arguments[0].is_array() && !arguments[0].is_null())
        return wrong("join", "expected a list of strings");
    std::string out;
    bool first = true;
    for (const auto& part : arguments[0]) {
        if (!first) out += separator;
        first = false;
        out += part.is_string() ? part.get<std::string>() : format_go_value(part);
    }
    return Json(out);
}

Result<Json> to_lower_text(Arguments arguments) {
    TRY(expect_count("lower", arguments, 1, 1));
    return Json(to_lower(TRY(text_of("lower", arguments[0]))));
}

Result<Json> to_upper_text(Arguments arguments) {
    TRY(expect_count("upper", arguments, 1, 1));
    return Json(to_upper(TRY(text_of("upper", arguments[0]))));
}

Result<Json> to_title(Arguments arguments) {
    TRY(expect_count("title", arguments, 1, 1));
    std::string text = TRY(text_of("title", arguments[0]));
    bool at_start = true;
    for (char& c : text) {
        if (at_start && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        at_start = c == ' ' || c == '\t' || c == '\n';
    }
    return Json(text);
}

// {{pad .ID 1 2}}: spaces before and after a text that is not empty.
Result<Json> pad(Arguments arguments) {
    TRY(expect_count("pad", arguments, 3, 3));
    const std::string text = TRY(text_of("pad", arguments[0]));
    const auto before = TRY(number_of("pad", arguments[1]));
    const auto after = TRY(number_of("pad", arguments[2]));
    if (before < 0 || after < 0 || before > 4096 || after > 4096)
        return wrong("pad", "a width is out of range");
    if (text.empty()) return Json(text);
    return Json(std::string(before, ' ') + text + std::string(after, ' '));
}

Result<Json> truncate(Arguments arguments) {
    TRY(expect_count("truncate", arguments, 2, 2));
    const std::string text = TRY(text_of("truncate", arguments[0]));
    const auto length = TRY(number_of("truncate", arguments[1]));
    if (length < 0) return wrong("truncate", "the length is negative");
    std::size_t end = 0;
    for (std::int64_t i = 0; i < length && end < text.size(); ++i) end += character_size(text[end]);
    return Json(text.substr(0, end));
}

Result<Json> negate(Arguments arguments) {
    TRY(expect_count("not", arguments, 1, 1));
    return Json(!is_template_true(arguments[0]));
}

Result<Json> length(Arguments arguments) {
    TRY(expect_count("len", arguments, 1, 1));
    const Json& value = arguments[0];
    if (value.is_string()) return Json(value.get_ref<const std::string&>().size());
    if (value.is_array() || value.is_object()) return Json(value.size());
    if (value.is_null()) return Json(0);
    return wrong("len", concat("a value without a length: ", format_go_value(value)));
}

// What Go gives for a missing key: the zero value of the map's element type, as far as the other
// values tell it.
Json zero_of_map(const Json& map) {
    for (const auto& value : map) {
        if (!value.is_string()) return nullptr;
    }
    return "";
}

Result<Json> index(Arguments arguments) {
    if (arguments.empty())
        return wrong("index", "wrong number of arguments: want at least 1, got 0");
    Json value = arguments[0];
    for (const Json& key : arguments.subspan(1)) {
        if (value.is_object()) {
            const std::string name = TRY(text_of("index", key));
            const auto found = value.find(name);
            Json member = found != value.end() ? Json(*found) : zero_of_map(value);
            value = std::move(member);
        } else if (value.is_array() || value.is_string()) {
            const auto position = TRY(number_of("index", key));
            const std::string* text =
                value.is_string() ? value.get_ptr<const std::string*>() : nullptr;
            const auto size = static_cast<std::int64_t>(text ? text->size() : value.size());
            if (position < 0 || position >= size)
                return wrong("index", concat("index out of range: ", position));
            Json element =
                text ? Json(static_cast<unsigned char>((*text)[position])) : Json(value[position]);
            value = std::move(element);
        } else if (value.is_null()) {
            return Json(nullptr);
        } else {
            return wrong("index", concat("cannot index ", format_go_value(value)));
        }
    }
    return value;
}

Result<Json> slice(Arguments arguments) {
    TRY(expect_count("slice", arguments, 1, 3));
    const Json& value = arguments[0];
    if (!value.is_array() && !value.is_string())
        return wrong("slice", "neither a list nor a string");
    const std::string* text = value.is_string() ? value.get_ptr<const std::string*>() : nullptr;
    const auto size = static_cast<std::int64_t>(text ? text->size() : value.size());
    std::int64_t from = 0, to = size;
    if (arguments.size() > 1) from = TRY(number_of("slice", arguments[1]));
    if (arguments.size() > 2) to = TRY(number_of("slice", arguments[2]));
    if (from < 0 || to > size || from > to) return wrong("slice", "index out of range");
    if (text) return Json(text->substr(from, to - from));
    Json out = Json::array();
    for (auto i = from; i < to; ++i) out.push_back(value[i]);
    return out;
}

Result<int> compare(std::string_view function, const Json& a, const Json& b) {
    if (a.is_string() && b.is_string()) {
        return a.get_ref<const std::string&>().compare(b.get_ref<const std::string&>());
    }
    if (a.is_number_integer() && b.is_number_integer()) {
        const auto x = a.get<std::int64_t>(), y = b.get<std::int64_t>();
        return x < y ? -1 : x > y ? 1 : 0;
    }
    if (a.is_number() && b.is_number()) {
        const auto x = a.get<double>(), y = b.get<double>();
        return x < y ? -1 : x > y ? 1 : 0;
    }
    return wrong(function, "incompatible types for comparison");
}

bool is_equal(const Json& a, const Json& b) {
    if (a.is_number() && b.is_number()) return a.get<double>() == b.get<double>();
    return a == b;
}

Result<Json> equal(Arguments arguments) {
    if (arguments.size() < 2) return wrong("eq", "missing argument for comparison");
    for (const Json& candidate : arguments.subspan(1)) {
        const bool same_kind = (arguments[0].is_number() && candidate.is_number()) ||
                               arguments[0].is_null() || candidate.is_null() ||
                               arguments[0].type() == candidate.type();
        if (!same_kind) return wrong("eq", "incompatible types for comparison");
        if (is_equal(arguments[0], candidate)) return Json(true);
    }
    return Json(false);
}

Result<Json> not_equal(Arguments arguments) {
    TRY(expect_count("ne", arguments, 2, 2));
    return Json(!is_equal(arguments[0], arguments[1]));
}

template <typename Holds>
Result<Json> ordered(std::string_view name, Arguments arguments, Holds holds) {
    TRY(expect_count(name, arguments, 2, 2));
    return Json(holds(TRY(compare(name, arguments[0], arguments[1]))));
}

Result<Json> print(Arguments arguments) { return Json(go_sprint(arguments)); }

Result<Json> print_line(Arguments arguments) {
    std::string out;
    for (const Json& argument : arguments) {
        if (!out.empty()) out += ' ';
        out += format_go_value(argument);
    }
    return Json(out + "\n");
}

Result<Json> print_format(Arguments arguments) {
    if (arguments.empty())
        return wrong("printf", "wrong number of arguments: want at least 1, got 0");
    const std::string format = TRY(text_of("printf", arguments[0]));
    return Json(go_sprintf(format, arguments.subspan(1)));
}

Result<Json> escape_html(Arguments arguments) {
    std::string out;
    for (const char c : go_sprint(arguments)) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            case '"': out += "&#34;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return Json(out);
}

Result<Json> escape_query(Arguments arguments) {
    std::string out;
    for (const char c : go_sprint(arguments)) {
        if (std::isalnum(static_cast<unsigned char>(c)) ||
            std::string_view("-_.~").find(c) != std::string_view::npos) {
            out += c;
        } else if (c == ' ') {
            out += '+';
        } else {
            std::array<char, 4> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "%%%02X", static_cast<unsigned char>(c));
            out += escaped.data();
        }
    }
    return Json(out);
}

const std::map<std::string_view, Function>& functions() {
    static const std::map<std::string_view, Function> table = {
        {"json", to_json_text},
        {"split", split_text},
        {"join", join_texts},
        {"lower", to_lower_text},
        {"upper", to_upper_text},
        {"title", to_title},
        {"pad", pad},
        {"truncate", truncate},
        {"not", negate},
        {"len", length},
        {"index", index},
        {"slice", slice},
        {"eq", equal},
        {"ne", not_equal},
        {"lt", [](Arguments a) { return ordered("lt", a, [](int order) { return order < 0; }); }},
        {"le", [](Arguments a) { return ordered("le", a, [](int order) { return order <= 0; }); }},
        {"gt", [](Arguments a) { return ordered("gt", a, [](int order) { return order > 0; }); }},
        {"ge", [](Arguments a) { return ordered("ge", a, [](int order) { return order >= 0; }); }},
        {"print", print},
        {"println", print_line},
        {"printf", print_format},
        {"html", escape_html},
        {"urlquery", escape_query},
    };
    return table;
}

}  // namespace

bool is_template_function(std::string_view name) {
    return name == "and" || name == "or" || functions().contains(name);
}

Result<Json> call_template_function(std::string_view name, std::span<const Json> arguments) {
    return functions().at(name)(arguments);
}

bool is_template_true(const Json& value) {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number_integer()) return value.get<std::int64_t>() != 0;
    if (value.is_number()) return value.get<double>() != 0;
    if (value.is_string()) return !value.get_ref<const std::string&>().empty();
    return !value.is_null() && !value.empty();
}

}  // namespace berth::codec
