// Guesses how a text goes on: as it did where its last tokens stood before (A. Saxena, "Prompt Lookup Decoding", 2023).
// A pass that takes a few tokens more reads the weights once for all of them, so that right guesses come for little.
#pragma once

#include <cstdint>
#include <span>

namespace lathe::run {

class PromptLookup {
 public:
  // Guesses are of `most` tokens at most; 0: there are none.
  explicit PromptLookup(int64_t most) : most_(most) {}

  // What may follow `ids`, up to `room` tokens: a part of `ids`, or nothing.
  std::span<const int32_t> guess(std::span<const int32_t> ids, int64_t room);
  // Of a guess of so many tokens, the first `right` were those that came.
  void learn(int64_t guessed, int64_t right);

 private:
  int64_t most_;
  // Guesses grow while they are right. Behind each that was wrong from its first token more tokens go without one.
  int64_t size_ = 1, pause_ = 0, wait_ = 0;
};

}  // namespace lathe::run
