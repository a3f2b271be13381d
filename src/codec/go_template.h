#pragma once
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::codec {

namespace template_ast {
struct List;
}

/// Fields that take arguments, such as `.Label "name"`: nullopt when `receiver` has no such method.
/// Called for fields of the top value only.
using TemplateMethod = std::function<std::optional<Result<nlohmann::ordered_json>>(
    const nlohmann::ordered_json& receiver, std::string_view name,
    const std::vector<nlohmann::ordered_json>& arguments)>;

/// A template of Go's text/template, as `--format` flags take it, over JSON data. All actions but
/// define, template and block (Unsupported); the built-in functions and Docker's (json, split,
/// join, lower, upper, title, pad, truncate).
///
///     auto text = TRY(TRY(GoTemplate::parse("{{.Name}}: {{json .Labels}}")).execute(container));
///
/// Where Go tells structs from maps, JSON cannot: a member that is missing counts as false in
/// conditions and as nil for functions, and is an error when it would be printed or looked into.
/// Members of maps that users name themselves (Labels, Options and the like) print as "<no value>".
class GoTemplate {
public:
    /// InvalidArgument with line and column. Nesting is limited to 100 levels.
    static Result<GoTemplate> parse(std::string_view text);
    GoTemplate(GoTemplate&&) noexcept;
    GoTemplate& operator=(GoTemplate&&) noexcept;
    ~GoTemplate();

    /// InvalidArgument names the field or function that has no answer for this data. Output is
    /// limited to 64 MiB.
    Result<std::string> execute(const nlohmann::ordered_json& data,
                                const TemplateMethod& method = {}) const;
    /// Names of the fields of the top value that the template uses, each once, in order: {{.ID}}
    /// {{.Names}}. They are the columns of a `table` format.
    std::vector<std::string> fields() const;

private:
    explicit GoTemplate(std::unique_ptr<template_ast::List> root);
    std::unique_ptr<template_ast::List> root_;
};

/// A value as Go's fmt prints it with %v: map[a:1 b:2], [x y], <nil>.
std::string format_go_value(const nlohmann::ordered_json& value);

}  // namespace berth::codec
