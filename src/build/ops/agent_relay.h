#pragma once
#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::build {

/// A socket for one step that leads to an ssh agent. The agent itself would refuse a step's user,
/// and its own socket would stay reachable after the step: connections end with this object.
class AgentRelay {
public:
    struct Options {
        std::string path;   // of the new socket
        std::string agent;  // socket to connect to
        unsigned uid = 0, gid = 0, mode = 0600;
    };
    /// Unavailable or NotFound when nobody answers at the agent's socket.
    static Result<std::unique_ptr<AgentRelay>> open(Options options);
    ~AgentRelay();

private:
    struct Connection {
        sys::Fd client, agent;
        std::atomic<int> running = 2;
        std::jthread up, down;
    };
    AgentRelay(Options options, sys::Fd listener);
    void accept_all();
    static void pump(Connection& connection, sys::BorrowedFd from, sys::BorrowedFd to);

    Options options_;
    sys::Fd listener_;
    std::list<Connection> connections_;  // the acceptor's while it runs
    std::jthread acceptor_;
};

}  // namespace berth::build
