// What a model to be trained is: one small description, a preset or a JSON file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe::models {

struct TrainConfig {
  // llama: RMS norms, rotary positions (in halves), SwiGLU, no biases. qwen3: the same with queries and keys
  // normalised by head. qwen2: with biases of queries, keys and values. gpt2: layer norms with biases, learned
  // positions, GELU (tanh), biases.
  enum class Family : uint8_t { llama, qwen3, gpt2, qwen2 };

  Family family = Family::llama;
  int64_t vocabulary = 0;
  int64_t width = 0, layers = 0, heads = 0, kv_heads = 0;
  int64_t head_dim = 0;      // width / heads where the description has none
  int64_t intermediate = 0;  // llama2.c's rule, or 4 * width for gpt2, where the description has none
  int64_t context = 0;       // positions
  bool tied = true;
  float eps = 1e-5f;
  double rope_base = 10000.0;
  float init_scale = 0.02f;  // standard deviation of the first weights; residual products have it / sqrt(2 * layers)
};

std::string_view family_name(TrainConfig::Family family);

// Names of the presets: stories260k, stories15m, stories42m, stories110m, qwen3-0.6b, nanogpt-baby, gpt2.
std::span<const std::string_view> train_presets();
// A preset by its name, or a JSON file by its path; fields of a file may stand on a preset ("preset": NAME). A
// vocabulary of 0 is left to the data. An error names the field, what was found and what was needed.
Result<TrainConfig> read_train_config(const std::string& name_or_path);
Result<TrainConfig> parse_train_config(std::string_view json, std::string_view file);
std::string train_config_json(const TrainConfig& config);
// Whether a model can be made of it: every size 1 or more, heads that divide, sizes that do not overflow.
Status check_train_config(const TrainConfig& config);

}  // namespace lathe::models
