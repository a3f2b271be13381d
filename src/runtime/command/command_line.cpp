#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/text.h"
#include "codec/json.h"
#include "runtime/command/command.h"
#include "runtime/launch.h"
#include "sys/file.h"
#include "sys/process.h"

namespace berth::runtime {
namespace {

constexpr FlagSpec global_flags[] = {{"debug", 0, false},     {"log", 0, true},
                                     {"log-format", 0, true}, {"root", 0, true},
                                     {"criu", 0, true},       {"systemd-cgroup", 0, false},
                                     {"rootless", 0, true},   {"help", 'h', false},
                                     {"version", 'v', false}, {"cgroup-manager", 0, true}};

struct Command {
    std::string_view name;
    std::string_view summary;
    CommandResult (*run)(const CommandContext&);
    bool enters_containers = false;  ///< a copy of this process will be visible inside
};

constexpr std::array commands = {
    Command{"create", "create a container", create_command, true},
    Command{"delete", "delete any resources held by the container", delete_command},
    Command{"events", "display container events and statistics", events_command},
    Command{"exec", "execute a new process inside the container", exec_command, true},
    Command{"features", "show the enabled features", features_command},
    Command{"kill", "send a signal (default SIGTERM) to the container's init process",
            kill_command},
    Command{"list", "list the containers of this root", list_command},
    Command{"pause", "suspend all processes inside the container", pause_command},
    Command{"ps", "list the processes running inside the container", ps_command},
    Command{"resume", "resume all processes that were paused", resume_command},
    Command{"run", "create and run a container", run_command, true},
    Command{"spec", "write a new specification file", spec_command},
    Command{"start", "execute the user's process in a created container", start_command},
    Command{"state", "print the state of a container", state_command},
    Command{"update", "change the resource limits of a container", update_command},
};

void print_help() {
    std::string text =
        "berth-runtime runs containers from OCI bundles.\n\n"
        "Usage: berth-runtime [global options] command [options] [arguments]\n\nCommands:\n";
    for (const auto& command : commands) {
        std::string name(command.name);
        name.resize(12, ' ');
        text += concat("   ", name, command.summary, '\n');
    }
    text +=
        "\nGlobal options:\n"
        "   --root DIR            where the states of containers are kept (default "
        "/run/berth-runtime)\n"
        "   --log FILE            write errors there as well\n"
        "   --log-format FORMAT   text (default) or json\n"
        "   --systemd-cgroup      accepted; cgroup paths in systemd's notation are understood "
        "without it\n"
        "   --debug               accepted\n"
        "   --version, -v         print the version\n";
    print(text);
}

// Whoever can write there says what is run, so it is a folder that nobody else can make.
std::string default_root() {
    if (::geteuid() == 0) return "/run/berth-runtime";
    const char* directory = ::getenv("XDG_RUNTIME_DIR");
    return concat(directory ? directory : concat("/run/user/", ::geteuid()), "/berth-runtime");
}

// runc's log format, since engines read it: the message of the last line is what they show.
std::string log_line(const Arguments& global, const std::string& message) {
    const std::string time = to_rfc3339(SystemClock().now());
    if (global.value("log-format", "text") == "json")
        return codec::dump_json({{"level", "error"}, {"msg", message}, {"time", time}}) + "\n";
    return concat("time=\"", time, "\" level=error msg=", codec::dump_json(codec::Json(message)),
                  "\n");
}

void report(const Arguments& global, std::string_view command, const Error& error) {
    const std::string message = concat(command, " failed: ", error.message());
    const std::string text = concat("berth-runtime ", message, "\n");
    sys::write_all(STDERR_FILENO, std::string_view(text)).ignore("there is no one else to tell");
    const std::string path = global.value("log");
    if (path.empty()) return;
    const auto file = sys::open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file)
        sys::write_all(*file, std::string_view(log_line(global, message)))
            .ignore("stderr has it already");
}

// Becomes this same program again, from a file that containers cannot write to. The words are the
// same.
Result<> protect_executable(const std::vector<std::string>& words) {
    if (is_executable_protected()) return {};
    const sys::Fd program = TRY(open_protected_executable("/proc/self/exe"));
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::fexecve(program.get(), arguments.data(), environ);
    return Error::from_errno("fexecve", errno).with_context("protect the runtime");
}

// Descriptors that a careless caller left open must not reach the container; those it means to pass
// start at 3.
Result<> seal_descriptors(std::span<const std::string> words) {
    unsigned preserved = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view text;
        if (words[i] == "--preserve-fds" && i + 1 < words.size()) text = words[i + 1];
        if (words[i].starts_with("--preserve-fds=")) text = std::string_view(words[i]).substr(15);
        if (const auto number = parse_uint(text))
            preserved = static_cast<unsigned>(std::min<std::uint64_t>(*number, 65536));
        if (words[i] == "--") break;
    }
    return sys::close_on_exec_from(static_cast<int>(3 + preserved));
}

const Command* find_command(std::string_view name) {
    for (const auto& command : commands) {
        if (command.name == name) return &command;
    }
    return nullptr;
}

CommandResult dispatch(const Arguments& global, const Command& command,
                       const std::vector<std::string>& all) {
    const auto& positional = global.positional();
    const std::span<const std::string> words(positional.data() + 1, positional.size() - 1);
    TRY(seal_descriptors(words));
    if (command.enters_containers) TRY(protect_executable(all));
    const CommandContext context{.store = StateStore(global.value("root", default_root())),
                                 .words = words};
    return command.run(context);
}

}  // namespace

void print(std::string_view text) {
    sys::write_all(STDOUT_FILENO, text).ignore("the reader has gone");
}

Result<Arguments> parse_with_id(const CommandContext& context, std::span<const FlagSpec> flags) {
    Arguments arguments = TRY(Arguments::parse(context.words, flags));
    if (arguments.positional().empty())
        return fail(ErrorCode::InvalidArgument, "container id cannot be empty");
    return arguments;
}

int run_command_line(std::vector<std::string> words) {
    const auto global =
        Arguments::parse(std::span<const std::string>(words).subspan(1), global_flags);
    if (global.is_error()) {
        ::fprintf(stderr, "berth-runtime: %s\n", global.error().message().c_str());
        return 1;
    }
    if (global->has("version")) {
        print("berth-runtime version " BERTH_VERSION "\nspec: 1.3.0\n");
        return 0;
    }
    if (global->positional().empty() || global->has("help") || global->positional()[0] == "help") {
        print_help();
        return 0;
    }
    const std::string& name = global->positional()[0];
    const Command* command = find_command(name);
    if (!command) {
        ::fprintf(stderr, "berth-runtime: no such command: %s\n", name.c_str());
        return 1;
    }
    const auto status = dispatch(*global, *command, words);
    if (status) return *status;
    report(*global, name, status.error());
    return 1;
}

}  // namespace berth::runtime
