// What sentence-transformers keeps beside a model: which modules follow the transformer, and its prompts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/safetensors.h"
#include "lathe/status.h"

namespace lathe {

// In the order in which several are concatenated.
enum class Pooling : uint8_t { cls, max, mean, mean_sqrt_len, weighted_mean, last_token };

struct DenseLayer {
  int64_t in = 0, out = 0;
  std::string activation;              // the class that PyTorch knows it by: Identity, Tanh, ...
  Safetensors file;                    // holds the two
  const TensorView* weight = nullptr;  // [out, in]
  const TensorView* bias = nullptr;    // [out], or nullptr
};

struct SentenceTransformer {
  std::string transformer_folder;  // of config.json, weights and tokenizer
  std::vector<Pooling> pooling;    // at least one
  std::optional<int64_t> width;    // of what is pooled, where the file says it
  bool include_prompt = true;      // whether the prompt's tokens are pooled too
  std::vector<DenseLayer> dense;   // behind the pooling, in order
  bool normalize = false;          // to length 1, at the end
  std::optional<int64_t> max_tokens;
  bool lower_case = false;  // before the tokenizer
  std::vector<std::pair<std::string, std::string>> prompts;
  std::optional<std::string> default_prompt;
  std::string similarity;  // "cosine", "dot", ...; empty where the file does not say
};

// Reads modules.json of `folder` and what it names; nothing where there is no modules.json. Modules other than
// Transformer, Pooling, Dense and Normalize, or in another order, are an error that names the first.
Result<std::optional<SentenceTransformer>> open_sentence_transformer(const std::string& folder);

}  // namespace lathe
