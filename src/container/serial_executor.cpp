#include "container/serial_executor.h"

namespace berth::container {

SerialExecutor::SerialExecutor(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i)
        threads_.emplace_back([this](std::stop_token stop) { run(stop); });
}

SerialExecutor::~SerialExecutor() {
    for (std::jthread& thread : threads_) thread.request_stop();
    threads_.clear();
}

void SerialExecutor::post(const std::string& key, std::function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        Queue& queue = queues_[key];
        queue.tasks.push_back(std::move(task));
        if (!queue.running && queue.tasks.size() == 1) ready_.push_back(key);
    }
    changed_.notify_all();
}

void SerialExecutor::drain() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queues_.empty(); });
}

void SerialExecutor::run(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [&] { return !ready_.empty(); })) {
        const std::string key = std::move(ready_.front());
        ready_.pop_front();
        Queue& queue = queues_[key];
        const std::function<void()> task = std::move(queue.tasks.front());
        queue.tasks.pop_front();
        queue.running = true;
        lock.unlock();
        task();
        lock.lock();
        queue.running = false;
        if (queue.tasks.empty())
            queues_.erase(key);
        else
            ready_.push_back(key);
        changed_.notify_all();
        if (stop.stop_requested()) return;
    }
}

}  // namespace berth::container
