#pragma once
#include <map>
#include <string>
#include <vector>

#include "api/progress.h"
#include "base/result.h"
#include "cli/context.h"

namespace berth::cli {

/// Shows a pull, push, load or import: one bar for each layer on a terminal, plain lines elsewhere.
class ProgressPrinter {
public:
    struct Options {
        bool quiet = false;
        bool to_stderr = false;  ///< `run` keeps standard output for the container
    };
    ProgressPrinter(const Context& context, Options options);
    Result<> show(const api::ProgressMessage& message);

private:
    Result<> write(std::string_view text) const;
    std::string line_for(const api::ProgressMessage& message) const;

    const Context& context_;
    Options options_;
    bool is_live_;
    int columns_ = 80;
    std::map<std::string, std::size_t> line_of_;
    std::vector<std::string> last_status_;
};

/// "[=====>    ]  1.2MB/4MB"
std::string progress_bar(std::int64_t current, std::int64_t total, int columns);

}  // namespace berth::cli
