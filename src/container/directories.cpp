#include "base/text.h"
#include "container/implementation_internal.h"
#include "sys/file.h"

namespace berth::container {

Result<sys::Fd> make_directory_in_root(sys::BorrowedFd root, const std::string& path) {
    constexpr int flags = O_PATH | O_DIRECTORY;
    // The common case costs one system call.
    if (auto found = sys::open_in_root(root, path, flags)) return found;
    std::string prefix;
    sys::Fd parent = TRY(sys::open_in_root(root, "/", flags));
    for (const std::string& name : split(path, '/')) {
        if (name.empty() || name == ".") continue;
        prefix += "/" + name;
        auto next = sys::open_in_root(root, prefix, flags);
        if (!next && next.error().is(ErrorCode::NotFound)) {
            auto made = sys::mkdir_at(parent, name, 0755);
            if (!made && !made.error().is(ErrorCode::AlreadyExists)) return std::move(made).error();
            next = sys::open_in_root(root, prefix, flags);
        }
        if (!next) return std::move(next).error().with_context(concat("directory ", prefix));
        parent = std::move(*next);
    }
    return parent;
}

Result<> write_plain_file(const std::string& path, std::string_view text) {
    const sys::Fd file = TRY(sys::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644));
    return sys::write_all(file, text);
}

}  // namespace berth::container
