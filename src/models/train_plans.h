// The products of a training step over so many tokens.
#pragma once

#include <cstdint>

#include "lathe/status.h"
#include "models/train_config.h"
#include "models/train_layout.h"
#include "ops/linear.h"

namespace lathe::models {

// Logits are made of some rows at a time, whose memory this bounds (at least kLeastLogitRows rows, though). Larger
// chunks spare passes over the gradient of the words, which each chunk adds to.
constexpr int64_t kLogitBytes = int64_t{32} << 20;
constexpr int64_t kLeastLogitRows = 16;

struct TrainPlans {
  struct Rows {
    int64_t tokens;
    matmul::Type weights = matmul::Type::f32;  // or bf16_b16
  };
  ops::LinearPlans qkv, out, up, down;
  // The head by chunks: `chunks` of them, of chunk_rows but the last, which may have fewer.
  ops::LinearPlans head, last_head;
  int64_t tokens = 0, chunks = 0, chunk_rows = 0;
  ops::MatmulPlan one_row;  // the head of one token

  static Result<TrainPlans> create(const TrainConfig& config, const TrainLayout& layout, const Rows& rows, int workers);
  int64_t workspace_bytes() const;   // a multiple of 64
  int64_t panel_bytes() const;       // of the largest weight of a layer
  int64_t rows_panel_bytes() const;  // the largest
};

}  // namespace lathe::models
