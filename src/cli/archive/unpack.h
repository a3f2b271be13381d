#pragma once
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::cli {

/// Unpacks a tar archive that a container made into `folder`, its first path component replaced by
/// `name` ("" drops it); paths of an archive that begins with "./" have `name` put in front. Trusts
/// nothing in it: no entry, and no link made by an earlier entry,
/// leads out of the folder.
Result<> unpack(sys::BorrowedFd archive, const std::string& folder, const std::string& name,
                bool keep_owner);

}  // namespace berth::cli
