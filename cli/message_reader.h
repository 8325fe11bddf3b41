// Messages out of lines: one line each, unless it says that more belong to it.
#pragma once

#include <functional>
#include <string>

#include "lathe/status.h"

namespace lathe::cli {

enum class Input : uint8_t { line, end, interrupted };

// The next line, asked for with `prompt` where somebody is there to see it.
using NextLine = std::function<Result<Input>(std::string& line, const char* prompt)>;

// A line that ends in a backslash goes on in the next. One that begins with """ opens a block, in which lines are as
// they are, up to the next """ at the end of a line. What an end of the input cuts off is a message too.
Result<Input> read_message(const NextLine& next, std::string& message);

}  // namespace lathe::cli
