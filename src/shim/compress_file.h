#pragma once
#include <string>

#include "base/result.h"

namespace berth::shim {

/// Replaces the file by a compressed one, `path`.zst; one of the two is there whole at any moment.
/// Zstandard and not gzip because its library comes in static form.
Result<> compress_file(const std::string& path);

}  // namespace berth::shim
