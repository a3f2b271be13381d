#include "cli/compose/progress_view.h"

#include <algorithm>

namespace berth::cli {

ProgressView::ProgressView(const Context& context, const std::string& mode)
    : context_(context),
      is_live_(mode == "tty" ||
               (mode != "plain" && mode != "quiet" && context.is_error_terminal())),
      is_quiet_(mode == "quiet") {}

compose::ProgressSink ProgressView::sink() {
    return [this](const compose::Progress& event) { show(event); };
}

void ProgressView::show(const compose::Progress& event) {
    if (is_quiet_ && !event.is_error) return;
    if (!is_live_) {
        context_.note(concat(" ", event.kind, " ", event.name, "  ", event.status, "\n"));
        return;
    }
    const std::string key = concat(event.kind, " ", event.name);
    const auto [at, is_new] = line_of_.try_emplace(key, lines_.size());
    if (is_new) {
        lines_.push_back(event);
    } else {
        lines_[at->second] = event;
    }
    redraw();
}

void ProgressView::redraw() {
    std::size_t width = 0;
    for (const auto& line : lines_) width = std::max(width, line.kind.size() + line.name.size());
    std::string out;
    if (drawn_ > 0) out += concat("\x1b[", drawn_, "A");
    for (const auto& line : lines_) {
        const std::string_view mark = line.is_error   ? "\x1b[31m x\x1b[0m"
                                      : line.is_final ? "\x1b[32m +\x1b[0m"
                                                      : "\x1b[33m .\x1b[0m";
        const std::string padding(width - line.kind.size() - line.name.size() + 2, ' ');
        out += concat("\x1b[2K", mark, " ", line.kind, " ", line.name, padding, line.status, "\n");
    }
    drawn_ = lines_.size();
    context_.note(out);
}

}  // namespace berth::cli
