// Whether a model's files, and what is computed from them here, can be trusted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/status.h"
#include "run/embedder.h"
#include "tensor/tensor_table.h"
#include "tokenize/tokenizer.h"

namespace lathe::run {

struct Check {
  enum class Outcome : uint8_t {
    passed,
    failed,
    not_supported,  // the model or this build cannot be asked that; the detail says why
    absent,         // there is nothing to compare with
  };
  std::string name;
  Outcome outcome = Outcome::passed;
  std::string detail;                                        // one sentence
  std::vector<std::pair<std::string_view, double>> figures;  // what was measured, and the bounds
};
std::string_view outcome_name(Check::Outcome outcome);

struct VerifyOptions {
  std::string model{}, hub{};  // as resolve_model takes them
  std::string golden{};        // empty: golden.json beside the model, where it is
  int threads = 0;             // 0: what the machine recommends
};

// Calls `each` as soon as a check is done. An error where there is no such model; what is wrong with the model is a
// failed check.
Status verify_model(const VerifyOptions& options, const std::function<void(const Check&)>& each);

// Its parts.

// Ids stay within the vocabulary; a text without unknown tokens comes back from its ids letter by letter (case, marks
// and spaces aside, which tokenizers of this kind may drop), and gives the same ids again.
Check check_tokenizer(const tokenize::Tokenizer& tokenizer);
// Every value of every tensor of numbers is finite.
Check check_weights(const TensorTable& tensors);
// A text's vector alone, in a batch, with one thread and with several.
Check check_determinism(const EmbedderOptions& options);
// Weights stored as another type against f32.
Check check_stored(const EmbedderOptions& options, matmul::Type stored);
// The vectors that another implementation wrote to a file.
Check check_golden(const EmbedderOptions& options, const std::string& path);

}  // namespace lathe::run
