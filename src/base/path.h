#pragma once
#include <string>
#include <string_view>

namespace berth {

/// The path as text without "//", "." and a final "/": "/a//b/./c/" becomes "/a/b/c", "" becomes
/// "/". ".." goes up one name and never above "/". No link is followed, so it is no check of where
/// a path leads.
std::string clean_absolute_path(std::string_view path);

}  // namespace berth
