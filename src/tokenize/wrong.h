// What a reader of a tokenizer's file throws for content that it cannot use, and how the factories turn that into a
// Status. Nothing outside this room sees it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "lathe/status.h"

namespace lathe::tokenize {

struct Wrong {
  std::string what;
};

template <class... Args>
[[noreturn]] void wrong(fmt::format_string<Args...> format, Args&&... args) {
  throw Wrong{fmt::format(format, std::forward<Args>(args)...)};
}

template <class Build>
auto caught(std::string_view file, Build&& build) -> Result<decltype(build())> {
  try {
    return build();
  } catch (const Wrong& error) {
    return corrupt(fmt::format("{}: {}", file, error.what));
  } catch (const std::exception& error) {  // out of memory, a type that the JSON library did not find
    return corrupt(fmt::format("{}: {}", file, error.what()));
  }
}

}  // namespace lathe::tokenize
