#pragma once
#include <cstddef>
#include <string>

namespace berth {

/// `bytes` random bytes from the kernel, as lower-case hexadecimal (two characters each).
/// getrandom(2).
std::string random_hex(std::size_t bytes);

}  // namespace berth
