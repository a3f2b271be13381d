#include "container/log_plan.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/text.h"
#include "codec/go_template.h"
#include "codec/json.h"
#include "container/mount_plan.h"

namespace berth::container {
namespace {

using shim::LogProtocol;
using shim::LogTransport;

struct Driver {
    std::string_view name;
    LogProtocol protocol;
    std::string_view options;  // beside the common ones, each with spaces around it
};
constexpr std::string_view common_options =
    " labels labels-regex env env-regex tag mode max-buffer-size cache-disabled cache-max-size "
    "cache-max-file cache-compress ";
constexpr Driver drivers[] = {
    {"json-file", LogProtocol::None, " max-size max-file compress "},
    {"local", LogProtocol::None, " max-size max-file compress "},
    {"none", LogProtocol::None, ""},
    {"journald", LogProtocol::Journald, " max-size max-file "},
    {"syslog", LogProtocol::Syslog,
     " max-size max-file syslog-address syslog-facility syslog-format "},
    {"gelf", LogProtocol::Gelf,
     " max-size max-file gelf-address gelf-compression-type gelf-compression-level "
     "gelf-tcp-max-reconnect gelf-tcp-reconnect-delay "},
    {"fluentd", LogProtocol::Fluentd,
     " max-size max-file fluentd-address fluentd-async fluentd-async-connect fluentd-buffer-limit "
     "fluentd-retry-wait fluentd-max-retries "
     "fluentd-sub-second-precision fluentd-request-ack fluentd-write-timeout "},
};

const Driver* find_driver(std::string_view name) {
    const auto found = std::ranges::find(drivers, name, &Driver::name);
    return found == std::end(drivers) ? nullptr : found;
}

std::string log_option(const LogConfig& log, const char* key, std::string_view fallback = {}) {
    const auto found = log.options.find(key);
    return found == log.options.end() ? std::string(fallback) : found->second;
}

Result<> set_address(const std::string& text, std::uint16_t default_port,
                     const ResolveHost& resolve, shim::RemoteLogSettings& out) {
    const std::size_t scheme_end = text.find("://");
    const std::string scheme = scheme_end == std::string::npos ? "tcp" : text.substr(0, scheme_end);
    const std::string rest = scheme_end == std::string::npos ? text : text.substr(scheme_end + 3);
    if (scheme == "unix" || scheme == "unixgram") {
        out.transport = scheme == "unix" ? LogTransport::UnixStream : LogTransport::UnixDatagram;
        out.address = rest;
        out.is_local = true;
        if (!rest.starts_with('/'))
            return fail(ErrorCode::InvalidArgument, "invalid log address \"", text,
                        "\": a socket has an absolute path");
        return {};
    }
    if (scheme != "udp" && scheme != "tcp")
        return fail(ErrorCode::InvalidArgument, "invalid log address \"", text,
                    "\": udp, tcp, unix and unixgram are known");
    out.transport = scheme == "udp" ? LogTransport::Udp : LogTransport::Tcp;
    std::size_t colon = rest.rfind(':');
    if (rest.ends_with(']')) colon = std::string::npos;
    std::string host = rest.substr(0, colon);
    const auto port = colon == std::string::npos
                          ? std::optional<std::uint64_t>(default_port)
                          : parse_uint(std::string_view(rest).substr(colon + 1));
    if (!port || *port == 0 || *port > 65535)
        return fail(ErrorCode::InvalidArgument, "invalid log address \"", text,
                    "\": the port is none");
    out.port = static_cast<std::uint16_t>(*port);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    out.address = TRY(resolve(host.empty() ? "localhost" : host).context("log address ", text));
    return {};
}

Result<int> parse_facility(const std::string& text) {
    static constexpr std::array<std::string_view, 24> names{
        "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
        "uucp",   "cron",   "authpriv", "ftp",    "",       "",       "",       "",
        "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
    if (text.empty()) return 3;
    const auto known = std::ranges::find(names, std::string_view(text));
    if (known != names.end()) return static_cast<int>(known - names.begin());
    const auto number = parse_uint(text);
    if (number && *number < 24) return static_cast<int>(*number);
    return fail(ErrorCode::InvalidArgument, "invalid syslog facility: ", text);
}

Result<std::string> make_tag(const LogConfig& log, const LogSubject& subject) {
    const std::string text = log_option(log, "tag", "{{.ID}}");
    const codec::Json fields{{"ID", subject.id.substr(0, 12)},
                             {"FullID", subject.id},
                             {"Name", subject.name},
                             {"ImageID", subject.image_id.substr(0, 19)},
                             {"ImageFullID", subject.image_id},
                             {"ImageName", subject.image},
                             {"DaemonName", "berth"}};
    const codec::GoTemplate parsed = TRY(codec::GoTemplate::parse(text).context("log option tag"));
    return parsed.execute(fields).context("log option tag");
}

// Which names an option with a list of them, and its twin with a regular expression, mean.
class NameFilter {
public:
    static Result<NameFilter> make(const LogConfig& log, const std::string& option) {
        NameFilter out;
        out.names_ = split(log_option(log, option.c_str()), ',');
        const std::string text = log_option(log, (option + "-regex").c_str());
        if (text.empty()) return out;
        out.pattern_.reset(new regex_t{});
        if (::regcomp(out.pattern_.get(), text.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
            out.pattern_.release();  // regcomp(3) leaves nothing to free
            return fail(ErrorCode::InvalidArgument, "log option ", option, "-regex: ", text,
                        " is no regular expression");
        }
        return out;
    }
    bool has(const std::string& name) const {
        if (name.empty()) return false;
        return std::ranges::find(names_, name) != names_.end() ||
               (pattern_ && ::regexec(pattern_.get(), name.c_str(), 0, nullptr, 0) == 0);
    }

private:
    struct Free {
        void operator()(regex_t* pattern) const {
            ::regfree(pattern);
            delete pattern;
        }
    };
    std::vector<std::string> names_;
    std::unique_ptr<regex_t, Free> pattern_;
};

}  // namespace

Result<std::vector<std::string>> log_fields(const LogConfig& log, const StringMap& labels,
                                            const std::vector<std::string>& env) {
    const NameFilter wanted_labels = TRY(NameFilter::make(log, "labels"));
    const NameFilter wanted_env = TRY(NameFilter::make(log, "env"));
    std::vector<std::string> out;
    for (const auto& [key, value] : labels)
        if (wanted_labels.has(key)) out.push_back(concat(key, "=", value));
    for (const std::string& line : env)
        if (wanted_env.has(line.substr(0, line.find('=')))) out.push_back(line);
    return out;
}

namespace {

Result<> set_protocol(const LogConfig& log, const ResolveHost& resolve,
                      shim::RemoteLogSettings& out) {
    switch (out.protocol) {
        case LogProtocol::None: return {};
        case LogProtocol::Journald:
            out.transport = LogTransport::UnixDatagram;
            out.address = "/run/systemd/journal/socket";
            return {};
        case LogProtocol::Syslog:
            out.format = log_option(log, "syslog-format");
            if (!out.format.empty() && out.format != "rfc3164" && out.format != "rfc5424" &&
                out.format != "rfc5424micro") {
                return fail(ErrorCode::InvalidArgument, "Invalid syslog format");
            }
            out.facility = TRY(parse_facility(log_option(log, "syslog-facility")));
            return set_address(log_option(log, "syslog-address", "unixgram:///dev/log"), 514,
                               resolve, out);
        case LogProtocol::Gelf: {
            const std::string address = log_option(log, "gelf-address");
            if (address.empty())
                return fail(ErrorCode::InvalidArgument, "gelf-address is a required parameter");
            return set_address(address, 12201, resolve, out);
        }
        case LogProtocol::Fluentd:
            out.format =
                log_option(log, "fluentd-sub-second-precision") == "true" ? "event-time" : "";
            return set_address(log_option(log, "fluentd-address", "tcp://127.0.0.1:24224"), 24224,
                               resolve, out);
    }
    return {};
}

Result<> set_bounds(const LogConfig& log, shim::LogSettings& out) {
    if (const std::string size = log_option(log, "max-size"); !size.empty()) {
        // "-1" is Docker's word for no bound.
        out.max_bytes =
            size == "-1"
                ? 0
                : static_cast<std::uint64_t>(TRY(parse_size(size).context("log option max-size")));
    }
    if (const std::string files = log_option(log, "max-file"); !files.empty()) {
        const auto number = parse_uint(files);
        if (!number || *number == 0 || *number > 1000)
            return fail(ErrorCode::InvalidArgument,
                        "max-file must be a number from 1 to 1000, not ", files);
        out.max_files = static_cast<std::uint32_t>(*number);
    }
    if (const std::string mode = log_option(log, "mode");
        !mode.empty() && mode != "blocking" && mode != "non-blocking") {
        return fail(ErrorCode::InvalidArgument, "logger: logging mode not supported: ", mode);
    }
    if (const std::string size = log_option(log, "max-buffer-size"); !size.empty()) {
        out.remote.max_pending =
            static_cast<std::uint64_t>(TRY(parse_size(size).context("log option max-buffer-size")));
    }
    return {};
}

}  // namespace

std::vector<std::string> log_drivers() {
    std::vector<std::string> out;
    for (const Driver& driver : drivers) out.emplace_back(driver.name);
    std::ranges::sort(out);
    return out;
}

Result<LogConfig> choose_log(const LogConfig& wanted, const std::string& default_driver,
                             const StringMap& defaults) {
    LogConfig out{.driver = wanted.driver.empty() ? default_driver : wanted.driver, .options = {}};
    const Driver* driver = find_driver(out.driver);
    if (driver == nullptr)
        return fail(ErrorCode::InvalidArgument, "logger: no log driver named '", out.driver,
                    "' is registered");
    for (const auto& [key, value] : wanted.options) {
        const std::string word = concat(" ", key, " ");
        if (driver->options.find(word) == std::string_view::npos &&
            common_options.find(word) == std::string_view::npos) {
            return fail(ErrorCode::InvalidArgument, "unknown log opt '", key, "' for ", out.driver,
                        " log driver");
        }
    }
    // The bounds hold for every driver, the rest for the one they were given for.
    for (const auto& [key, value] : defaults) {
        const bool is_bound = key == "max-size" || key == "max-file";
        if ((is_bound && driver->options.find(key) != std::string_view::npos) ||
            out.driver == default_driver)
            out.options[key] = value;
    }
    for (const auto& [key, value] : wanted.options) out.options[key] = value;
    return out;
}

Result<shim::LogSettings> plan_log(const LogConfig& log, const LogSubject& subject,
                                   const std::string& path, const ResolveHost& resolve) {
    const Driver* driver = find_driver(log.driver);
    if (driver == nullptr)
        return fail(ErrorCode::InvalidArgument, "logger: no log driver named '", log.driver,
                    "' is registered");
    if (log.driver == "none") return shim::LogSettings{};
    shim::LogSettings out{.path = path};
    out.compress = log_option(log, "compress", "true") == "true";
    TRY(set_bounds(log, out));
    out.remote.protocol = driver->protocol;
    out.remote.extra = TRY(log_fields(log, subject.labels, subject.env));
    if (driver->protocol == LogProtocol::None) return out;
    out.remote.tag = TRY(make_tag(log, subject));
    out.remote.container_id = subject.id;
    out.remote.container_name = subject.name;
    out.remote.image = subject.image;
    out.remote.hostname = subject.hostname;
    TRY(set_protocol(log, resolve, out.remote));
    return out;
}

}  // namespace berth::container
