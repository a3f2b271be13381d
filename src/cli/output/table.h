#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace berth::cli {

/// Lines whose cells are separated by tabs, aligned: each column is as wide as its widest cell plus
/// three, and at least `least` wide. The last cell of a line is not padded. Widths count
/// characters, not bytes.
std::string align_columns(std::string_view text, std::size_t least = 10);
/// How many columns a terminal needs for it; wide characters count as one.
std::size_t display_width(std::string_view text);

}  // namespace berth::cli
