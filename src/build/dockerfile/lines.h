#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/dockerfile/ast.h"
#include "build/dockerfile/source.h"

namespace berth::build::dockerfile {

/// One instruction as the lexer sees it: continuation lines are joined, comments within it are
/// gone, and the heredocs that it announces are read.
class LogicalLine {
public:
    std::string text;
    std::vector<Heredoc> heredocs;
    int first_line = 0, last_line = 0;

    /// Where the byte at `offset` of `text` stands in the file.
    Place place(std::size_t offset, std::size_t length = 1) const;

private:
    friend class LineReader;
    struct Piece {
        std::size_t offset;  // in text
        int line, column;    // in the file
    };
    std::vector<Piece> pieces_;
};

struct Lines {
    std::string syntax;
    char escape = '\\';
    std::string check;  // value of the `check` directive
    std::vector<LogicalLine> lines;
    std::vector<Warning> warnings;
};

inline constexpr std::size_t max_dockerfile_bytes = 4 << 20;

/// Splits a Dockerfile into logical lines. Errors show the place: a repeated or wrong directive, a
/// heredoc without end.
Result<Lines> read_lines(const Source& source);

/// Splits on blanks outside quotes; quotes and escapes stay in the words. `offsets` gets where each
/// starts.
std::vector<std::string> split_words(std::string_view text, char escape,
                                     std::vector<std::size_t>* offsets = nullptr);

}  // namespace berth::build::dockerfile
