// The models that come with lathe, for a machine that has no other: small, and made to show that things work.
#pragma once

#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe::cli {

inline constexpr std::string_view kDefaultDecoder = "verse.gguf";

// Where the file lies: in share/lathe beside the program's folder, where it is installed, or in it, where it is built.
// Not found: a sentence that says what to name instead.
Result<std::string> shipped_model(std::string_view file);

}  // namespace lathe::cli
