// From tokens to text, piece by piece: no piece ends inside a character, and none holds what a stop string takes away.
#pragma once

#include <cstdint>
#include <string>

#include "sample/stop_strings.h"
#include "tokenize/tokenizer.h"

namespace lathe::sample {

// The state of one answer. The text is what the tokens add to a text that has begun, so a leading space stays; where
// `begins`, the answer is the beginning, and its first token loses the blank that SentencePiece puts before a text.
// Bytes that are no UTF-8 become U+FFFD, one for each maximal part of a sequence.
class TextStream {
 public:
  // `tokenizer` stays the caller's. Special tokens are text only where `show_special` says so.
  explicit TextStream(const tokenize::Tokenizer& tokenizer, StopStrings stops = {}, bool show_special = false,
                      bool begins = false)
      : tokenizer_(tokenizer), stops_(std::move(stops)), show_special_(show_special), begins_(begins) {}

  // Appends to `out` what is certain now that `token` stands in the answer. Of a stop string, and of what follows it,
  // nothing is ever appended; where two could end the answer, the one that ends first does (the longer one of two that
  // end together).
  Status push(int32_t token, std::string& out);
  // No token follows: what was held back comes out.
  void finish(std::string& out);
  bool stopped() const { return stopped_; }  // by a stop string

 private:
  void append(std::string_view text, std::string& out);

  const tokenize::Tokenizer& tokenizer_;
  StopStrings stops_;
  bool show_special_, begins_;
  bool stopped_ = false;
  StopStrings::State state_;
  std::string bytes_;  // of a character that is not complete
  std::string mended_;
  std::string held_;  // text that a stop string may begin with
};

}  // namespace lathe::sample
