#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "codec/go_template_ast_internal.h"

namespace berth::codec::template_ast {

struct Token {
    enum class Kind {
        Text,      // outside of {{ }}, already trimmed
        Open,      // {{
        Close,     // }}
        Field,     // .Name
        Dot,       // . alone
        Variable,  // $ or $name; text without $
        Word,      // function or keyword
        String,    // text unquoted
        Number,
        Character,
        Symbol,  // | ( ) , := =
        End,
    };
    Kind kind = Kind::End;
    std::string text;
    Position at;
    bool after_space = false;  // ".A .B" are two operands, ".A.B" is one
};

/// The whole template as tokens, ending with End. InvalidArgument for unclosed actions, strings and
/// comments.
Result<std::vector<Token>> lex_template(std::string_view text);

}  // namespace berth::codec::template_ast
