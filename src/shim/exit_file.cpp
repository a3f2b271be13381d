#include "shim/exit_file.h"

#include "sys/file.h"

namespace berth::shim {
namespace {
constexpr std::size_t max_exit_file = 64 * 1024;
}

Result<> write_exit_file(const std::string& directory, const Exited& exited) {
    const std::string aside = directory + "/exit.new";
    {
        const sys::Fd file = TRY(sys::open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
        TRY(sys::write_all(file, encode(exited)));
    }
    return sys::rename(aside, directory + "/exit");
}

std::optional<Exited> read_exit_file(const std::string& directory) {
    const auto text = sys::read_file(directory + "/exit", max_exit_file);
    if (!text) return std::nullopt;
    const auto message = parse_header(*text);
    if (!message || message->first.type != static_cast<std::uint16_t>(MessageType::Exited))
        return std::nullopt;
    auto exited = decode<Exited>(message->second);
    if (!exited) return std::nullopt;
    return std::move(exited).value();
}

Result<> remove_exit_file(const std::string& directory) {
    auto removed = sys::unlink(directory + "/exit");
    if (removed.is_error() && removed.error().is(ErrorCode::NotFound)) return {};
    return removed;
}

}  // namespace berth::shim
