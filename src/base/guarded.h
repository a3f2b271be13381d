#pragma once
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace berth {

/// A value and the mutex that protects it; the value is unreachable without the lock.
///     auto records = records_.lock();  records->insert(...);
/// No lock is held across I/O, a callback or a wait for something else.
template <typename T>
class Guarded {
public:
    class Locked {
    public:
        T* operator->() { return &owner_.value_; }
        T& operator*() { return owner_.value_; }
        /// Sleeps until `condition(value)` holds or a stop is requested; false means stopped.
        template <typename Condition>
        bool wait(const std::stop_token& stop, Condition condition) {
            return owner_.changed_.wait(lock_, stop, [&] { return condition(owner_.value_); });
        }
        /// The same with a time limit; false means stopped or timed out.
        template <typename Duration, typename Condition>
        bool wait_for(const std::stop_token& stop, Duration limit, Condition condition) {
            return owner_.changed_.wait_for(lock_, stop, limit,
                                            [&] { return condition(owner_.value_); });
        }

    private:
        friend class Guarded;
        explicit Locked(Guarded& owner) : owner_(owner), lock_(owner.mutex_) {}
        Guarded& owner_;
        std::unique_lock<std::mutex> lock_;
    };

    Guarded() = default;
    explicit Guarded(T value) : value_(std::move(value)) {}
    Locked lock() { return Locked(*this); }
    /// Wakes everyone in Locked::wait().
    void notify_all() { changed_.notify_all(); }

private:
    T value_{};
    std::mutex mutex_;
    std::condition_variable_any changed_;
};

}  // namespace berth
