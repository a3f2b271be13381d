#include "cli/output/format.h"

#include <algorithm>

#include "cli/output/table.h"
#include "codec/go_template.h"

namespace berth::cli {

namespace {

using codec::GoTemplate;
using codec::Json;

codec::TemplateMethod label_method(const Json& labels) {
    return [&labels](const Json&, std::string_view name,
                     const std::vector<Json>& arguments) -> std::optional<Result<Json>> {
        if (name != "Label" || arguments.size() != 1 || !arguments[0].is_string())
            return std::nullopt;
        return Result<Json>(Json(codec::get_string(labels, arguments[0].get<std::string>())));
    };
}

std::string field_names(const ListView& view) {
    std::vector<std::string> names;
    for (const auto& [field, heading] : view.headings) names.push_back(concat(".", field));
    std::sort(names.begin(), names.end());
    return join(names, " ");
}

// The heading of a template's columns: the template itself, run over headings instead of values.
// Functions on headings are harmless; a label's heading is its name.
Result<std::string> heading_line(const ListView& view, const GoTemplate& line) {
    Json headings = Json::object();
    for (const auto& [field, heading] : view.headings)
        headings[std::string(field)] = std::string(heading);
    return line.execute(
        headings,
        [](const Json&, std::string_view name,
           const std::vector<Json>& arguments) -> std::optional<Result<Json>> {
            if (name != "Label" || arguments.size() != 1 || !arguments[0].is_string())
                return std::nullopt;
            return Result<Json>(Json(arguments[0].get<std::string>()));
        });
}

}  // namespace

std::string unescape_format(std::string_view format) {
    return replace_all(replace_all(format, "\\t", "\t"), "\\n", "\n");
}

Result<std::string> render_list(const ListView& view, std::string_view format,
                                const std::vector<Row>& rows) {
    std::string text = unescape_format(format);
    if (text.empty() || text == "table") text = std::string(view.table);
    const bool is_table = text.starts_with("table ");
    if (is_table) text.erase(0, 6);
    if (trim(text) == "json") text = "{{json .}}";
    const auto line = TRY(GoTemplate::parse(text).context("--format"));
    std::string out;
    if (is_table)
        out +=
            TRY(heading_line(view, line).context("--format").hint("fields: ", field_names(view))) +
            "\n";
    for (const Row& row : rows) {
        out += TRY(line.execute(row.fields, label_method(row.labels))
                       .context("--format")
                       .hint("fields: ", field_names(view)));
        out += '\n';
    }
    return is_table ? align_columns(out) : out;
}

Result<std::string> render_document(std::string_view format, const Json& document) {
    std::string text = unescape_format(format);
    if (trim(text) == "json") text = "{{json .}}";
    const auto parsed = TRY(GoTemplate::parse(text).context("--format"));
    return TRY(parsed.execute(document).context("--format")) + "\n";
}

Result<> check_format(std::string_view format) {
    const std::string text = unescape_format(format);
    if (trim(text) == "json") return {};
    TRY(GoTemplate::parse(text).context("--format"));
    return {};
}

std::string join_labels(const Json& labels) {
    std::vector<std::string> parts;
    if (!labels.is_object()) return "";
    for (const auto& [key, value] : labels.items()) {
        parts.push_back(concat(key, "=", value.is_string() ? value.get<std::string>() : ""));
    }
    std::sort(parts.begin(), parts.end());
    return join(parts, ",");
}

}  // namespace berth::cli
