// What stands between the quotes of a text in a template.
#pragma once

#include <string>
#include <string_view>

namespace lathe::chat {

// Python's escapes; one that Python does not know stays as it is.
std::string unescaped(std::string_view literal);

}  // namespace lathe::chat
