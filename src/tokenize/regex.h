// Regular expressions in the dialect of tokenizer files (Oniguruma's), through PCRE2 with its compiler.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace lathe::tokenize {

// What a search needs besides the expression; one thread's, for any expression.
class MatchMemory {
 public:
  void* get();

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Free> memory_;
};

class Regex {
 public:
  // Throws Wrong for a pattern that is none; `field` is what the sentence names.
  Regex(std::string_view pattern, std::string_view field);
  // The pattern that matches `text` itself and nothing else.
  static Regex literal(std::string_view text, std::string_view field);

  struct Match {
    bool found = false;
    size_t begin = 0, end = 0;
  };
  // The first match at `from` or later. Throws Wrong where the search exceeds PCRE2's limits.
  Match find(std::string_view text, size_t from, MatchMemory& memory) const;

 private:
  struct Free {
    void operator()(void* code) const;
  };
  std::unique_ptr<void, Free> code_;
  std::string field_;
};

}  // namespace lathe::tokenize
