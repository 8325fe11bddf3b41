// Operands of the op that draws the next token of each text from its logits, and what a text asks of its draws.
#pragma once

#include <cstdint>

#include "gpu/place.h"

namespace lathe::gpu {

// As the shader reads it (shaders/draw.comp, whose head says what is done with them).
struct DrawSettings {
  uint64_t share = 0;  // that the largest hold of all, of 2^64; 0: all are kept
  float scale = 1.0f;  // of the logits: 1 / temperature
  float reach = 0.0f;  // logits that are further below the largest do not count
  float min_p = 0.0f;
  uint32_t top_k = 0;           // 0: all
  float over_one = 0x1.001p0f;  // 1 + 2^-12: by its square the shader sees whether the device's fma rounds once
  uint32_t unused = 0;
};
static_assert(sizeof(DrawSettings) == 32);

// Of argmax too: how the next token of each text comes of its logits.
struct ChoiceArgs {
  Place x;               // n logits of each text
  Place ids, positions;  // uint32 [texts]
  int64_t texts = 1, n = 0, x_row = 0;
};

struct DrawArgs : ChoiceArgs {
  Place settings;                  // DrawSettings [texts]
  Place random;                    // uint64 [texts]: which of the tokens, of 2^64
  Place candidates, candidates_e;  // uint32 and f32 [texts][n], in which the draws work
};

}  // namespace lathe::gpu
