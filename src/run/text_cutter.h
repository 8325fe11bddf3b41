// From a text to the token sequences that an encoder takes: one, or several where the text is longer than the model's
// limit and is to be cut into chunks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/tokenizer.h"

namespace lathe::run {

enum class Overflow : uint8_t {
  truncate,  // what is beyond the limit is left out, and said to be
  error,     // the text has a Status and no vector
  chunk,     // several pieces, whose vectors are averaged
};

struct CutOptions {
  int64_t max_tokens = 0;  // of a piece, with the special ones
  Overflow overflow = Overflow::truncate;
  int64_t overlap = 0;  // tokens that a chunk shares with the one before
};

struct CutText {
  std::vector<int32_t> ids;      // of all pieces, one after the other
  std::vector<int64_t> ends;     // of each piece, in `ids`
  std::vector<int64_t> weights;  // of each piece: its tokens that are its own, neither special nor the prompt's
  std::vector<int64_t> heads;    // of each piece: its first tokens, special and the prompt's; all of it at most
  int64_t tokens = 0;            // of the whole text, with the special ones
  bool truncated = false;
};

class TextCutter {
 public:
  explicit TextCutter(tokenize::Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

  const tokenize::Tokenizer& tokenizer() const { return tokenizer_; }

  // The second needs the first. A prompt stands before every text, and before every chunk of one.
  Status set_options(const CutOptions& options);
  Status set_prompt(std::string_view prompt);
  const std::string& prompt() const { return prompt_; }

  // `cut` keeps its memory.
  Status cut(std::string_view text, CutText& cut);

  // Gives back what a long text needed.
  void trim();

 private:
  Status cut_into_chunks(CutText& cut);

  tokenize::Tokenizer tokenizer_;
  tokenize::Workspace work_;
  tokenize::Encoding encoding_;
  CutOptions options_;
  int64_t before_ = 0, after_ = 0;  // special tokens around a text
  std::string prompt_, prompted_;
  std::vector<int32_t> prompt_ids_;
};

}  // namespace lathe::run
