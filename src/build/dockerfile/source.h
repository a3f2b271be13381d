#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "build/dockerfile/ast.h"

namespace berth::build::dockerfile {

/// A Dockerfile's text with its name, for messages that show the place.
class Source {
public:
    Source(std::string name, std::string text);

    const std::string& name() const { return name_; }
    const std::string& text() const { return text_; }
    std::size_t line_count() const { return lines_.size(); }
    /// Without its line break. Lines count from 1.
    std::string_view line(int number) const;

    /// "Dockerfile:3:5".
    std::string locate(const Place& place) const;
    /// The line with its number and a caret below the place:
    ///        3 | COPY --form=build /a /b
    ///          |      ^~~~~~
    std::string excerpt(const Place& place) const;
    /// "Dockerfile:3:5: message" and the excerpt.
    std::string describe(const Place& place, std::string_view message) const;
    /// The same as an error, InvalidArgument.
    Error error(const Place& place, std::string_view message) const;

private:
    std::string name_, text_;
    std::vector<std::pair<std::size_t, std::size_t>> lines_;  // offset and length in text_
};

}  // namespace berth::build::dockerfile
