#pragma once
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "build/files/mode.h"
#include "build/files/select.h"
#include "sys/fd.h"

// Changing a root's files as COPY, ADD and WORKDIR want it. Every path is resolved inside the root
// it belongs to.
namespace berth::build {

struct Owner {
    std::uint32_t uid = 0, gid = 0;
};

/// What --chown says, looked up in the root's account files. A user that is only a number gets the
/// same number as group.
Result<std::optional<Owner>> resolve_owner(sys::BorrowedFd root, const std::string& chown);

struct CopyOptions {
    std::optional<Owner> owner;  // instead of the sources'
    ModeChange mode;
    bool unpack = false;  // regular files that are archives are extracted into the destination
};

/// Copies what `selection` means in `from` to `destination` in `to`: the content of directories,
/// merged into what is there; a file below the destination when that ends with "/" or is a
/// directory. Times, attributes and hard links are kept. Errors name the paths.
Result<> copy_selection(sys::BorrowedFd from, const Selection& selection, sys::BorrowedFd to,
                        const std::string& destination, const CopyOptions& options,
                        std::stop_token stop);

/// Makes a directory and its missing parents. Those made get `mode` and `owner`.
Result<> make_directories(sys::BorrowedFd root, const std::string& path, mode_t mode,
                          std::optional<Owner> owner);

/// Writes a file, with missing parents, in the place of what is there.
Result<> make_file(sys::BorrowedFd root, const std::string& path, std::string_view content,
                   const ModeChange& mode, std::optional<Owner> owner);

}  // namespace berth::build
