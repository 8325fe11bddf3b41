// The models that come with lathe, for a machine that has no other: small, and made to show that things work.
#pragma once

#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe::cli {

inline constexpr std::string_view kDefaultDecoder = "verse.gguf";
inline constexpr std::string_view kDefaultEncoder = "words.gguf";

// Where the file lies: in share/lathe beside the program's folder, where it is installed, or in it, where it is built.
// Not found: a sentence that says what to name instead.
Result<std::string> shipped_model(std::string_view file);

// Where `model` names none, the encoder that comes with lathe takes its place, which standard error is told.
Status or_shipped_encoder(std::string& model);
void say_shipped_encoder(const char* why);
// Whether `model` is that encoder.
bool is_shipped_encoder(const std::string& model);

}  // namespace lathe::cli
