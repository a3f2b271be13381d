#include <termios.h>
#include <unistd.h>

#include <functional>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/interrupt.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

// Turns the echo off while a password is typed, and on again also when Ctrl-C ends us there.
class HiddenInput {
public:
    HiddenInput()
        : is_active_(tcgetattr(STDIN_FILENO, &saved_) == 0),
          on_interrupt_(interrupt_.token(), [this] {
              restore();
              ::_exit(Interrupt::exit_code());
          }) {
        if (!is_active_) return;
        termios quiet = saved_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    ~HiddenInput() { restore(); }
    HiddenInput(const HiddenInput&) = delete;
    HiddenInput& operator=(const HiddenInput&) = delete;

private:
    void restore() const {
        if (is_active_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved_);
    }
    termios saved_{};
    bool is_active_;
    Interrupt interrupt_;
    std::stop_callback<std::function<void()>> on_interrupt_;
};

Result<std::string> read_line() {
    std::string line(1024, '\0');
    line.resize(TRY(sys::read(STDIN_FILENO, std::as_writable_bytes(std::span(line)))));
    return std::string(trim(line));
}

Result<std::string> ask(Context& context, std::string_view question, bool hidden) {
    if (!context.is_input_terminal()) {
        return fail(ErrorCode::InvalidArgument, "nobody can be asked for the ", to_lower(question))
            .with_hint("give -u NAME and --password-stdin");
    }
    context.note(concat(question, ": "));
    if (!hidden) return read_line();
    std::string answer;
    {
        const HiddenInput quiet;
        answer = TRY(read_line());
    }
    context.note("\n");
    return answer;
}

Result<std::string> password_of(Context& context, const Flags& flags) {
    if (flags.is_set("password-stdin")) {
        if (flags.has("password"))
            return fail(ErrorCode::InvalidArgument, "--password conflicts with --password-stdin");
        std::string text = TRY(sys::read_all(STDIN_FILENO, 1 << 20));
        while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
        return text;
    }
    if (flags.has("password")) {
        context.warn("a password on the command line can be seen by others; use --password-stdin");
        return flags.text("password");
    }
    return ask(context, "Password", true);
}

Result<int> run_login(Context& context, const Flags& flags) {
    const std::string registry = flags.argument_count() > 0 ? flags.argument(0) : "docker.io";
    ConfigFile* config = TRY(context.config());
    api::AuthConfig auth;
    const bool is_asked =
        !flags.has("username") && !flags.has("password") && !flags.is_set("password-stdin");
    if (is_asked) auth = TRY(config->credentials(registry));
    if (auth.is_empty()) {
        if (flags.is_set("password-stdin") && !flags.has("username")) {
            return fail(ErrorCode::InvalidArgument, "--password-stdin needs --username");
        }
        auth.username =
            flags.has("username") ? flags.text("username") : TRY(ask(context, "Username", false));
        if (auth.username.empty())
            return fail(ErrorCode::InvalidArgument, "the user name is empty");
        auth.password = TRY(password_of(context, flags));
        if (auth.password.empty()) return fail(ErrorCode::InvalidArgument, "the password is empty");
    }
    auth.server_address = registry_key(registry);
    const auto* engine = TRY(context.engine());
    const auto answer = TRY(engine->login(auth).context("login to ", registry));
    if (!answer.identity_token.empty()) {
        auth.identity_token = answer.identity_token;
        auth.password.clear();
    }
    TRY(config->store(registry, auth));
    if (config->helper_for(registry).empty()) {
        context.warn(concat("the password is kept readable in ", config->path(),
                            "; a credential helper (credsStore) keeps it safe"));
    }
    TRY(context.print_line(answer.status.empty() ? "Login Succeeded" : answer.status));
    return 0;
}

Result<int> run_logout(Context& context, const Flags& flags) {
    const std::string registry = flags.argument_count() > 0 ? flags.argument(0) : "docker.io";
    ConfigFile* config = TRY(context.config());
    if (!TRY(config->erase(registry))) {
        TRY(context.print_line(concat("Not logged in to ", registry)));
        return 0;
    }
    TRY(context.print_line(concat("Removing login credentials for ", registry)));
    return 0;
}

}  // namespace

Command login_command() {
    return {
        .name = "login",
        .arguments = "[REGISTRY]",
        .summary = "Keep credentials for a registry, after checking them",
        .example = "berth login -u me --password-stdin registry.example.com <password.txt",
        .flags = {{.name = "password", .letter = 'p', .kind = FlagKind::Text, .help = "Password"},
                  {.name = "password-stdin", .help = "Read the password from standard input"},
                  {.name = "username", .letter = 'u', .kind = FlagKind::Text, .help = "User name"}},
        .least = 0,
        .most = 1,
        .run = run_login};
}

Command logout_command() {
    return {.name = "logout",
            .arguments = "[REGISTRY]",
            .summary = "Forget the credentials for a registry",
            .example = "berth logout registry.example.com",
            .least = 0,
            .most = 1,
            .run = run_logout};
}

}  // namespace berth::cli
