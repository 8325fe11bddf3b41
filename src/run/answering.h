// Texts that answer with random tokens, one of each in a step: what is timed of decoding.
#pragma once

#include <cstdint>
#include <vector>

#include "run/generator.h"

namespace lathe::run {

// Tokens that `generator` takes and can make text of, chosen by `seed`. Prompts of different seeds have no beginning in
// common that the cache could give.
std::vector<int32_t> random_tokens(const Generator& generator, int64_t count, uint64_t seed);
// An answer of so many such tokens (negative: until the context is full), chosen whatever the logits are.
SessionOptions random_answer(const Generator& generator, int64_t tokens, uint64_t seed);

class Answering {
 public:
  static constexpr int64_t kPrompt = 8;  // tokens; sixteen texts share one pass

  // Starts `texts` texts and steps until each has its first token, so that every step to come is of one token a text.
  // An error where the context does not hold `steps` more.
  static Result<Answering> begin(Generator& generator, int64_t texts, int64_t steps, uint64_t seed);

  Status step();
  Status end();  // of all of them

 private:
  explicit Answering(Generator& generator) : generator_(&generator) {}

  Generator* generator_;
  std::vector<int64_t> sessions_;
};

}  // namespace lathe::run
