#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace berth::cli {

class Context;

/// One line of a list: what `--format` can name, in alphabetical order, all of it text. Labels are
/// kept apart for `.Label`.
struct Row {
    codec::Json fields = codec::Json::object();
    codec::Json labels = codec::Json::object();
};

/// How a list looks: its default table, and the headings of all fields.
struct ListView {
    std::string_view table;  ///< "table {{.ID}}\t{{.Names}}"
    std::vector<std::pair<std::string_view, std::string_view>> headings;
};

/// The rows as `format` asks: "" or "table" for the default table, "table TEMPLATE", "json", or a
/// template for each row. InvalidArgument for a template that is wrong, with the fields as a hint.
Result<std::string> render_list(const ListView& view, std::string_view format,
                                const std::vector<Row>& rows);

/// One document through a template ("json" for compact JSON), with a line end.
Result<std::string> render_document(std::string_view format, const codec::Json& document);

/// InvalidArgument when the template cannot be parsed.
Result<> check_format(std::string_view format);

/// "a=b,c=d"
std::string join_labels(const codec::Json& labels);
/// "\t" and "\n" as typed in a shell become what they mean.
std::string unescape_format(std::string_view format);

}  // namespace berth::cli
