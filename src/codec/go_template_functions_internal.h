#pragma once
#include <span>
#include <string>
#include <string_view>

#include "codec/json.h"

namespace berth::codec {

bool is_template_function(std::string_view name);
/// Any function but `and` and `or`, which evaluate their arguments one by one.
Result<Json> call_template_function(std::string_view name, std::span<const Json> arguments);
/// Go's truth: false, 0, "", nil and what is empty are false.
bool is_template_true(const Json& value);
/// fmt.Sprintf with the verbs v s d q t x X f g e c and %, widths, precisions, and flags - + 0
/// space #.
std::string go_sprintf(std::string_view format, std::span<const Json> arguments);
/// fmt.Sprint: spaces between operands when neither is a string.
std::string go_sprint(std::span<const Json> arguments);

}  // namespace berth::codec
