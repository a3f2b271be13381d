#pragma once
#include <map>
#include <string>
#include <vector>

#include "cli/context.h"
#include "compose/progress.h"

namespace berth::cli {

/// Shows what compose does: on a terminal one line an object, redrawn in place; elsewhere one line
/// an event. On standard error.
class ProgressView {
public:
    /// `mode`: "auto", "tty", "plain" or "quiet".
    ProgressView(const Context& context, const std::string& mode);
    compose::ProgressSink sink();

private:
    void show(const compose::Progress& event);
    void redraw();

    const Context& context_;
    bool is_live_;
    bool is_quiet_;
    std::vector<compose::Progress> lines_;
    std::map<std::string, std::size_t> line_of_;
    std::size_t drawn_ = 0;
};

}  // namespace berth::cli
