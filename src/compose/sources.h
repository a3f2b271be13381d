#pragma once
#include <map>
#include <string>
#include <string_view>

#include "codec/yaml.h"

namespace berth::compose {

/// The texts of the files that a project was read from, kept so that every message can show the
/// line it is about.
class Sources {
public:
    void add(const std::string& name, std::string text) { texts_[name] = std::move(text); }
    /// InvalidArgument: the message, the place, its line and a caret.
    Error refuse(const codec::TextPosition& at, std::string_view message) const;
    /// One line without the caret, for warnings.
    std::string place(const codec::TextPosition& at, std::string_view message) const;

private:
    std::map<std::string, std::string> texts_;
};

}  // namespace berth::compose
