// Embedding tables as they are stored, and the first step of a BERT-like encoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/norm/norm.h"
#include "lathe/status.h"
#include "platform/team.h"
#include "quant/dequantize.h"
#include "tensor/tensor_view.h"

namespace lathe::ops {

// A table [rows, width] in its file's type. Nothing is copied: rows are decoded from the mapping as they are used.
class EmbeddingTable {
 public:
  EmbeddingTable() = default;
  // An error where the tensor is no matrix or its type cannot be decoded.
  static Result<EmbeddingTable> create(const TensorView& tensor);

  int64_t rows() const { return rows_; }
  int64_t width() const { return width_; }
  void decode_row(int64_t row, float* out) const noexcept { decode_(data_ + row * row_bytes_, width_, out); }
  // As it is stored, row by row.
  DType dtype() const { return dtype_; }
  std::span<const std::byte> bytes() const { return {data_, static_cast<size_t>(rows_ * row_bytes_)}; }

 private:
  Dequantize decode_ = nullptr;
  DType dtype_ = DType::f32;
  const std::byte* data_ = nullptr;
  int64_t rows_ = 0, width_ = 0, row_bytes_ = 0;
};

// Texts one after the other: text i has the tokens [offsets[i], offsets[i + 1]).
struct TextBatch {
  std::span<const int32_t> ids;
  std::span<const int64_t> offsets;
  int64_t texts() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t tokens() const { return offsets.back(); }
};

// y[t] = layer_norm((words[id of t] + type) + positions[first_position + place of t in its text])
struct EmbedOperands {
  const EmbeddingTable* words = nullptr;
  const EmbeddingTable* positions = nullptr;
  const float* type = nullptr;  // nullptr: none is added
  int64_t first_position = 0;
  norm::Args norm{};  // weight, bias, eps
  float* y = nullptr;
  float* position_rows = nullptr;  // a row of scratch for each worker
};
// Every worker embeds its share of the tokens. Ends without a barrier.
void embed(const Team::Worker& worker, const norm::Variant& kernel, const TextBatch& batch,
           const EmbedOperands& x) noexcept;

// y[t] = words[id of t] * scale. Every worker takes its share of the tokens. Ends without a barrier.
void embed_scaled(const Team::Worker& worker, const TextBatch& batch, const EmbeddingTable& words, float scale,
                  float* y) noexcept;

// norm::Args::rows divided among the workers. Ends without a barrier.
void layer_norm(const Team::Worker& worker, const norm::Variant& kernel, norm::Args args) noexcept;

}  // namespace lathe::ops
