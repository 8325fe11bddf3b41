// What a training step of an encoder keeps, and where: sizes first, so that they can be said before anything is
// allocated, and the same sizes then cut the memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/memory.h"
#include "lathe/status.h"
#include "models/layer_products.h"
#include "models/train_encoder.h"
#include "models/train_encoder_layout.h"
#include "ops/linear.h"

namespace lathe::models {

// The products of a layer over so many tokens.
struct EncoderPlans {
  ops::LinearPlans qkv, out, up, down;

  static Result<EncoderPlans> create(const EncoderLayout& layout, int64_t tokens, int workers);
  int64_t workspace_bytes() const;  // a multiple of 64
};
// Scores of so many pairs, and the ways back from them.
struct ScorePlans {
  ops::LinearPlans scores;  // rows: anchors, out: candidates, in: the width

  static Result<ScorePlans> create(int64_t pairs, bool negatives, int64_t width, int workers);
  int64_t workspace_bytes() const;  // a multiple of 64
};

// Kept of a layer for the way back. Its input is the norm of what stands before it: computed again.
struct EncoderActivations {
  float* qkv = nullptr;
  float* y = nullptr;       // what attention gave
  float* lse = nullptr;     // as ops::WindowAttention has it
  float* middle = nullptr;  // the sum before attention's norm
  float* up = nullptr;      // what the activation is of
  float* sum = nullptr;     // before the second norm
};

class EncoderMemory {
 public:
  static Result<TrainModel::Memory> sizes(const BertConfig& config, const EncoderLayout& layout,
                                          const TrainEncoder::Options& options, int threads);
  static Result<EncoderMemory> create(const BertConfig& config, const EncoderLayout& layout,
                                      const TrainEncoder::Options& options, int threads);
  Status reserve_products(int64_t bytes);

  Buffer weights, gradients, first_moments, second_moments;
  float* embedded = nullptr;  // [tokens][width], before the embedding's norm
  std::vector<EncoderActivations> layers;
  // One for all layers.
  float* x = nullptr;        // [tokens][width], the input of a layer
  float* inner = nullptr;    // [tokens][width], of its second half
  float* act = nullptr;      // [tokens][intermediate]
  float* d_act = nullptr;    // [tokens][intermediate or width], backwards of attention's output too
  float* d_x = nullptr;      // [tokens][width]
  float* d_inner = nullptr;  // [tokens][width]
  float* d_sum = nullptr;    // [tokens][width]
  float* d_qkv = nullptr;    // [tokens][3 * width]
  float* scale = nullptr;    // [tokens], of norms
  float* mean = nullptr;     // [tokens]
  int32_t* places = nullptr;
  // Of texts.
  float *pooled = nullptr, *unit = nullptr, *d_unit = nullptr;  // [texts][width]
  float* inverse = nullptr;                                     // [texts]
  float* scores = nullptr;                                      // [pairs][candidates]
  int32_t* rank = nullptr;                                      // [pairs]
  int32_t* targets = nullptr;                                   // [pairs]: 0, 1, 2 ...
  double* losses = nullptr;                                     // [pairs]
  std::byte *score_panels = nullptr, *score_input_panels = nullptr;
  std::byte* attention = nullptr;  // scratch of all workers
  ProductMemory products;

 private:
  Buffer activations_, workspace_;
};

}  // namespace lathe::models
