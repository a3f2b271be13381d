#include "sys/fd.h"

#include <unistd.h>

namespace berth::sys {

void Fd::close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
}

}  // namespace berth::sys
