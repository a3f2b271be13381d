#pragma once
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "network/links.h"

namespace berth::network {

/// Sees to it that the links of ended containers go. They go by themselves, with the container's
/// network namespace, within some milliseconds; deleting them first would cost each `run --rm` a
/// grace period of the kernel. Only one that is still there after a while, since somebody else
/// keeps the namespace open, is deleted here.
class LinkReaper {
public:
    explicit LinkReaper(Links& links);
    /// Stops. Links that still wait are swept by the next reconcile().
    ~LinkReaper() = default;

    void expect_end_of(std::string host_link);

private:
    void run(std::stop_token stop);

    Links& links_;
    Guarded<std::vector<std::string>> expected_;
    std::jthread thread_;
};

}  // namespace berth::network
