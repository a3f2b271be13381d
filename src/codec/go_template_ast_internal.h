#pragma once
#include <memory>
#include <string>
#include <vector>

#include "codec/json.h"

// What go_template_parse.cpp makes and go_template_execute.cpp walks.
namespace berth::codec::template_ast {

struct Position {
    int line = 1, column = 1;
};

struct Pipeline;

/// One word of a command: a constant, .A.B, $x.A, a function's name, or (pipeline).A
struct Operand {
    enum class Kind { Constant, Dot, Variable, Function, Parenthesis };
    Kind kind = Kind::Constant;
    Position at;
    Json constant;
    std::string name;                 // of the variable (without $) or function
    std::unique_ptr<Pipeline> inner;  // of the parenthesis
    std::vector<std::string> fields;  // .A.B behind it
};

struct Command {
    std::vector<Operand> words;
};

struct Pipeline {
    std::vector<std::string> variables;  // $x or $i, $x
    bool declares = false;               // := rather than =
    std::vector<Command> commands;
};

struct Node;
struct List {
    std::vector<Node> nodes;
};

struct Node {
    enum class Kind { Text, Print, If, Range, With, Break, Continue };
    Kind kind = Kind::Text;
    Position at;
    std::string text;
    Pipeline pipeline;
    List body, otherwise;
};

}  // namespace berth::codec::template_ast
