// Where each tensor of a model that learns stands in its flat arrays, and what the layers make of them.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/matmul/matmul.h"
#include "models/train_model.h"

namespace lathe::models {

constexpr int64_t kNoTensor = -1;

// Offsets in elements. Tensors that one product reads stand one after the other: queries, keys and values are one
// matrix of q + 2 kv rows, gate and up one of 2 * intermediate.
struct TrainLinear {
  int64_t in = 0, out = 0;
  matmul::Order order = matmul::Order::nk;  // gpt2's are [in, out]
  int64_t weight = kNoTensor, bias = kNoTensor;
};
struct TrainNorm {
  int64_t weight = kNoTensor, bias = kNoTensor;
};
struct TrainLayer {
  TrainNorm attention_norm, ffn_norm;
  TrainLinear qkv, out, up, down;
  int64_t query_norm = kNoTensor, key_norm = kNoTensor;
};

// What a tensor is a part of, for telemetry. A tied head is of the embedding.
enum class TrainPart : uint8_t { embedding, attention, mlp, norms, head };
struct TrainPlace {
  TrainPart part;
  int64_t layer = -1;  // -1: none
};

struct TrainLayout {
  enum class First : uint8_t { ones, zeros, normal, residual };  // what a tensor begins as

  std::vector<TrainTensor> tensors;
  std::vector<First> first;        // of each tensor
  std::vector<TrainPlace> places;  // the same
  std::vector<TrainLayer> layers;
  int64_t words = kNoTensor, positions = kNoTensor;
  TrainNorm norm;
  int64_t head = kNoTensor;  // words, where tied
  int64_t size = 0;          // elements of all
};

// Of a configuration that check_train_config accepted.
TrainLayout train_layout(const TrainConfig& config);

}  // namespace lathe::models
