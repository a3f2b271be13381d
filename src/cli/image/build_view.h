#pragma once
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "api/progress.h"
#include "base/result.h"
#include "cli/context.h"
#include "codec/json.h"

namespace berth::cli {

enum class BuildStyle { Plain, Live, Quiet, RawJson };

/// Shows a build on standard error, as BuildKit's users know it: "#3 [2/5] RUN make", its output,
/// "#3 DONE 1.2s". Live, running steps stand at the bottom of the terminal with their time and last
/// line of output, and finished ones above.
class BuildView {
public:
    BuildView(const Context& context, BuildStyle style) : context_(context), style_(style) {}
    Result<> show(const api::ProgressMessage& message);
    /// Takes the live part off the screen, leaving what is finished.
    void close();
    /// The image that came out, or "".
    const std::string& image_id() const { return image_id_; }

private:
    struct Step {
        std::string name;
        int number = 0;  ///< as shown; 0 until it is announced
        bool running = false;
        std::string partial;  ///< the line being written
        std::string last_line;
        std::chrono::steady_clock::time_point started;
    };
    void take_step(const codec::Json& event);
    void announce(Step& step);
    void take_output(Step& step, std::string_view text);
    void end(Step& step, std::string_view how);
    void line(std::string_view text);
    void redraw();
    void erase();

    const Context& context_;
    BuildStyle style_;
    std::map<std::int64_t, Step> steps_;
    int next_number_ = 1;
    std::size_t drawn_ = 0;
    std::string image_id_;
};

}  // namespace berth::cli
