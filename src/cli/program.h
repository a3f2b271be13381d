#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/process.h"

namespace berth::cli {

struct ProgramOutcome {
    sys::ExitStatus status;
    std::string output;  ///< what it wrote to standard output, of at most 1 MiB
};

/// Runs a program found in an absolute folder of PATH with `input` on its standard input. Standard
/// error is ours. NotFound when there is none.
Result<ProgramOutcome> run_program(const std::string& name,
                                   const std::vector<std::string>& arguments,
                                   const std::string& input);

}  // namespace berth::cli
