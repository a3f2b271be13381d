#include "cli/output/progress.h"

#include <algorithm>

#include "cli/container/relay.h"
#include "cli/units.h"

namespace berth::cli {

std::string progress_bar(std::int64_t current, std::int64_t total, int columns) {
    if (current <= 0 && total <= 0) return "";
    const std::string done = human_size(static_cast<double>(current), 4);
    if (total <= 0) return done;
    const std::string counts = concat(done, "/", human_size(static_cast<double>(total), 4));
    if (columns < 60) return counts;
    constexpr int width = 50;
    const int filled = static_cast<int>(
        std::clamp<double>(static_cast<double>(current) / static_cast<double>(total), 0, 1) *
        width);
    std::string bar(filled, '=');
    if (filled < width) bar += '>';
    bar.append(width - std::min<std::size_t>(bar.size(), width), ' ');
    return concat("[", bar, "]  ", counts);
}

ProgressPrinter::ProgressPrinter(const Context& context, Options options)
    : context_(context),
      options_(options),
      is_live_(options.to_stderr ? context.is_error_terminal() : context.is_output_terminal()) {
    if (const auto size = terminal_size(); size && size->columns > 0) columns_ = size->columns;
}

Result<> ProgressPrinter::write(std::string_view text) const {
    if (!options_.to_stderr) return context_.print(text);
    context_.note(text);
    return {};
}

std::string ProgressPrinter::line_for(const api::ProgressMessage& message) const {
    std::string line =
        message.id.empty() ? message.status : concat(message.id, ": ", message.status);
    if (is_live_) {
        const auto bar =
            progress_bar(message.current, message.total, columns_ - static_cast<int>(line.size()));
        if (!bar.empty()) line += concat(" ", bar);
    }
    return line;
}

Result<> ProgressPrinter::show(const api::ProgressMessage& message) {
    if (options_.quiet) return {};
    if (!message.stream.empty()) return write(message.stream);
    if (message.status.empty()) return {};
    const std::string line = line_for(message);
    if (message.id.empty()) return write(line + "\n");
    const auto [entry, is_new] = line_of_.try_emplace(message.id, line_of_.size());
    if (is_new) last_status_.emplace_back();
    std::string& last = last_status_[entry->second];
    if (!is_live_) {
        // Without a terminal only what changes in kind is worth a line.
        if (last == message.status) return {};
        last = message.status;
        return write(line + "\n");
    }
    if (is_new) return write(line + "\n");
    const std::size_t up = line_of_.size() - entry->second;
    return write(concat("\x1b[", up, "A\r\x1b[2K", line, "\x1b[", up, "B\r"));
}

}  // namespace berth::cli
