// What the name of an architecture says and its files do not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/matmul/matmul.h"
#include "kernels/rope/rope.h"

namespace lathe::models {

struct DecoderFamily {
  const char* model_type;    // in config.json
  const char* architecture;  // in GGUF
  bool qkv_bias;             // always, as config.json has no field for it
  bool query_key_norm;
  bool gemma;           // four norms, words times sqrt(width), two kinds of positions, gelu
  bool gpt2;            // layer norms, learned positions, biases everywhere, no gate
  bool tied;            // where config.json does not say
  int64_t no_rope;      // every n-th layer has no positions, where the file does not say; 0: none
  double base;          // of positions, where the file does not say
  rope::Pairing pairs;  // of GGUF's queries and keys: its converter turns some into pairs side by side
};

constexpr DecoderFamily kDecoderFamilies[] = {
    {"llama", "llama", false, false, false, false, false, 0, 10000, rope::Pairing::interleaved},
    {"qwen2", "qwen2", true, false, false, false, false, 0, 10000, rope::Pairing::halves},
    {"qwen3", "qwen3", false, true, false, false, false, 0, 10000, rope::Pairing::halves},
    {"smollm3", "smollm3", false, false, false, false, true, 4, 2000000, rope::Pairing::interleaved},
    {"gemma3_text", "gemma3", false, true, true, false, true, 0, 1000000, rope::Pairing::halves},
    {"gpt2", "gpt2", true, false, false, true, true, 0, 0, rope::Pairing::halves},
};

// The family by one of its names, or nullptr; and their names, as an error lists them.
const DecoderFamily* find_decoder_family(const char* DecoderFamily::*name, std::string_view value);
std::string decoder_family_names(const char* DecoderFamily::*name);

}  // namespace lathe::models
