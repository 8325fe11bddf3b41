// A generator's steps, timed: a prompt to its first logits, and answers token by token, of one text or several at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "run/generator.h"

namespace lathe::run {

struct GenerateTest {
  enum class Kind : uint8_t { prompt, answer };
  Kind kind = Kind::prompt;
  int64_t tokens = 512;  // of the prompt, or of every answer
  int64_t texts = 1;     // that answer at once

  std::string name() const;  // as llama-bench has them: pp512, tg128; tg128@b8 where eight texts answer at once
};

struct GenerateTimes {
  std::vector<double> step_ns;  // of each pass, with what stands around it
  double wall_ns = 0, cpu_ns = 0;
  int64_t tokens = 0;

  double tokens_per_s() const { return static_cast<double>(tokens) / wall_ns * 1e9; }
};

// One run of the test. Tokens are random, by `seed`, and are chosen without looking at the logits. The prompts before
// an answer, of Answering::kPrompt tokens each, are not timed. `profile`, where it is given, sees the timed passes.
Result<GenerateTimes> time_generation(Generator& generator, const GenerateTest& test, uint64_t seed,
                                      ops::Profile* profile = nullptr);

}  // namespace lathe::run
