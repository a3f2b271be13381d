#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/dockerfile/ast.h"
#include "build/dockerfile/source.h"

namespace berth::build::dockerfile {

/// Parses a whole Dockerfile. Errors show the place, the line and a caret, and what was probably
/// meant.
Result<Dockerfile> parse(const Source& source);

/// Parses the instruction that an ONBUILD of a base image left. `source` holds just that.
Result<Instruction> parse_trigger(const Source& source);

/// The names of all instructions, upper case.
std::span<const std::string> instruction_names();

}  // namespace berth::build::dockerfile
