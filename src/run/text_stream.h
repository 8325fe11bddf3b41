// Tokens to text as they come: only whole characters go out.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tokenize/tokenizer.h"

namespace lathe::run {

class TextStream {
 public:
  // `before` are tokens that the text goes on from: whether a word begins with a blank depends on them. The tokenizer
  // must outlive this.
  TextStream(const tokenize::Tokenizer& tokenizer, std::span<const int32_t> before);

  // The text that is certain now that `id` is there; empty while a character is not complete.
  Result<std::string> push(int32_t id);
  // What was held back, as U+FFFD where it never became a character.
  Result<std::string> finish();

 private:
  Result<std::string> take(bool all);

  const tokenize::Tokenizer* tokenizer_;
  // The tokens that went out last, then those that did not yet: a piece is decoded after the one before it.
  std::vector<int32_t> ids_;
  size_t shown_ = 0;    // of ids_
  std::string before_;  // what those decode to
};

}  // namespace lathe::run
