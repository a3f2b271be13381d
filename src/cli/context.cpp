#include "cli/context.h"

#include <unistd.h>

#include "base/clock.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/terminal.h"

namespace berth::cli {

namespace {

// berthd stands beside us, or where BERTH_LIBEXEC says.
std::string engine_program(const Context& context) {
    if (const std::string folder = context.variable("BERTH_LIBEXEC"); !folder.empty())
        return folder + "/berthd";
    auto self = sys::readlink("/proc/self/exe");
    if (!self) return {};
    const std::string path = self->substr(0, self->rfind('/')) + "/berthd";
    return sys::exists(path) ? path : std::string();
}

}  // namespace

std::string Context::variable(const std::string& name) const {
    const auto found = environment_.find(name);
    return found == environment_.end() ? std::string() : found->second;
}

Result<const client::Client*> Context::engine() {
    if (engine_) return &*engine_;
    client::ConnectOptions options;
    options.host = TRY(client::choose_host(host_, environment_));
    const auto home = TRY(client::choose_host({}, {}));
    if (options.host.unix_path == home.unix_path && variable("BERTH_NO_START").empty()) {
        options.engine = engine_program(*this);
        options.engine_log = home.unix_path.substr(0, home.unix_path.rfind('/')) + "/berthd.log";
        for (const auto& [name, value] : environment_)
            options.engine_environment.push_back(concat(name, "=", value));
    }
    engine_ = TRY(client::Client::connect(options));
    return &*engine_;
}

Result<ConfigFile*> Context::config() {
    if (!config_) {
        config_ = TRY(ConfigFile::load(
            config_folder_.empty() ? ConfigFile::default_folder(environment_) : config_folder_));
    }
    return &*config_;
}

bool Context::is_output_terminal() const { return sys::is_terminal(STDOUT_FILENO); }
bool Context::is_error_terminal() const { return sys::is_terminal(STDERR_FILENO); }
bool Context::is_input_terminal() const { return sys::is_terminal(STDIN_FILENO); }

Result<> Context::print(std::string_view text) const {
    return sys::write_all(STDOUT_FILENO, text).context("standard output");
}

Result<> Context::print_line(std::string_view text) const { return print(concat(text, "\n")); }

void Context::note(std::string_view text) const {
    sys::write_all(STDERR_FILENO, text).ignore("there is nowhere else to say it");
}

namespace {

// Messages quote names out of archives, registries and images: none of them gets to drive the
// terminal.
std::string visible(std::string_view text) {
    std::string out;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if ((byte < 0x20 && character != '\n' && character != '\t') || byte == 0x7f) {
            const std::byte raw{byte};
            out += concat("\\x", to_hex({&raw, 1}));
        } else {
            out += character;
        }
    }
    return out;
}

}  // namespace

void Context::complain(const Error& error) const {
    note(concat("berth: ", visible(error.message()), "\n"));
    if (!error.hint().empty()) note(concat("hint: ", visible(error.hint()), "\n"));
}

void Context::warn(std::string_view text) const { note(concat("WARNING: ", text, "\n")); }

Result<std::string> parse_time_flag(const std::string& text, std::string_view flag) {
    if (text.empty() || parse_uint(text.substr(0, text.find('.')))) return text;
    std::optional<Timestamp> time = parse_rfc3339(text);
    // A date alone, or a time without a zone, is UTC.
    if (!time) time = parse_rfc3339(text + "Z");
    if (!time) time = parse_rfc3339(text + "T00:00:00Z");
    if (!time) {
        if (const auto back = parse_duration(text)) time = SystemClock().now() - *back;
    }
    if (!time) {
        return fail(ErrorCode::InvalidArgument, "invalid time for ", flag, ": ", text)
            .with_hint(
                "give 2026-01-02T13:23:37Z, 2026-01-02, unix seconds, or a duration such as 10m");
    }
    const auto nanoseconds = time->time_since_epoch().count();
    std::string fraction = std::to_string(nanoseconds % 1'000'000'000);
    fraction.insert(0, 9 - fraction.size(), '0');
    return concat(nanoseconds / 1'000'000'000, ".", fraction);
}

Result<int> for_each_name(Context& context, std::span<const std::string> names,
                          const std::function<Result<std::string>(const std::string& name)>& act) {
    int code = 0;
    for (const std::string& name : names) {
        auto printed = act(name);
        if (printed) {
            if (!printed->empty()) TRY(context.print_line(*printed));
            continue;
        }
        context.complain(printed.error());
        code = 1;
    }
    return code;
}

}  // namespace berth::cli
