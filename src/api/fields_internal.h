#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/text.h"
#include "codec/json.h"

// JSON both ways from one list of members. Each wire struct has a function template
//     template <typename Visitor> void describe(Visitor& field, LogConfig& value) {
//         field("Type", value.type);
//         field("Config", value.config);
//     }
// which Writer and Reader both run, so that a name stands in one place. The verbs on the visitor
// say how Go's encoder treats the member: field(...) always writes it, field.omit_empty(...) leaves
// an empty one out, field.nullable(...) writes null for an empty list or map.
namespace berth::api::detail {

using codec::Json;

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsMap : std::false_type {};
template <typename T>
struct IsMap<std::map<std::string, T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

class Writer;
template <typename T>
Json encode(const T& value);

template <typename T>
bool is_empty(const T& value) {
    if constexpr (IsOptional<T>::value) {
        return !value.has_value();
    } else if constexpr (std::is_arithmetic_v<T>) {
        return value == T{};
    } else if constexpr (requires { value.empty(); }) {
        return value.empty();
    } else {
        return false;
    }
}

class Writer {
public:
    Json object = Json::object();
    template <typename T>
    void operator()(const char* name, const T& value) {
        object[name] = encode(value);
    }
    template <typename T>
    void omit_empty(const char* name, const T& value) {
        if (!is_empty(value)) object[name] = encode(value);
    }
    template <typename T>
    void nullable(const char* name, const T& value) {
        object[name] = is_empty(value) ? Json(nullptr) : encode(value);
    }
    /// A list that is a Go StrSlice: a single string is accepted as a list of one.
    void command(const char* name, const std::optional<std::vector<std::string>>& value) {
        (*this)(name, value);
    }
    /// A set of names, written as {"name": {}}.
    void set(const char* name, const std::vector<std::string>& names) {
        Json& members = object[name] = Json::object();
        for (const auto& entry : names) members[entry] = Json::object();
    }
    void set_or_omit(const char* name, const std::vector<std::string>& names) {
        if (!names.empty()) set(name, names);
    }
};

template <typename T>
Json encode(const T& value) {
    if constexpr (IsOptional<T>::value) {
        return value ? encode(*value) : Json(nullptr);
    } else if constexpr (IsVector<T>::value) {
        Json list = Json::array();
        for (const auto& entry : value) list.push_back(encode(entry));
        return list;
    } else if constexpr (IsMap<T>::value) {
        Json object = Json::object();
        for (const auto& [key, entry] : value) object[key] = encode(entry);
        return object;
    } else if constexpr (std::same_as<T, std::array<int, 2>>) {
        return Json::array({value[0], value[1]});
    } else if constexpr (std::is_arithmetic_v<T> || std::same_as<T, std::string>) {
        return Json(value);
    } else {
        Writer writer;
        describe(writer, const_cast<T&>(value));  // a Writer only reads
        return std::move(writer.object);
    }
}

/// Reads members into a struct. Absent and null leave the default. Keys match without regard to
/// case, as in Go.
class Reader {
public:
    Reader(const Json& object, std::string path, std::optional<Error>& error)
        : object_(object), path_(std::move(path)), error_(error) {}
    template <typename T>
    void operator()(const char* name, T& value) {
        if (error_) return;
        if (const Json* member = find(name)) decode(*member, value, path_ + name);
    }
    template <typename T>
    void omit_empty(const char* name, T& value) {
        (*this)(name, value);
    }
    template <typename T>
    void nullable(const char* name, T& value) {
        (*this)(name, value);
    }
    void command(const char* name, std::optional<std::vector<std::string>>& value) {
        const Json* member = error_ ? nullptr : find(name);
        if (member && member->is_string()) {
            value = {member->get<std::string>()};
        } else {
            (*this)(name, value);
        }
    }
    void set(const char* name, std::vector<std::string>& names) {
        const Json* member = error_ ? nullptr : find(name);
        if (!member) return;
        if (!member->is_object()) return refuse(path_ + name, "an object");
        for (const auto& [key, unused] : member->items()) names.push_back(key);
    }
    void set_or_omit(const char* name, std::vector<std::string>& names) { set(name, names); }

    template <typename T>
    void decode(const Json& json, T& value, const std::string& path) {
        if (error_) return;
        if constexpr (IsOptional<T>::value) {
            if (json.is_null()) return;
            // Not emplace(): Clang takes structs with default members, nested in another, for not
            // constructible.
            value = typename T::value_type{};
            decode(json, *value, path);
        } else if constexpr (std::same_as<T, std::string>) {
            if (json.is_null()) return;
            if (!json.is_string()) return refuse(path, "a string");
            value = json.get_ref<const std::string&>();
        } else if constexpr (std::same_as<T, bool>) {
            if (json.is_null()) return;
            if (!json.is_boolean()) return refuse(path, "true or false");
            value = json.get<bool>();
        } else if constexpr (std::integral<T>) {
            decode_integer(json, value, path);
        } else if constexpr (IsVector<T>::value) {
            if (json.is_null()) return;
            if (!json.is_array()) return refuse(path, "a list");
            for (std::size_t i = 0; i < json.size(); ++i)
                decode(json[i], value.emplace_back(), concat(path, "[", i, "]"));
        } else if constexpr (IsMap<T>::value) {
            if (json.is_null()) return;
            if (!json.is_object()) return refuse(path, "an object");
            for (const auto& [key, entry] : json.items())
                decode(entry, value[key], concat(path, ".", key));
        } else if constexpr (std::same_as<T, std::array<int, 2>>) {
            if (json.is_null()) return;
            if (!json.is_array() || json.size() != 2) return refuse(path, "a list of two numbers");
            decode(json[0], value[0], path);
            decode(json[1], value[1], path);
        } else {
            if (json.is_null()) return;
            if (!json.is_object()) return refuse(path, "an object");
            Reader inner(json, path.empty() ? path : path + ".", error_);
            describe(inner, value);
        }
    }

private:
    const Json* find(std::string_view name) const {
        auto found = object_.find(name);
        if (found == object_.end()) {
            const std::string wanted = to_lower(name);
            for (found = object_.begin(); found != object_.end(); ++found)
                if (found.key().size() == wanted.size() && to_lower(found.key()) == wanted) break;
        }
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    template <typename T>
    void decode_integer(const Json& json, T& value, const std::string& path) {
        if (json.is_null()) return;
        if (!json.is_number()) return refuse(path, "a number");
        if (json.is_number_unsigned()) {
            const auto number = json.get<std::uint64_t>();
            if (number > static_cast<std::uint64_t>(std::numeric_limits<T>::max()))
                return refuse(path, "a smaller number");
            value = static_cast<T>(number);
        } else if (json.is_number_integer()) {
            const auto number = json.get<std::int64_t>();
            if (std::is_unsigned_v<T> ||
                number < static_cast<std::int64_t>(std::numeric_limits<T>::min()))
                return refuse(path, "a number that is not negative");
            value = static_cast<T>(number);
        } else {
            const auto number = json.get<double>();
            // Some clients write whole numbers as 1e9 or 5.0.
            if (!(number >= -9e15 && number <= 9e15) ||
                number != static_cast<double>(static_cast<T>(number)))
                return refuse(path, "a whole number");
            value = static_cast<T>(number);
        }
    }
    void refuse(const std::string& path, std::string_view expected) {
        if (!error_)
            error_ =
                fail(ErrorCode::InvalidArgument, "invalid JSON: ", path, ": expected ", expected);
    }

    const Json& object_;
    std::string path_;
    std::optional<Error>& error_;
};

template <typename T>
std::string write(const T& value) {
    return codec::dump_json(encode(value));
}

/// An empty text reads as an empty object, as Docker treats a request without a body.
template <typename T>
Result<T> read(std::string_view text) {
    Json json = Json::object();
    if (!trim(text).empty()) json = TRY(codec::parse_json(text));
    if (!json.is_object())
        return fail(ErrorCode::InvalidArgument, "invalid JSON: expected an object");
    T value{};
    std::optional<Error> error;
    Reader reader(json, "", error);
    describe(reader, value);
    if (error) return std::move(*error);
    return value;
}

}  // namespace berth::api::detail
