// Reads a model's tensors by name and packs its products, whatever type the file holds.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/embedding.h"
#include "ops/matmul.h"
#include "ops/packed_store.h"
#include "tensor/tensor_table.h"

namespace lathe::models {

struct NormWeights {
  std::vector<float> weight, bias;
};

struct LinearWeights {
  ops::Weights weights;                   // [out, in], packed
  matmul::Type type = matmul::Type::f32;  // that they are kept in
  std::vector<float> bias;                // empty: none
};

// The type that products are kept in; without a value each as the file has it.
using StoredType = std::optional<matmul::Type>;

// As what rows of `k` weights of the file's type are kept where nobody asked for another: f16, bf16, Q8_0, Q4_0, Q4_1,
// Q4_K, Q5_K and Q6_K as they are, f32 and f64 as f32; other blocks as q8_0, which holds what they encode nearly
// exactly.
matmul::Type kept_type(DType dtype);

// The first of `prefixes` under which `tensors` has `name`; empty where none does.
std::string prefix_of(const TensorTable& tensors, std::span<const char* const> prefixes, std::string_view name);

// Rows of a matrix whose size no field tells; at least 1.
Result<int64_t> rows_of(const TensorTable& tensors, std::string_view name);

// The first error stays, and all later reads do nothing. Names are those of the file without `prefix`.
class WeightBinder {
 public:
  // What cannot be kept as `stored` is kept as q8_0: blocks of 256 where a row is no multiple of them. `team` packs
  // (nullptr: the calling thread) where `store` has none (nullptr: there is no store).
  WeightBinder(const TensorTable& tensors, std::string prefix, StoredType stored, Team* team,
               ops::PackedStore* store = nullptr)
      : tensors_(tensors), prefix_(std::move(prefix)), stored_(stored), team_(team), store_(store) {}

  const Status& status() const { return status_; }
  bool has(std::string_view name) const { return tensors_.find(prefix_ + std::string(name)) != nullptr; }

  ops::EmbeddingTable table(const std::string& name, const Shape& shape);
  std::vector<float> vector(const std::string& name, int64_t n);
  NormWeights norm(const std::string& name, int64_t n);

  // Several layers of one input as a single one: their outputs side by side, in this order.
  struct Part {
    std::string name;  // of a module: .weight and .bias are added
    int64_t out;
  };
  LinearWeights linear(std::span<const Part> parts, int64_t in, bool bias);
  // The same as few products as the types allow: neighbours of one type are joined.
  std::vector<LinearWeights> linears(std::span<const Part> parts, int64_t in, bool bias);
  LinearWeights linear(const std::string& name, int64_t out, int64_t in, bool bias);
  // A layer with a bias whose weights the file has as [in, out], in f64, f32, f16 or bf16: GPT-2's Conv1D.
  LinearWeights conv1d(const std::string& name, int64_t out, int64_t in);
  // Both [out, in], without biases, as one gated product; of two types it becomes q8_0.
  LinearWeights gated(const std::string& gate, const std::string& up, int64_t out, int64_t in);
  // The same as one gated product where they have one type, else as two products, that of the gate first.
  std::vector<LinearWeights> gate_up(const std::string& gate, const std::string& up, int64_t out, int64_t in);

 private:
  const TensorView* require(const std::string& name, const Shape& shape);
  // That in which the weights of a module are kept alone.
  matmul::Type type_of(const std::string& module, const Shape& shape);
  // That in which tensors become one product: their own where they share it.
  matmul::Type common_type(std::span<const TensorView* const> tensors) const;
  // `type`, or q8_0 where a row of `in` is no multiple of its blocks.
  static matmul::Type fitting(matmul::Type type, int64_t in);

  const TensorTable& tensors_;
  const std::string prefix_;
  const StoredType stored_;
  Team* const team_;
  ops::PackedStore* const store_;
  Status status_;
};

// A single layer of tensors that are at hand. `bias` may be nullptr. `store` knows it by `name`.
Result<LinearWeights> bind_linear(const TensorView& weight, const TensorView* bias, matmul::Type stored, Team* team,
                                  ops::PackedStore* store = nullptr, const std::string& name = "");

}  // namespace lathe::models
