#pragma once
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace berth::sys {

/// Ends in the background what takes long to end: files and trees that were renamed out of sight,
/// mounts that nobody uses. What is left when this object ends is for whoever sweeps at the next
/// start.
class Remover {
public:
    Remover();
    void remove(std::string path);
    /// Lets go of it; the last owner's destructor then runs in the background.
    void release(std::shared_ptr<const void> thing);
    /// Blocks until all that it was given has gone.
    void wait();

private:
    struct Work {
        std::vector<std::string> paths;
        std::vector<std::shared_ptr<const void>> things;
        bool is_busy = false;
    };
    Guarded<Work> work_;
    std::jthread thread_;
};

}  // namespace berth::sys
