#include "cli/image/build_view.h"

#include <array>
#include <cstdio>

#include "cli/container/relay.h"
#include "cli/output/rows.h"

namespace berth::cli {

using codec::get_int;
using codec::get_string;

namespace {

constexpr std::size_t max_live_steps = 8;

std::string seconds_text(double seconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1fs", seconds);
    return text.data();
}

}  // namespace

Result<> BuildView::show(const api::ProgressMessage& message) {
    if (style_ == BuildStyle::RawJson) {
        context_.note(message.to_line());
    }
    if (!message.aux.empty()) {
        const auto aux = TRY(codec::parse_json(message.aux).context("progress of the build"));
        if (const std::string id = get_string(aux, "ID"); !id.empty()) image_id_ = id;
        if (const auto* step = codec::find_member(aux, "berth.step");
            step != nullptr && style_ != BuildStyle::RawJson)
            take_step(*step);
    }
    if (!message.stream.empty() && (style_ == BuildStyle::Plain || style_ == BuildStyle::Live)) {
        erase();
        context_.note(message.stream);
        redraw();
    }
    return {};
}

void BuildView::take_step(const codec::Json& event) {
    if (style_ == BuildStyle::Quiet) return;
    const std::string kind = get_string(event, "kind");
    erase();
    if (kind == "plan") {
        if (const auto* list = codec::find_member(event, "steps")) {
            for (const auto& info : *list)
                steps_[get_int(info, "id")].name = get_string(info, "name");
        }
    } else if (kind == "warning") {
        line(concat("WARNING: ", get_string(event, "text")));
    } else {
        Step& step = steps_[get_int(event, "step")];
        const auto* seconds = codec::find_member(event, "seconds");
        if (kind == "started") {
            announce(step);
            step.running = true;
            step.started = std::chrono::steady_clock::now();
        } else if (kind == "output") {
            take_output(step, get_string(event, "text"));
        } else if (kind == "status") {
            step.last_line = concat(get_string(event, "text"));
        } else if (kind == "cached") {
            end(step, "CACHED");
        } else if (kind == "finished") {
            end(step, concat("DONE ", seconds_text(seconds != nullptr && seconds->is_number()
                                                       ? seconds->get<double>()
                                                       : 0)));
        } else if (kind == "failed") {
            end(step, concat("ERROR: ", get_string(event, "text")));
        } else if (kind == "cancelled") {
            end(step, "CANCELED");
        }
    }
    redraw();
}

void BuildView::announce(Step& step) {
    if (step.number != 0) return;
    step.number = next_number_++;
    if (style_ == BuildStyle::Plain) line(concat("#", step.number, " ", step.name));
}

void BuildView::take_output(Step& step, std::string_view text) {
    announce(step);
    step.partial += text;
    for (auto at = step.partial.find('\n'); at != std::string::npos; at = step.partial.find('\n')) {
        std::string one = step.partial.substr(0, at);
        if (one.ends_with('\r')) one.pop_back();
        step.partial.erase(0, at + 1);
        step.last_line = one;
        if (style_ != BuildStyle::Plain) continue;
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - step.started).count();
        std::array<char, 32> stamp{};
        std::snprintf(stamp.data(), stamp.size(), "%.3f", seconds);
        line(concat("#", step.number, " ", stamp.data(), " ", one));
    }
}

void BuildView::end(Step& step, std::string_view how) {
    announce(step);
    if (!step.partial.empty()) take_output(step, "\n");
    step.running = false;
    if (style_ == BuildStyle::Plain)
        line(concat("#", step.number, " ", how, "\n"));
    else
        line(concat(" => ", how == "CACHED" ? "CACHED " : "", step.name,
                    how == "CACHED" ? "" : concat("  ", how)));
}

void BuildView::line(std::string_view text) { context_.note(concat(text, "\n")); }

void BuildView::erase() {
    if (style_ != BuildStyle::Live || drawn_ == 0) return;
    context_.note(concat("\x1b[", drawn_, "A\r\x1b[J"));
    drawn_ = 0;
}

void BuildView::redraw() {
    if (style_ != BuildStyle::Live) return;
    const auto size = terminal_size();
    const std::size_t width = size && size->columns > 20 ? size->columns - 1 : 79;
    std::string out;
    for (const auto& [id, step] : steps_) {
        if (!step.running || drawn_ >= max_live_steps) continue;
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - step.started).count();
        out += shorten(concat(" => ", step.name, "  ", seconds_text(seconds)), width) + "\n";
        ++drawn_;
        if (step.last_line.empty()) continue;
        out += shorten(concat(" => => ", step.last_line), width) + "\n";
        ++drawn_;
    }
    if (!out.empty()) context_.note(out);
}

void BuildView::close() { erase(); }

}  // namespace berth::cli
