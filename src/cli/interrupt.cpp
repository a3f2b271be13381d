#include "cli/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace berth::cli {

namespace {
// The last signal that asked this process to end. A process has one fate, so this may be global.
std::atomic<int> received{SIGINT};

sigset_t watched_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    // Only this process sends itself SIGUSR2, to end the waiter.
    sigaddset(&set, SIGUSR2);
    return set;
}
}  // namespace

/// The one thread that takes the signals, for all who wait for them: two threads would share them
/// out at random.
class Interrupt::Waiter {
public:
    static std::shared_ptr<Waiter> shared() {
        static std::mutex mutex;
        static std::weak_ptr<Waiter> current;
        const std::lock_guard lock(mutex);
        auto waiter = current.lock();
        if (!waiter) current = waiter = std::make_shared<Waiter>();
        return waiter;
    }

    Waiter() : thread_([this](const std::stop_token& ended) { run(ended); }) {}
    ~Waiter() {
        thread_.request_stop();
        pthread_kill(thread_.native_handle(), SIGUSR2);
    }

    std::stop_token token() const { return source_.get_token(); }

private:
    void run(const std::stop_token& ended) {
        const sigset_t watched = watched_signals();
        for (;;) {
            const int signal = sigwaitinfo(&watched, nullptr);
            if (ended.stop_requested()) return;
            if (signal < 0 || signal == SIGUSR2) continue;
            if (source_.stop_requested()) _exit(128 + signal);
            received = signal;
            source_.request_stop();
        }
    }

    std::stop_source source_;
    std::jthread thread_;
};

int Interrupt::exit_code() { return 128 + received; }

Interrupt::Interrupt() {
    const sigset_t set = watched_signals();
    pthread_sigmask(SIG_BLOCK, &set, &before_);
    waiter_ = Waiter::shared();
}

Interrupt::~Interrupt() {
    waiter_.reset();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::stop_token Interrupt::token() const { return waiter_->token(); }

}  // namespace berth::cli
