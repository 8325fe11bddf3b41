// A BERT of a few thousand weights, random and the same in every run, made in memory: so little work per op that what a
// pass costs besides its work shows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/bert_encoder.h"
#include "tensor/tensor_table.h"

namespace lathe::models {

struct ToySizes {
  int64_t layers = 6, width = 64, heads = 4, intermediate = 256, vocabulary = 1000, positions = 512;
};

class ToyEncoder {
 public:
  // `team` must outlive it.
  static Result<std::unique_ptr<ToyEncoder>> create(const ToySizes& sizes, Team& team);

  Encoder& encoder() { return *encoder_; }

 private:
  void add(const std::string& name, Shape shape, float deviation, float mean = 0.0f);
  void add_linear(const std::string& name, int64_t out, int64_t in);
  void add_norm(const std::string& name, int64_t width);
  void add_tensors(const ToySizes& sizes);

  std::vector<std::vector<float>> values_;  // what the views lead to
  std::vector<TensorView> views_;
  TensorTable table_;
  std::unique_ptr<BertEncoder> encoder_;
  uint32_t seed_ = 1;
};

}  // namespace lathe::models
