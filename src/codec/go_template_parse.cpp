#include <charconv>

#include "codec/go_template.h"
#include "codec/go_template_ast_internal.h"
#include "codec/go_template_functions_internal.h"
#include "codec/go_template_lex_internal.h"

// Grammar: https://pkg.go.dev/text/template, "Actions" and "Pipelines".
namespace berth::codec {

using namespace template_ast;

namespace {

constexpr int max_template_depth = 100;

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    Result<List> run() {
        std::string end;
        List list = TRY(parse_list(end, 0));
        if (!end.empty()) return refuse(concat("unexpected {{", end, "}}"));
        return list;
    }

private:
    using Kind = Token::Kind;
    const Token& peek() const { return tokens_[index_]; }
    const Token& take() { return tokens_[index_ + 1 < tokens_.size() ? index_++ : index_]; }
    bool is_word(std::string_view word) const {
        return peek().kind == Kind::Word && peek().text == word;
    }
    bool is_symbol(std::string_view symbol) const {
        return peek().kind == Kind::Symbol && peek().text == symbol;
    }
    Error refuse(std::string_view message) const {
        const Position at = peek().at;
        return fail(ErrorCode::InvalidArgument, "template:", at.line, ":", at.column, ": ",
                    message);
    }
    Result<> expect_close(std::string_view where) {
        if (peek().kind != Kind::Close)
            return refuse(concat("unexpected \"", peek().text, "\" in ", where));
        take();
        return {};
    }

    // Reads up to {{end}} or {{else ...}}, whose word is left in `end`; {{else if}} leaves its "if"
    // unread.
    Result<List> parse_list(std::string& end, int depth) {
        if (depth > max_template_depth) return refuse("nested too deeply");
        List list;
        while (peek().kind != Kind::End) {
            if (peek().kind == Kind::Text) {
                Node node;
                node.at = peek().at;
                node.text = take().text;
                list.nodes.push_back(std::move(node));
                continue;
            }
            take();  // {{
            if (is_word("end")) {
                take();
                TRY(expect_close("end"));
                end = "end";
                return list;
            }
            if (is_word("else")) {
                take();
                end = "else";
                return list;
            }
            Node node = TRY(parse_action(depth));
            list.nodes.push_back(std::move(node));
        }
        return list;
    }

    Result<Node> parse_action(int depth) {
        Node node;
        node.at = peek().at;
        const std::string word = peek().kind == Kind::Word ? peek().text : "";
        if (word == "define" || word == "template" || word == "block") {
            return fail(ErrorCode::Unsupported, "template:", node.at.line, ":", node.at.column,
                        ": {{", word, "}} is not supported");
        }
        if (word == "break" || word == "continue") {
            if (loops_ == 0) return refuse(concat("{{", word, "}} outside {{range}}"));
            take();
            TRY(expect_close(word));
            node.kind = word == "break" ? Node::Kind::Break : Node::Kind::Continue;
            return node;
        }
        if (word == "if" || word == "range" || word == "with") {
            take();
            return parse_block(word, depth);
        }
        node.kind = Node::Kind::Print;
        node.pipeline = TRY(parse_pipeline("command", depth));
        TRY(expect_close("command"));
        return node;
    }

    Result<Node> parse_block(const std::string& word, int depth) {
        if (depth > max_template_depth) return refuse("nested too deeply");
        Node node;
        node.at = peek().at;
        node.kind = word == "if"      ? Node::Kind::If
                    : word == "range" ? Node::Kind::Range
                                      : Node::Kind::With;
        const std::size_t variables = variables_.size();
        node.pipeline = TRY(parse_pipeline(word, depth));
        TRY(expect_close(word));
        if (word == "range") ++loops_;
        std::string end;
        node.body = TRY(parse_list(end, depth + 1));
        if (word == "range") --loops_;
        if (end == "else") {
            if (is_word("if") || is_word("with")) {
                const std::string nested = take().text;
                Node inner = TRY(parse_block(nested, depth + 1));  // its {{end}} is ours
                node.otherwise.nodes.push_back(std::move(inner));
                end = "end";
            } else {
                TRY(expect_close("else"));
                end.clear();
                node.otherwise = TRY(parse_list(end, depth + 1));
                if (end == "else") return refuse("expected end; found {{else}}");
            }
        }
        if (end != "end") return refuse("unexpected end of the template: {{end}} is missing");
        variables_.resize(variables);
        return node;
    }

    Result<Pipeline> parse_pipeline(std::string_view where, int depth) {
        if (depth > max_template_depth) return refuse("nested too deeply");
        Pipeline pipeline;
        TRY(parse_declaration(pipeline, where));
        while (true) {
            Command command = TRY(parse_command(where, depth));
            pipeline.commands.push_back(std::move(command));
            if (!is_symbol("|")) break;
            take();
        }
        for (std::size_t i = 1; i < pipeline.commands.size(); ++i) {
            const Operand& head = pipeline.commands[i].words.front();
            if (head.kind == Operand::Kind::Constant)
                return refuse("non executable command in pipeline");
        }
        if (pipeline.declares) {
            for (const auto& name : pipeline.variables) variables_.push_back(name);
        }
        return pipeline;
    }

    // "$x :=", "$x =" or "$i, $x :=" in front of a pipeline.
    Result<> parse_declaration(Pipeline& pipeline, std::string_view where) {
        if (peek().kind != Kind::Variable || peek().text.empty()) return {};
        const std::size_t start = index_;
        std::vector<std::string> names{take().text};
        if (is_symbol(",") && where == "range") {
            take();
            if (peek().kind != Kind::Variable) return refuse("expected a variable after \",\"");
            names.push_back(take().text);
        }
        if (!is_symbol(":=") && !is_symbol("=")) {
            if (names.size() > 1) return refuse("expected := after the variables");
            index_ = start;
            return {};
        }
        pipeline.declares = take().text == ":=";
        if (!pipeline.declares) {
            for (const auto& name : names) TRY(check_variable(name));
        }
        pipeline.variables = std::move(names);
        return {};
    }

    Result<> check_variable(const std::string& name) const {
        if (name.empty() ||
            std::find(variables_.begin(), variables_.end(), name) != variables_.end())
            return {};
        return refuse(concat("undefined variable \"$", name, "\""));
    }

    Result<Command> parse_command(std::string_view where, int depth) {
        Command command;
        while (peek().kind != Kind::Close && !is_symbol("|") && !is_symbol(")")) {
            Operand operand = TRY(parse_operand(where, depth));
            command.words.push_back(std::move(operand));
        }
        if (command.words.empty()) return refuse(concat("missing value for ", where));
        return command;
    }

    Result<Operand> parse_operand(std::string_view where, int depth) {
        Operand operand;
        operand.at = peek().at;
        const Token token = take();
        switch (token.kind) {
            case Kind::String: operand.constant = token.text; break;
            case Kind::Number: operand.constant = TRY(parse_number(token)); break;
            case Kind::Character: operand.constant = TRY(parse_character(token)); break;
            case Kind::Dot: operand.kind = Operand::Kind::Dot; return operand;
            case Kind::Field:
                operand.kind = Operand::Kind::Dot;
                operand.fields.push_back(token.text);
                break;
            case Kind::Variable:
                operand.kind = Operand::Kind::Variable;
                operand.name = token.text;
                TRY(check_variable(token.text));
                break;
            case Kind::Word: TRY(parse_word(token, operand)); break;
            case Kind::Symbol:
                if (token.text == "(") {
                    operand.kind = Operand::Kind::Parenthesis;
                    operand.inner = std::make_unique<Pipeline>();
                    *operand.inner = TRY(parse_pipeline("parenthesized pipeline", depth + 1));
                    if (!is_symbol(")")) return refuse("unclosed left parenthesis");
                    take();
                    break;
                }
                [[fallthrough]];
            default: return refuse(concat("unexpected \"", token.text, "\" in ", where));
        }
        while (peek().kind == Kind::Field && !peek().after_space) {
            if (operand.kind == Operand::Kind::Constant ||
                operand.kind == Operand::Kind::Function) {
                return refuse(concat("unexpected .", peek().text, " after ", token.text));
            }
            operand.fields.push_back(take().text);
        }
        return operand;
    }

    Result<> parse_word(const Token& token, Operand& operand) const {
        if (token.text == "true" || token.text == "false") {
            operand.constant = token.text == "true";
        } else if (token.text == "nil") {
            operand.constant = nullptr;
        } else if (is_template_function(token.text)) {
            operand.kind = Operand::Kind::Function;
            operand.name = token.text;
        } else {
            return refuse(concat("function \"", token.text, "\" not defined"));
        }
        return {};
    }

    Result<Json> parse_number(const Token& token) const {
        std::string_view text = token.text;
        if (text.starts_with('+')) text.remove_prefix(1);
        const bool negative = text.starts_with('-');
        std::string_view digits = negative ? text.substr(1) : text;
        int base = 10;
        if (digits.starts_with("0x") || digits.starts_with("0X"))
            base = 16, digits.remove_prefix(2);
        else if (digits.starts_with("0b"))
            base = 2, digits.remove_prefix(2);
        else if (digits.starts_with("0o"))
            base = 8, digits.remove_prefix(2);
        std::int64_t number = 0;
        auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
        if (error == std::errc{} && end == digits.data() + digits.size())
            return Json(negative ? -number : number);
        double real = 0;
        auto [real_end, real_error] = std::from_chars(text.data(), text.data() + text.size(), real);
        if (real_error == std::errc{} && real_end == text.data() + text.size()) return Json(real);
        return refuse(concat("bad number syntax: \"", token.text, "\""));
    }

    Result<Json> parse_character(const Token& token) const {
        // A rune constant is a number. Only the first character's code matters.
        if (token.text.empty()) return refuse("empty character constant");
        const auto lead = static_cast<unsigned char>(token.text[0]);
        const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (token.text.size() != size) return refuse("malformed character constant");
        std::int64_t point = size == 1 ? lead : lead & (0xFF >> (size + 1));
        for (std::size_t i = 1; i < size; ++i) point = (point << 6) | (token.text[i] & 0x3F);
        return Json(point);
    }

    std::vector<Token> tokens_;
    std::size_t index_ = 0;
    std::vector<std::string> variables_;
    int loops_ = 0;
};

void collect_fields(const Pipeline& pipeline, std::vector<std::string>& out);

void collect_fields(const Operand& operand, std::vector<std::string>& out) {
    if (operand.kind == Operand::Kind::Dot && !operand.fields.empty() &&
        std::find(out.begin(), out.end(), operand.fields.front()) == out.end()) {
        out.push_back(operand.fields.front());
    }
    if (operand.inner) collect_fields(*operand.inner, out);
}

void collect_fields(const Pipeline& pipeline, std::vector<std::string>& out) {
    for (const auto& command : pipeline.commands) {
        for (const auto& word : command.words) collect_fields(word, out);
    }
}

void collect_fields(const List& list, std::vector<std::string>& out) {
    for (const auto& node : list.nodes) {
        collect_fields(node.pipeline, out);
        collect_fields(node.body, out);
        collect_fields(node.otherwise, out);
    }
}

}  // namespace

GoTemplate::GoTemplate(std::unique_ptr<List> root) : root_(std::move(root)) {}
GoTemplate::GoTemplate(GoTemplate&&) noexcept = default;
GoTemplate& GoTemplate::operator=(GoTemplate&&) noexcept = default;
GoTemplate::~GoTemplate() = default;

Result<GoTemplate> GoTemplate::parse(std::string_view text) {
    auto tokens = TRY(lex_template(text));
    auto root = std::make_unique<List>();
    *root = TRY(Parser(std::move(tokens)).run());
    return GoTemplate(std::move(root));
}

std::vector<std::string> GoTemplate::fields() const {
    std::vector<std::string> out;
    collect_fields(*root_, out);
    return out;
}

}  // namespace berth::codec
