#include "daemon/progress_stream.h"

namespace berth::daemon {

void ProgressStream::send(const api::ProgressMessage& message) {
    if (!response_.has_started()) response_.headers.set("Content-Type", "application/json");
    response_.write(message.to_line()).ignore("the stop token tells");
}

Result<> ProgressStream::finish(Result<> outcome) {
    if (!response_.has_started()) {
        if (outcome.is_error()) return outcome;
        response_.headers.set("Content-Type", "application/json");
        return response_.start();
    }
    if (outcome.is_error()) {
        std::string text = outcome.error().message();
        if (!outcome.error().hint().empty()) text += "\nhint: " + outcome.error().hint();
        send({.error = text});
    }
    return {};
}

}  // namespace berth::daemon
