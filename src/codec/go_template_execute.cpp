#include <algorithm>
#include <array>

#include "codec/go_template.h"
#include "codec/go_template_ast_internal.h"
#include "codec/go_template_functions_internal.h"

namespace berth::codec {

using namespace template_ast;

namespace {

constexpr std::size_t max_output = 64 << 20;

// A value, or how it is missing: Absent is a member that does not exist; NoValue prints as "<no
// value>", as a key that a user-named map lacks.
struct Value {
    enum class State { Present, Absent, NoValue };
    Json json;
    State state = State::Present;
    std::string missing;  // the member's name
    bool is_true() const { return state == State::Present && is_template_true(json); }
};

// Members whose keys are data and not a schema.
bool is_user_map(std::string_view name) {
    static constexpr std::array<std::string_view, 14> names = {
        "Labels",  "Options",      "Ports",      "Networks",  "Sysctls",
        "Tmpfs",   "Annotations",  "DriverOpts", "Config",    "PortBindings",
        "Volumes", "ExposedPorts", "Containers", "Attributes"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

enum class Flow { Next, Break, Continue };

class Executor {
public:
    Executor(const Json& data, const TemplateMethod& method) : data_(data), method_(method) {
        variables_.emplace_back("", Value{data, Value::State::Present, {}});
    }

    Result<std::string> run(const List& root) {
        TRY(walk(root, Value{data_, Value::State::Present, {}}));
        return std::move(out_);
    }

private:
    static Error refuse(const Position& at, std::string_view message) {
        return fail(ErrorCode::InvalidArgument, "template:", at.line, ":", at.column, ": ",
                    message);
    }

    Result<> print(std::string_view text) {
        if (out_.size() + text.size() > max_output)
            return fail(ErrorCode::InvalidArgument, "the template prints too much");
        out_ += text;
        return {};
    }

    Result<Flow> walk(const List& list, const Value& dot) {
        const std::size_t scope = variables_.size();
        Flow flow = Flow::Next;
        for (const Node& node : list.nodes) {
            flow = TRY(walk(node, dot));
            if (flow != Flow::Next) break;
        }
        variables_.resize(scope);
        return flow;
    }

    Result<Flow> walk(const Node& node, const Value& dot) {
        switch (node.kind) {
            case Node::Kind::Text: TRY(print(node.text)); return Flow::Next;
            case Node::Kind::Print: TRY(print_action(node, dot)); return Flow::Next;
            case Node::Kind::Break: return Flow::Break;
            case Node::Kind::Continue: return Flow::Continue;
            case Node::Kind::Range: return walk_range(node, dot);
            case Node::Kind::If:
            case Node::Kind::With: return walk_condition(node, dot);
        }
        BERTH_ASSERT(false);
    }

    Result<> print_action(const Node& node, const Value& dot) {
        const Value value = TRY(evaluate(node.pipeline, dot));
        if (!node.pipeline.variables.empty()) return {};
        if (value.state == Value::State::Absent) {
            return refuse(node.at, concat("there is no field \"", value.missing, "\""));
        }
        if (value.state == Value::State::NoValue || value.json.is_null())
            return print("<no value>");
        return print(format_go_value(value.json));
    }

    Result<Flow> walk_condition(const Node& node, const Value& dot) {
        const std::size_t scope = variables_.size();
        const Value value = TRY(evaluate(node.pipeline, dot));
        const bool is_with = node.kind == Node::Kind::With;
        const Flow flow = value.is_true() ? TRY(walk(node.body, is_with ? value : dot))
                                          : TRY(walk(node.otherwise, dot));
        variables_.resize(scope);
        return flow;
    }

    Result<Flow> walk_range(const Node& node, const Value& dot) {
        const std::size_t scope = variables_.size();
        const Value value = TRY(evaluate(node.pipeline, dot));
        std::vector<std::pair<Json, Json>> items;
        if (value.state == Value::State::Present) TRY(list_items(node.at, value.json, items));
        Flow flow = Flow::Next;
        if (items.empty()) flow = TRY(walk(node.otherwise, dot));
        for (auto& [key, element] : items) {
            const Value item{std::move(element), Value::State::Present, {}};
            bind_loop_variables(node.pipeline, scope, key, item);
            const Flow inner = TRY(walk(node.body, item));
            if (inner == Flow::Break) break;
        }
        variables_.resize(scope);
        return flow;
    }

    // Maps are walked in the order of their keys, as Go does.
    static Result<> list_items(const Position& at, const Json& value,
                               std::vector<std::pair<Json, Json>>& items) {
        if (value.is_object()) {
            for (const auto& [key, member] : value.items()) items.emplace_back(Json(key), member);
            std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
                return a.first.template get_ref<const std::string&>() <
                       b.first.template get_ref<const std::string&>();
            });
        } else if (value.is_array()) {
            for (std::size_t i = 0; i < value.size(); ++i) items.emplace_back(Json(i), value[i]);
        } else if (value.is_number_integer()) {
            const auto count = std::min<std::int64_t>(value.get<std::int64_t>(), 1 << 20);
            for (std::int64_t i = 0; i < count; ++i) items.emplace_back(Json(i), Json(i));
        } else if (!value.is_null()) {
            return refuse(at, concat("range can't iterate over ", format_go_value(value)));
        }
        return {};
    }

    // evaluate() has bound the whole list to the variables; each turn binds the item (and its key)
    // instead.
    void bind_loop_variables(const Pipeline& pipeline, std::size_t scope, const Json& key,
                             const Value& item) {
        const auto& names = pipeline.variables;
        if (names.empty()) return;
        if (pipeline.declares) variables_.resize(scope);
        const Value key_value{key, Value::State::Present, {}};
        assign(names.back(), item, pipeline.declares);
        if (names.size() == 2) assign(names.front(), key_value, pipeline.declares);
    }

    void assign(const std::string& name, const Value& value, bool declares) {
        if (!declares) {
            for (auto entry = variables_.rbegin(); entry != variables_.rend(); ++entry) {
                if (entry->first != name) continue;
                entry->second = value;
                return;
            }
        }
        variables_.emplace_back(name, value);
    }

    Result<Value> evaluate(const Pipeline& pipeline, const Value& dot) {
        std::optional<Value> piped;
        for (const Command& command : pipeline.commands) {
            Value value = TRY(evaluate(command, dot, piped));
            piped = std::move(value);
        }
        for (const auto& name : pipeline.variables) assign(name, *piped, pipeline.declares);
        return std::move(*piped);
    }

    Result<Value> evaluate(const Command& command, const Value& dot,
                           const std::optional<Value>& piped) {
        const Operand& head = command.words.front();
        if (head.kind == Operand::Kind::Function) return call(command, dot, piped);
        if (command.words.size() == 1 && !piped) return evaluate(head, dot);
        // A field with arguments is a method.
        std::vector<Json> arguments = TRY(evaluate_arguments(command, dot, piped));
        const bool is_top = head.kind == Operand::Kind::Dot ||
                            (head.kind == Operand::Kind::Variable && head.name.empty());
        if (is_top && head.fields.size() == 1 && method_) {
            const Json& receiver =
                head.kind == Operand::Kind::Dot ? dot.json : variables_.front().second.json;
            if (auto answer = method_(receiver, head.fields.front(), arguments)) {
                Json json = TRY(std::move(*answer));
                return Value{std::move(json), Value::State::Present, {}};
            }
        }
        return refuse(
            head.at, concat("can't give argument to non-function ",
                            head.fields.empty() ? std::string("value") : "." + head.fields.back()));
    }

    Result<std::vector<Json>> evaluate_arguments(const Command& command, const Value& dot,
                                                 const std::optional<Value>& piped) {
        std::vector<Json> arguments;
        for (std::size_t i = 1; i < command.words.size(); ++i) {
            Value value = TRY(evaluate(command.words[i], dot));
            arguments.push_back(std::move(value.json));
        }
        if (piped) arguments.push_back(piped->json);
        return arguments;
    }

    Result<Value> call(const Command& command, const Value& dot,
                       const std::optional<Value>& piped) {
        const Operand& head = command.words.front();
        if (head.name == "and" || head.name == "or") return short_circuit(command, dot, piped);
        const std::vector<Json> arguments = TRY(evaluate_arguments(command, dot, piped));
        Json json = TRY(call_template_function(head.name, arguments)
                            .context("template:", head.at.line, ":", head.at.column));
        return Value{std::move(json), Value::State::Present, {}};
    }

    // The first argument that decides, or the last one; what follows it is not evaluated.
    Result<Value> short_circuit(const Command& command, const Value& dot,
                                const std::optional<Value>& piped) {
        const bool stops_at = command.words.front().name == "or";
        if (command.words.size() == 1 && !piped)
            return refuse(command.words.front().at, "missing argument");
        Value last;
        for (std::size_t i = 1; i < command.words.size(); ++i) {
            last = TRY(evaluate(command.words[i], dot));
            if (last.is_true() == stops_at) return last;
        }
        if (piped) return *piped;
        return last;
    }

    Result<Value> evaluate(const Operand& operand, const Value& dot) {
        switch (operand.kind) {
            case Operand::Kind::Constant: return Value{operand.constant, Value::State::Present, {}};
            case Operand::Kind::Dot: return look_up(operand, dot);
            case Operand::Kind::Variable: return look_up(operand, find_variable(operand.name));
            case Operand::Kind::Parenthesis: {
                const Value inner = TRY(evaluate(*operand.inner, dot));
                return look_up(operand, inner);
            }
            case Operand::Kind::Function: {
                Json json = TRY(call_template_function(operand.name, {}));
                return Value{std::move(json), Value::State::Present, {}};
            }
        }
        BERTH_ASSERT(false);
    }

    Value find_variable(const std::string& name) const {
        for (auto entry = variables_.rbegin(); entry != variables_.rend(); ++entry) {
            if (entry->first == name) return entry->second;
        }
        return {};
    }

    Result<Value> look_up(const Operand& operand, const Value& start) {
        if (operand.fields.empty()) return start;
        const Json* at = &start.json;
        if (start.state == Value::State::Absent) {
            return refuse(operand.at, concat("there is no field \"", start.missing, "\""));
        }
        std::string_view parent;
        for (std::size_t i = 0; i < operand.fields.size(); ++i) {
            const std::string& name = operand.fields[i];
            const bool is_last = i + 1 == operand.fields.size();
            if (at->is_object()) {
                const auto found = at->find(name);
                if (found != at->end()) {
                    parent = name;
                    at = &*found;
                    continue;
                }
            } else if (!at->is_null()) {
                return refuse(operand.at,
                              concat("can't evaluate field ", name, " in ", format_go_value(*at)));
            }
            if (is_last && i == 0 && method_ && at->is_object()) {
                if (auto answer = method_(*at, name, {})) {
                    Json json = TRY(std::move(*answer));
                    return Value{std::move(json), Value::State::Present, {}};
                }
            }
            if (is_last && at->is_object() && is_user_map(parent))
                return Value{nullptr, Value::State::NoValue, name};
            if (is_last && at->is_object()) return Value{nullptr, Value::State::Absent, name};
            if (at->is_null()) return refuse(operand.at, concat("nil pointer evaluating .", name));
            return refuse(operand.at, concat("there is no field \"", name, "\""));
        }
        return Value{*at, Value::State::Present, {}};
    }

    const Json& data_;
    const TemplateMethod& method_;
    std::string out_;
    std::vector<std::pair<std::string, Value>> variables_;
};

}  // namespace

Result<std::string> GoTemplate::execute(const Json& data, const TemplateMethod& method) const {
    return Executor(data, method).run(*root_);
}

}  // namespace berth::codec
