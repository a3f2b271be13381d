#pragma once
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

// Reading JSON members into structs, checked: the first member of a wrong type or range is
// remembered with its place ("process.rlimits[2].soft"), everything after it is skipped.
namespace berth::oci::json {

/// Where in the document a value stands. Text is made only when there is something to complain
/// about.
struct Place {
    const Place* parent = nullptr;
    std::string_view key;
    std::size_t index = 0;

    std::string to_string() const {
        if (!parent) return std::string(key);
        std::string text = parent->to_string();
        if (key.empty()) return text + "[" + std::to_string(index) + "]";
        if (!text.empty()) text += '.';
        return text + std::string(key);
    }
};

using Problem = std::optional<Error>;

inline void complain(Problem& problem, const Place& place, std::string_view what) {
    if (!problem) problem = fail(ErrorCode::InvalidArgument, place.to_string(), " ", what);
}

class Reader;

template <typename T>
concept Structure = requires(Reader& reader, T& out) {
    read_members(reader, out);
};

inline void read(const codec::Json& value, const Place& place, Problem& problem, std::string& out) {
    if (const auto* text = value.get_ptr<const std::string*>()) {
        out = *text;
        if (out.find('\0') != std::string::npos) complain(problem, place, "holds a zero byte");
    } else {
        complain(problem, place, "is not a string");
    }
}

inline void read(const codec::Json& value, const Place& place, Problem& problem, bool& out) {
    if (const auto* flag = value.get_ptr<const bool*>()) {
        out = *flag;
    } else {
        complain(problem, place, "is not true or false");
    }
}

template <std::integral T>
requires(!std::same_as<T, bool>) void read(const codec::Json& value, const Place& place,
                                           Problem& problem, T& out) {
    if (value.is_number_unsigned()) {
        const auto number = *value.get_ptr<const std::uint64_t*>();
        if (!std::in_range<T>(number)) return complain(problem, place, "is out of range");
        out = static_cast<T>(number);
    } else if (value.is_number_integer()) {
        const auto number = *value.get_ptr<const std::int64_t*>();
        if (!std::in_range<T>(number)) return complain(problem, place, "is out of range");
        out = static_cast<T>(number);
    } else {
        complain(problem, place, "is not a whole number");
    }
}

template <Structure T>
void read(const codec::Json& value, const Place& place, Problem& problem, T& out);

template <typename T>
void read(const codec::Json& value, const Place& place, Problem& problem, std::optional<T>& out) {
    read(value, place, problem, out.emplace());
}

template <typename T>
void read(const codec::Json& value, const Place& place, Problem& problem, std::vector<T>& out) {
    if (!value.is_array()) return complain(problem, place, "is not an array");
    out.clear();
    out.reserve(value.size());
    std::size_t index = 0;
    for (const auto& element : value) {
        const Place here{.parent = &place, .key = {}, .index = index++};
        read(element, here, problem, out.emplace_back());
    }
}

inline void read(const codec::Json& value, const Place& place, Problem& problem,
                 std::vector<std::pair<std::string, std::string>>& out) {
    if (!value.is_object()) return complain(problem, place, "is not an object");
    out.clear();
    for (const auto& [key, element] : value.items()) {
        const Place here{.parent = &place, .key = key};
        auto& pair = out.emplace_back(key, std::string());
        read(element, here, problem, pair.second);
    }
}

/// An object whose keys are names: its members in their order.
template <Structure T>
void read(const codec::Json& value, const Place& place, Problem& problem,
          std::vector<std::pair<std::string, T>>& out) {
    if (!value.is_object()) return complain(problem, place, "is not an object");
    out.clear();
    for (const auto& [key, element] : value.items()) {
        const Place here{.parent = &place, .key = key};
        read(element, here, problem, out.emplace_back(key, T()).second);
    }
}

/// The members of one object.
class Reader {
public:
    Reader(const codec::Json& object, const Place& place, Problem& problem)
        : object_(object), place_(place), problem_(problem) {}

    /// Reads the member if it is there and not null.
    template <typename T>
    Reader& operator()(std::string_view key, T& out) {
        if (problem_) return *this;
        const codec::Json* member = codec::find_member(object_, key);
        if (member) read(*member, Place{.parent = &place_, .key = key}, problem_, out);
        return *this;
    }
    /// The same, and a missing member is a problem.
    template <typename T>
    Reader& required(std::string_view key, T& out) {
        if (!problem_ && !codec::find_member(object_, key))
            complain(problem_, Place{.parent = &place_, .key = key}, "is missing");
        return (*this)(key, out);
    }

private:
    const codec::Json& object_;
    const Place& place_;
    Problem& problem_;
};

template <Structure T>
void read(const codec::Json& value, const Place& place, Problem& problem, T& out) {
    if (!value.is_object()) return complain(problem, place, "is not an object");
    Reader reader(value, place, problem);
    read_members(reader, out);
}

/// A whole document.
template <typename T>
Result<T> read_document(std::string_view text, int max_depth = 64) {
    const codec::Json document = TRY(codec::parse_json(text, max_depth));
    Problem problem;
    T out;
    read(document, Place{}, problem, out);
    if (problem) return std::move(*problem);
    return out;
}

}  // namespace berth::oci::json
