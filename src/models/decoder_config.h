// The sizes and rules of a decoder: one description for all the families known here, whatever file it comes from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/fields.h"
#include "formats/gguf.h"
#include "formats/llama2c.h"
#include "kernels/matmul/matmul.h"
#include "kernels/rope/rope.h"
#include "lathe/status.h"
#include "models/decoder_rope.h"

namespace lathe::models {

struct DecoderConfig {
  struct Layer {
    bool rotary = true;    // queries and keys are rotated by position
    bool sliding = false;  // a token sees `window` positions back, and `local` rotates; else all, and `global`
  };

  std::string architecture{};  // as the file names it
  int64_t width = 0, heads = 0, kv_heads = 0, head_dim = 0, intermediate = 0;
  int64_t vocabulary = 0;
  int64_t positions = 0;  // that the model was made for
  std::vector<Layer> layers{};
  int64_t window = -1;
  RopeRule global{}, local{};
  rope::Pairing pairing = rope::Pairing::halves;
  matmul::Activation activation = matmul::Activation::silu;
  bool qkv_bias = false, out_bias = false, ffn_bias = false;
  bool layer_norms = false;        // with biases; else RMS norms
  bool learned_positions = false;  // added to the words
  bool gated = true;               // what the activation gives is multiplied by a product of its own
  bool query_key_norm = false;     // queries and keys are normalised by head
  bool post_norms = false;         // what attention and feed-forward give is normalised before it is added
  float norm_offset = 0;           // added to every norm's weights
  bool tied = false;               // the head's weights are the embedding's
  float embedding_scale = 1;
  float attention_scale = 1;
  float eps = 1e-6f;
};

// From config.json. An error names the field where the architecture is none of those known here, or a needed field is
// absent or impossible.
Result<DecoderConfig> read_decoder_config(const Fields& config);
// From the metadata of a GGUF file, and from which tensors it has.
Result<DecoderConfig> read_decoder_gguf(const Gguf& file);
DecoderConfig decoder_config_of(const Llama2cHeader& header);

}  // namespace lathe::models
