#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

// Extended attributes, xattr(7). Values are bytes. `fd` may also be an O_PATH descriptor, so
// symbolic links and devices work too (through /proc/self/fd).

/// Names of all attributes that this process may see; empty where the file system has none.
Result<std::vector<std::string>> list_xattrs(BorrowedFd fd);
/// nullopt when the attribute is absent or the file system has no attributes.
Result<std::optional<std::string>> get_xattr(BorrowedFd fd, const std::string& name);
Result<> set_xattr(BorrowedFd fd, const std::string& name, std::string_view value);
/// Absent is fine.
Result<> remove_xattr(BorrowedFd fd, const std::string& name);

/// The same for `name` in `dir`, not following a symbolic link.
Result<std::vector<std::string>> list_xattrs_at(BorrowedFd dir, const std::string& name);
Result<std::optional<std::string>> get_xattr_at(BorrowedFd dir, const std::string& name,
                                                const std::string& attribute);
Result<> set_xattr_at(BorrowedFd dir, const std::string& name, const std::string& attribute,
                      std::string_view value);

}  // namespace berth::sys
