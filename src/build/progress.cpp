#include "build/progress.h"

#include "base/text.h"

namespace berth::build {

namespace {
constexpr std::size_t max_pending_bytes = 1 << 20;
}  // namespace

void ClassicOutput::operator()(const Progress& event) {
    if (event.kind == ProgressKind::Plan) {
        steps_.clear();
        current_ = 0;
        announced_ = false;
        for (const auto& info : event.steps) {
            if (info.instruction.empty()) continue;
            Step step;
            step.info = info;
            if (info.metadata_only) step.state = State::Done;
            steps_.push_back(std::move(step));
        }
        return advance();
    }
    for (auto& step : steps_) {
        if (step.info.id != event.step) continue;
        switch (event.kind) {
            case ProgressKind::Started: step.state = State::Running; break;
            case ProgressKind::Cached:
                step.cached = true;
                step.state = State::Done;
                step.result = event.result;
                break;
            case ProgressKind::Finished:
                step.state = State::Done;
                step.result = event.result;
                break;
            case ProgressKind::Output:
                // Of a step that waits for its turn to be shown only so much is kept; the log has
                // the rest.
                if (step.pending.size() > max_pending_bytes)
                    step.pending = "[earlier output is in the log]\n";
                step.pending += event.text;
                break;
            case ProgressKind::Status:
                if (event.total == 0) step.pending += event.text + "\n";
                break;
            case ProgressKind::Failed:
            case ProgressKind::Cancelled:
            case ProgressKind::Warning:
            case ProgressKind::Plan: break;
        }
        break;
    }
    if (event.kind != ProgressKind::Failed) return advance();
    // Nothing will follow the failed step: show it even if an earlier one was not done.
    for (std::size_t i = 0; i < steps_.size(); ++i) {
        if (steps_[i].info.id != event.step || i < current_) continue;
        if (i != current_) announced_ = false;
        current_ = i;
        advance();
        break;
    }
}

void ClassicOutput::advance() {
    while (current_ < steps_.size()) {
        Step& step = steps_[current_];
        if (!announced_) {
            write_(concat("Step ", current_ + 1, "/", steps_.size(), " : ", step.info.instruction,
                          "\n"));
            announced_ = true;
        }
        if (!step.pending.empty()) {
            write_(step.pending);
            step.pending.clear();
        }
        if (step.state != State::Done) return;
        if (step.cached) write_(" ---> Using cache\n");
        if (!step.result.empty()) write_(concat(" ---> ", step.result, "\n"));
        ++current_;
        announced_ = false;
    }
}

}  // namespace berth::build
