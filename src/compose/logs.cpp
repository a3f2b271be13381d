#include "compose/logs.h"

#include <map>
#include <mutex>
#include <thread>

namespace berth::compose {

namespace {

/// Cuts a stream into lines; what is left at the end is a line, too.
class LineCutter {
public:
    LineCutter(const ObservedContainer& container, const LogSink& sink, std::mutex& mutex)
        : container_(container), sink_(sink), mutex_(mutex) {}
    ~LineCutter() {
        for (auto& [stream, rest] : rest_)
            if (!rest.empty()) emit(stream, rest);
    }

    void add(api::Stream stream, std::string_view bytes) {
        std::string& rest = rest_[stream];
        for (;;) {
            const auto end = bytes.find('\n');
            if (end == std::string_view::npos) break;
            rest.append(bytes.substr(0, end));
            if (rest.ends_with('\r')) rest.pop_back();
            emit(stream, rest);
            rest.clear();
            bytes.remove_prefix(end + 1);
        }
        rest.append(bytes);
        // A program that never ends its line must not grow our memory without bound.
        if (rest.size() > max_line_bytes) {
            emit(stream, rest);
            rest.clear();
        }
    }

private:
    static constexpr std::size_t max_line_bytes = 64 << 10;
    void emit(api::Stream stream, const std::string& text) {
        const std::lock_guard lock(mutex_);
        sink_({container_.name, stream, text});
    }
    const ObservedContainer& container_;
    const LogSink& sink_;
    std::mutex& mutex_;
    std::map<api::Stream, std::string> rest_;
};

}  // namespace

Result<> read_logs(const client::Client& client, const std::vector<ObservedContainer>& containers,
                   const client::LogOptions& options, const LogSink& sink,
                   const std::function<void(const ObservedContainer&)>& on_end,
                   const std::stop_token& stop) {
    std::mutex mutex;
    std::optional<Error> first_error;
    const auto read_one = [&](const ObservedContainer& container) {
        Result<> result;
        {
            LineCutter cutter(container, sink, mutex);
            result = client.logs(
                container.id, options,
                [&](api::Stream stream, std::string_view bytes) -> Result<> {
                    cutter.add(stream, bytes);
                    return {};
                },
                stop);
        }
        const std::lock_guard lock(mutex);
        if (result.is_error() && !stop.stop_requested() && !first_error)
            first_error = std::move(result).error();
        if (on_end && !stop.stop_requested()) on_end(container);
    };
    {
        std::vector<std::jthread> threads;
        for (const auto& container : containers) threads.emplace_back([&] { read_one(container); });
    }
    if (first_error) return std::move(*first_error);
    return {};
}

}  // namespace berth::compose
