// Runs a parsed template.
#pragma once

#include <ctime>
#include <string>

#include "chat/budget.h"
#include "chat/syntax.h"

namespace lathe::chat {

// What the template itself refuses by raise_exception().
struct Refused {
  std::string why;
};

// `globals` are the names that the template starts with; `now` is what strftime_now() prints. Throws Wrong and Refused.
std::string run(const Syntax& syntax, const Dict& globals, const std::tm& now, Heap& heap);

}  // namespace lathe::chat
