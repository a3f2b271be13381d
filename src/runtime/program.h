#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::runtime {

/// Where `name` is, seen from the current root, directory and user: a path is taken as it is, a
/// bare name is looked up in PATH of `environment`. The texts are those that Docker's users know:
/// `exec: "x": executable file not found in $PATH` (NotFound), `exec: "./x": permission denied`
/// (PermissionDenied), `exec: "/": is a directory` (PermissionDenied).
Result<std::string> find_program(const std::string& name,
                                 const std::vector<std::string>& environment);

/// Becomes the program; returns only with why not. execve(2).
Error execute(const std::string& path, const std::vector<std::string>& arguments,
              const std::vector<std::string>& environment);

}  // namespace berth::runtime
