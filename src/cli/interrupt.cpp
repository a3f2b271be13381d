#include "cli/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <ctime>

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

int Interrupt::exit_code() { return 128 + received; }

Interrupt::Interrupt() {
    const sigset_t set = watched_signals();
    pthread_sigmask(SIG_BLOCK, &set, &before_);
    waiter_ = std::jthread([this](const std::stop_token& ended) {
        const sigset_t watched = watched_signals();
        for (;;) {
            const int signal = sigwaitinfo(&watched, nullptr);
            if (ended.stop_requested()) return;
            if (signal < 0 || signal == SIGUSR2) continue;
            if (source_.stop_requested()) _exit(128 + signal);
            received = signal;
            source_.request_stop();
        }
    });
}

Interrupt::~Interrupt() {
    waiter_.request_stop();
    pthread_kill(waiter_.native_handle(), SIGUSR2);
    waiter_.join();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace berth::cli
