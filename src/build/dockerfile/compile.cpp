// From the Dockerfile's values to a graph. Stages are compiled when something needs them, beginning
// with the target, so that an unused stage costs nothing and its image is never fetched.
#include "build/dockerfile/compile.h"

#include <algorithm>

#include "build/dockerfile/compile_internal.h"
#include "build/dockerfile/parse.h"

namespace berth::build::dockerfile {
namespace {

// What FROM and ARG may use without declaring it in front of the first FROM. Dockerfile reference,
// "Automatic platform ARGs in the global scope".
std::vector<std::pair<std::string, std::optional<std::string>>> platform_args(
    const CompileOptions& options) {
    std::vector<std::pair<std::string, std::optional<std::string>>> out;
    const auto add = [&](const std::string& prefix, const oci::Platform& platform) {
        out.emplace_back(prefix + "PLATFORM", platform.to_string());
        out.emplace_back(prefix + "OS", platform.os);
        out.emplace_back(prefix + "ARCH", platform.architecture);
        out.emplace_back(prefix + "VARIANT", platform.variant);
    };
    add("TARGET", options.platform);
    add("BUILD", options.build_platform);
    return out;
}

oci::ImageConfig empty_image(const oci::Platform& platform) {
    oci::ImageConfig image;
    image.platform = platform;
    image.config.env = {concat("PATH=", default_path)};
    image.config.working_dir = "/";
    return image;
}

}  // namespace

std::string resolve_path(std::string_view base, std::string_view path) {
    const std::string joined = path.starts_with('/') ? std::string(path) : concat(base, "/", path);
    std::vector<std::string> kept;
    for (auto& part : split(joined, '/')) {
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (!kept.empty()) kept.pop_back();
        } else {
            kept.push_back(std::move(part));
        }
    }
    return "/" + join(kept, "/");
}

std::optional<std::string> StageState::find_arg(std::string_view name) const {
    const auto found =
        std::ranges::find(args, name, [](const auto& arg) { return std::string_view(arg.first); });
    return found == args.end() ? std::nullopt : found->second;
}

void StageState::set_arg(const std::string& name, std::optional<std::string> value) {
    const auto found = std::ranges::find(args, name, [](const auto& arg) { return arg.first; });
    if (found != args.end()) {
        found->second = std::move(value);
    } else {
        args.emplace_back(name, std::move(value));
    }
}

Result<Plan> compile(const Dockerfile& file, const Source& source, const CompileOptions& options) {
    return Compiler(file, source, options).run();
}

Result<Plan> Compiler::run() {
    const std::size_t target = TRY(find_target());
    plan_.warnings = file_.warnings;
    TRY(define_global_args());
    TRY(compile_stage(target));
    StageState& state = stages_[target];
    plan_.root = state.root;
    plan_.config = state.image;
    plan_.history = state.history;
    plan_.base_image = state.base_image;
    for (const auto& [key, value] : options_.labels) plan_.config.config.set_label(key, value);
    order_steps();
    return std::move(plan_);
}

Result<std::size_t> Compiler::find_target() const {
    if (options_.target.empty()) return file_.stages.size() - 1;
    if (const auto found = find_stage(options_.target, file_.stages.size())) return *found;
    std::vector<std::string> names;
    for (const auto& stage : file_.stages)
        if (!stage.name.empty()) names.push_back(stage.name);
    const auto meant = nearest(to_lower(options_.target), names);
    return fail(ErrorCode::InvalidArgument, "target stage \"", options_.target,
                "\" could not be found",
                meant           ? concat(" (did you mean ", *meant, "?)")
                : names.empty() ? ""
                                : concat(" (the stages are ", join(names, ", "), ")"));
}

std::optional<std::size_t> Compiler::find_stage(std::string_view name, std::size_t before) const {
    const std::string lower = to_lower(name);
    for (std::size_t i = before; i-- > 0;)
        if (!file_.stages[i].name.empty() && file_.stages[i].name == lower) return i;
    if (const auto number = parse_uint(name); number && *number < before) return *number;
    return std::nullopt;
}

std::optional<std::string> Compiler::global(std::string_view name) const {
    const auto found = std::ranges::find(
        globals_, name, [](const auto& arg) { return std::string_view(arg.first); });
    return found == globals_.end() ? std::nullopt : found->second;
}

std::optional<std::string> Compiler::build_arg(const std::string& name) const {
    const auto found = options_.args.find(name);
    return found == options_.args.end() ? std::nullopt : found->second;
}

Result<> Compiler::define_global_args() {
    globals_ = platform_args(options_);
    for (const auto& instruction : file_.global_args) {
        for (const auto& variable : std::get<Arg>(instruction.body).variables) {
            Expander expander([this](std::string_view name) { return global(name); }, file_.escape);
            std::optional<std::string> value = build_arg(variable.key);
            if (!value && variable.value) {
                auto expanded = expander.expand_word(*variable.value);
                if (!expanded) return error(instruction, expanded.error());
                value = *expanded;
            }
            const auto found = std::ranges::find(globals_, variable.key,
                                                 [](const auto& arg) { return arg.first; });
            // A platform argument keeps its value when it is declared without one.
            if (found == globals_.end()) {
                globals_.emplace_back(variable.key, std::move(value));
            } else if (value) {
                found->second = std::move(value);
            }
        }
    }
    return {};
}

std::string Compiler::stage_title(std::size_t index) const {
    const std::string& name = file_.stages[index].name;
    return name.empty() ? concat("stage-", index) : name;
}

bool Compiler::ignores_cache(std::size_t stage_index) const {
    return options_.no_cache || options_.no_cache_stages.contains(stage_title(stage_index));
}

Result<> Compiler::compile_stage(std::size_t index) {
    StageState& state = stages_[index];
    if (state.is_compiled) return {};
    const Stage& stage = file_.stages[index];
    TRY(start_stage(index));
    const auto triggers = TRY(take_triggers(stage, state));
    for (const auto& trigger : triggers) TRY(apply(index, trigger));
    for (const auto& instruction : stage.instructions) TRY(apply(index, instruction));
    number_steps(index);
    state.is_compiled = true;
    return {};
}

Result<> Compiler::start_stage(std::size_t index) {
    const Stage& stage = file_.stages[index];
    StageState& state = stages_[index];
    Expander expander([this](std::string_view name) { return global(name); }, file_.escape);
    const auto image = expander.expand_word(stage.from.image);
    if (!image) return error(stage.origin, image.error());
    const auto platform = expander.expand_word(stage.from.platform);
    if (!platform) return error(stage.origin, platform.error());
    for (const auto& name : expander.undefined())
        plan_.warnings.push_back({"UndefinedArgInFrom",
                                  concat("FROM argument '", name, "' is not declared"),
                                  stage.origin.place});
    if (image->empty())
        return source_.error(stage.origin.place,
                             concat("base name (", stage.from.image, ") should not be blank"));
    state.platform = options_.platform;
    if (!platform->empty()) {
        auto parsed = oci::Platform::parse(*platform);
        if (!parsed) return error(stage.origin, parsed.error());
        state.platform = std::move(*parsed);
    }
    const bool is_scratch = *image == "scratch" && !options_.named_contexts.contains("scratch");
    if (const auto earlier = is_scratch ? std::nullopt : find_stage(*image, index);
        earlier && !parse_uint(*image)) {
        TRY(compile_stage(*earlier));
        const auto platform_before = state.platform;
        state = stages_[*earlier];
        state.is_compiled = false;
        state.cmd_is_set = false;
        state.steps.clear();
        if (!platform->empty()) state.platform = platform_before;
        add_step(index, stage.origin, true);
        return {};
    }
    if (!is_scratch) return start_from_image(stage, *image, state);
    state.image = empty_image(state.platform);
    add_step(index, stage.origin, true);
    state.root = add_vertex({.op = ScratchSource{}, .inputs = {}, .step = 0});
    return {};
}

Result<> Compiler::start_from_image(const Stage& stage, const std::string& name,
                                    StageState& state) {
    const std::size_t index = static_cast<std::size_t>(&stage - file_.stages.data());
    const ResolvedImage image = TRY(resolve_image(name, state.platform, stage.origin.place));
    Instruction shown = stage.origin;
    shown.text = concat(
        "FROM ", stage.from.platform.empty() ? "" : concat("--platform=", state.platform, " "),
        name, stage.from.name.empty() ? "" : concat(" AS ", stage.from.name));
    const std::size_t step = add_step(index, shown, false);
    plan_.steps[step].info.name = concat("FROM ", image.reference);
    state.root = add_vertex({.op = ImageSource{image.reference, state.platform, image.manifest},
                             .inputs = {},
                             .step = step});
    state.image = image.config;
    state.image.created.reset();
    state.base_image = image.reference;
    if (!state.image.config.find_env("PATH")) state.image.config.set_env("PATH", default_path);
    return {};
}

Result<std::vector<Instruction>> Compiler::take_triggers(const Stage& stage, StageState& state) {
    std::vector<Instruction> out;
    const auto texts = std::exchange(state.image.config.on_build, {});
    for (const auto& text : texts) {
        Instruction trigger =
            TRY(parse_trigger(Source("ONBUILD trigger of " + stage.from.image, text)));
        // Its text is in no file of ours; the FROM that brought it is what the user can look at.
        trigger.place = stage.origin.place;
        out.push_back(std::move(trigger));
    }
    return out;
}

Result<ResolvedImage> Compiler::resolve_image(const std::string& name,
                                              const oci::Platform& platform, const Place& place) {
    std::string wanted = name;
    if (const auto context = options_.named_contexts.find(name);
        context != options_.named_contexts.end()) {
        constexpr std::string_view scheme = "docker-image://";
        if (!context->second.starts_with(scheme))
            return source_.error(place, concat("named context \"", name, "\" is ", context->second,
                                               ": only docker-image:// contexts are supported"));
        wanted = context->second.substr(scheme.size());
    }
    auto image = options_.resolve(wanted, platform);
    if (image) return image;
    std::string text = source_.describe(place, image.error().message());
    text.pop_back();  // the line break
    return Error(image.error().code(), std::move(text)).with_hint(image.error().hint());
}

Result<VertexId> Compiler::resolve_from(const std::string& name, std::size_t stage_index,
                                        const Instruction& instruction) {
    if (const auto stage = find_stage(name, stage_index)) {
        TRY(compile_stage(*stage));
        return stages_[*stage].root;
    }
    if (to_lower(name) == file_.stages[stage_index].name)
        return source_.error(instruction.place, concat("circular dependency: stage \"", name,
                                                       "\" copies from itself"));
    if (const auto later = find_stage(name, file_.stages.size()); later)
        return source_.error(instruction.place,
                             concat("stage \"", name,
                                    "\" comes later in the file: only earlier stages can be used"));
    if (name == "scratch") return add_vertex({.op = ScratchSource{}, .inputs = {}, .step = 0});
    const ResolvedImage image = TRY(resolve_image(name, options_.platform, instruction.place));
    Instruction shown = instruction;
    shown.text = "FROM " + name;
    const std::size_t step = add_step(stage_index, shown, false);
    plan_.steps[step].info.instruction.clear();
    plan_.steps[step].info.name = "FROM " + image.reference;
    return add_vertex({.op = ImageSource{image.reference, options_.platform, image.manifest},
                       .inputs = {},
                       .step = step});
}

VertexId Compiler::context_vertex() {
    if (context_ != no_vertex) return context_;
    Step step;
    step.info.id = plan_.steps.size();
    step.info.name = "[internal] load build context";
    plan_.context_step = step.info.id;
    plan_.steps.push_back(std::move(step));
    context_ = add_vertex({.op = ContextSource{}, .inputs = {}, .step = plan_.context_step});
    return context_;
}

std::size_t Compiler::add_step(std::size_t stage_index, const Instruction& instruction,
                               bool metadata_only) {
    Step step;
    step.info.id = plan_.steps.size();
    step.info.name = instruction.text;
    step.info.instruction = instruction.text;
    step.info.stage = stage_title(stage_index);
    step.info.metadata_only = metadata_only;
    step.place = instruction.place;
    stages_[stage_index].steps.push_back(step.info.id);
    plan_.steps.push_back(std::move(step));
    return plan_.steps.size() - 1;
}

// "RUN make" becomes "[build 2/5] RUN make".
void Compiler::number_steps(std::size_t stage_index) {
    const auto& steps = stages_[stage_index].steps;
    const auto is_work = [&](std::size_t id) {
        return !plan_.steps[id].info.metadata_only && !plan_.steps[id].info.instruction.empty();
    };
    const auto total = std::ranges::count_if(steps, is_work);
    const bool name_stage = file_.stages.size() > 1 || !file_.stages[stage_index].name.empty();
    std::int64_t number = 0;
    for (const std::size_t id : steps) {
        StepInfo& info = plan_.steps[id].info;
        const std::string title = name_stage ? info.stage : std::string();
        if (is_work(id)) {
            ++number;
            info.name =
                concat("[", title, title.empty() ? "" : " ", number, "/", total, "] ", info.name);
        } else if (!title.empty()) {
            info.name = concat("[", title, "] ", info.name);
        }
    }
}

// Stages are compiled when needed, hence in any order; progress counts in the order of the file.
void Compiler::order_steps() {
    std::vector<std::size_t> order(plan_.steps.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto key = [&](std::size_t i) {
        const Step& step = plan_.steps[i];
        return std::tuple(step.info.instruction.empty() ? 0 : 1, step.place.line, i);
    };
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    std::vector<std::size_t> position(order.size());
    std::vector<Step> sorted;
    for (std::size_t i = 0; i < order.size(); ++i) {
        position[order[i]] = i;
        sorted.push_back(std::move(plan_.steps[order[i]]));
        sorted.back().info.id = i;
    }
    plan_.steps = std::move(sorted);
    if (plan_.context_step != no_vertex) plan_.context_step = position[plan_.context_step];
    plan_.graph.renumber_steps(position);
    for (auto& [first, other] : plan_.aliases) {
        first = position[first];
        other = position[other];
    }
}

Expander Compiler::expander_for(const StageState& state) const {
    return Expander(
        [&state](std::string_view name) -> std::optional<std::string> {
            if (auto value = state.image.config.find_env(name)) return value;
            return state.find_arg(name);
        },
        file_.escape);
}

Result<std::string> Compiler::expand(const Instruction& instruction, const StageState& state,
                                     std::string_view text) {
    Expander expander = expander_for(state);
    auto expanded = expander.expand_word(text);
    if (!expanded) return error(instruction, expanded.error());
    note_undefined(instruction, expander);
    return expanded;
}

void Compiler::note_undefined(const Instruction& instruction, const Expander& expander) {
    for (const auto& name : expander.undefined())
        plan_.warnings.push_back({"UndefinedVar",
                                  concat("Usage of undefined variable '$", name, "'"),
                                  instruction.place});
}

Error Compiler::error(const Instruction& instruction, const Error& cause) const {
    return source_.error(instruction.place, cause.message());
}

VertexId Compiler::add_vertex(Vertex vertex) {
    const std::size_t step = vertex.step;
    // Sources without a line of their own in the progress.
    const bool is_silent = std::holds_alternative<ScratchSource>(vertex.op) ||
                           std::holds_alternative<HttpSource>(vertex.op) ||
                           std::holds_alternative<GitSource>(vertex.op);
    const VertexId id = plan_.graph.add(std::move(vertex));
    const std::size_t first = plan_.graph.at(id).step;
    if (first != step && !is_silent) plan_.aliases.emplace_back(first, step);
    return id;
}

void Compiler::add_history(StageState& state, std::string created_by, VertexId vertex) {
    state.history.push_back({std::move(created_by), vertex});
}

}  // namespace berth::build::dockerfile
