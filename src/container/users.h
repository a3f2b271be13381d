#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::container {

/// Who a process runs as, as numbers.
struct ResolvedUser {
    std::uint32_t uid = 0, gid = 0;
    std::vector<std::uint32_t> groups;  // supplementary
    std::string home;                   // from passwd; "/" for someone not in it, "/root" for uid 0
    bool operator==(const ResolvedUser&) const = default;
};

/// The text of the root's account files, each bounded; absent files are empty.
struct AccountFiles {
    std::string passwd, group;
};
/// Reads /etc/passwd and /etc/group inside `root`. The root is hostile: nothing but a regular file
/// of at most 10 MiB is read, and links stay inside.
Result<AccountFiles> read_account_files(sys::BorrowedFd root);

/// Resolves "", "name", "uid", "name:group", "uid:gid" and `group_add` (names or numbers). A number
/// is a number whatever the files call it, and must be below 2^32-1; a name must exist.
/// InvalidArgument with Docker's words "unable to find user X: no matching entries in passwd file".
Result<ResolvedUser> resolve_user(const AccountFiles& files, std::string_view user,
                                  const std::vector<std::string>& group_add = {});

}  // namespace berth::container
