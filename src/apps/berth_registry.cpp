#include <csignal>
#include <cstdio>

#include "base/log.h"
#include "http/server.h"
#include "registry/registry.h"
#include "sys/signal.h"

namespace {

using namespace berth;

constexpr std::string_view help =
    R"(Usage: berth-registry [OPTIONS]

Serves container images: OCI distribution specification 1.1, for docker, podman, skopeo and berth.

Options:
      --addr HOST:PORT     address to listen on (default ":5000")
      --root DIR           where blobs and names are kept (default "/var/lib/berth-registry")
      --htpasswd FILE      users and bcrypt hashes; without it everyone may read and write
      --tls-cert FILE      certificate chain (PEM); needs --tls-key
      --tls-key FILE       private key (PEM)
      --read-only          refuse every change
      --log-level LEVEL    debug, info, warn or error (default "info")
      --help, --version

Example:
  htpasswd -Bbn alice secret > users
  berth-registry --addr 127.0.0.1:5000 --root /srv/registry --htpasswd users &
  berth login -u alice -p secret 127.0.0.1:5000
  berth push 127.0.0.1:5000/app:1
)";

struct Flags {
    std::string address = ":5000";
    registry::RegistryOptions registry{.root = "/var/lib/berth-registry"};
    std::string certificate, key, log_level = "info";
    bool help = false, version = false;
};

Result<Flags> parse_flags(int argc, char** argv) {
    Flags out;
    const std::pair<std::string_view, std::string*> texts[] = {
        {"--addr", &out.address},
        {"--root", &out.registry.root},
        {"--htpasswd", &out.registry.htpasswd_file},
        {"--tls-cert", &out.certificate},
        {"--tls-key", &out.key},
        {"--log-level", &out.log_level}};
    const std::pair<std::string_view, bool*> switches[] = {{"--read-only", &out.registry.read_only},
                                                           {"--help", &out.help},
                                                           {"-h", &out.help},
                                                           {"--version", &out.version}};
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        bool is_known = false;
        for (const auto& [name, target] : switches)
            if (argument == name) *target = is_known = true;
        for (const auto& [name, target] : texts) {
            if (argument == name) {
                if (++i == argc) return fail(ErrorCode::InvalidArgument, name, " needs a value");
                *target = argv[i];
                is_known = true;
                break;
            }
            if (argument.starts_with(concat(name, "="))) {
                *target = argument.substr(name.size() + 1);
                is_known = true;
            }
        }
        if (!is_known)
            return fail(ErrorCode::InvalidArgument, "unknown argument ", argument)
                .with_hint("see berth-registry --help");
    }
    if (out.certificate.empty() != out.key.empty())
        return fail(ErrorCode::InvalidArgument, "--tls-cert and --tls-key belong together");
    return out;
}

Result<LogLevel> parse_level(std::string_view text) {
    if (text == "debug") return LogLevel::Debug;
    if (text == "info") return LogLevel::Info;
    if (text == "warn") return LogLevel::Warn;
    if (text == "error") return LogLevel::Error;
    return fail(ErrorCode::InvalidArgument, "--log-level: unknown level ", text);
}

Result<> run(const Flags& flags) {
    log.set_level(TRY(parse_level(flags.log_level)));
    // Blocked before there are threads, so that all of them inherit it and sigwait() below is the
    // only taker.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    const SystemClock clock;
    const auto registry = TRY(registry::Registry::open(flags.registry, clock));
    auto server = TRY(http::Server::create([&](http::Request& request, http::Response& response) {
        registry->handle(request, response);
    }));
    std::optional<http::TlsOptions> tls;
    if (!flags.certificate.empty()) tls = http::TlsOptions{flags.certificate, flags.key, {}};
    const auto port = TRY(server->listen_tcp(flags.address, tls));
    TRY(server->start());
    log.info("serving", {{"port", port},
                         {"root", flags.registry.root},
                         {"tls", tls.has_value()},
                         {"users", !flags.registry.htpasswd_file.empty()}});
    int signal = 0;
    sigwait(&signals, &signal);
    log.info("stopping, requests in flight get 10 s");
    server->stop(std::chrono::seconds(10));
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    const auto flags = parse_flags(argc, argv);
    if (flags && flags->help) return std::fputs(help.data(), stdout) < 0 ? 1 : 0;
    if (flags && flags->version) return std::puts("berth-registry " BERTH_VERSION) < 0 ? 1 : 0;
    const auto outcome = flags ? run(*flags) : Result<>(flags.error().clone());
    if (outcome) return 0;
    std::fprintf(stderr, "berth-registry: %s\n", outcome.error().message().c_str());
    if (!outcome.error().hint().empty())
        std::fprintf(stderr, "hint: %s\n", outcome.error().hint().c_str());
    return flags ? 1 : 2;
}
