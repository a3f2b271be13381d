#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace berth::container {

/// Runs tasks in a few threads: those of one key one after another in their order, those of
/// different keys side by side.
class SerialExecutor {
public:
    explicit SerialExecutor(unsigned threads);
    /// Waits for the running tasks; what has not begun is dropped.
    ~SerialExecutor();
    void post(const std::string& key, std::function<void()> task);
    /// Waits until everything that was posted so far is done.
    void drain();

private:
    struct Queue {
        std::deque<std::function<void()>> tasks;
        bool running = false;
    };
    void run(std::stop_token stop);
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::string, Queue> queues_;
    std::deque<std::string> ready_;  // keys with a task and nobody at it
    std::vector<std::jthread> threads_;
};

}  // namespace berth::container
