// The sizes and rules of EmbeddingGemma (Gemma 3's text model with bidirectional attention).
#pragma once

#include <cstdint>
#include <vector>

#include "formats/fields.h"
#include "formats/gguf.h"
#include "lathe/status.h"

namespace lathe::models {

struct GemmaConfig {
  struct Rope {
    double base = 0;
    double position_scale = 1;  // positions are divided by it
  };
  int64_t width = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0, intermediate = 0;
  int64_t vocabulary = 0;
  int64_t positions = 0;
  int64_t window = 0;         // a sliding layer's token sees those at most so many places away, on both sides
  std::vector<bool> sliding;  // by layer; the others see all tokens
  Rope global, local;         // of the others, and of sliding layers
  float scale = 1;            // of the attention scores
  float eps = 1e-6f;
};

// From config.json. An error that names the field where the architecture is another one or a needed field is absent or
// impossible.
Result<GemmaConfig> read_gemma_config(const Fields& config);
// From the metadata of a GGUF file whose general.architecture is gemma-embedding.
Result<GemmaConfig> read_gemma_gguf(const Gguf& file);

}  // namespace lathe::models
