// What a user may ask of a Sampler. The defaults change nothing: greedy decoding of the logits as they are.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "lathe/status.h"

namespace lathe::sample {

struct SamplerOptions {
  float temperature = 0.0f;         // 0: greedy, the most probable token, the lowest id of several
  int64_t top_k = 0;                // keep the k most probable; 0: all
  float top_p = 1.0f;               // keep the most probable whose probabilities sum to at least this; 1: all
  float min_p = 0.0f;               // keep those with at least this share of the most probable one's probability
  float repetition_penalty = 1.0f;  // CTRL's, on all tokens of prompt and answer; 1: none
  float presence_penalty = 0.0f;    // subtracted once from every token of the answer
  float frequency_penalty = 0.0f;   // subtracted for every time a token stands in the answer
  std::vector<std::pair<int32_t, float>> logit_bias = {};  // token id, what is added; minus infinity bans the token
  int64_t seed = 0;                                        // 0 to 2^63 - 1
};

// More than any published vocabulary has, as in the tokenizers' room.
inline constexpr int64_t kMostTokens = int64_t{1} << 21;

// A sentence that names the field, what was found and what is allowed.
Status check(const SamplerOptions& options, int64_t vocabulary);

// Whether the logits and a random number decide, whatever was said before: no penalty and no bias.
bool is_plain(const SamplerOptions& options);

// Of a temperature above 0: the factor of logits, and how far below the largest one of a token that counts may be.
float scale_of(const SamplerOptions& options);
float reach_of(const SamplerOptions& options);
// top_p below 1 as a part of 2^64.
uint64_t top_p_share(const SamplerOptions& options);

}  // namespace lathe::sample
