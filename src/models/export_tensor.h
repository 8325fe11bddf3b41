// A tensor of a file that is to be written: what it is called there, and what it is made of.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/tensor_view.h"

namespace lathe::models {

// The rows of queries and keys: Hugging Face keeps the halves of a head apart, GGUF has some families' pairs side by
// side. The matrices of GPT-2 lie as [in, out] with Hugging Face.
enum class RowOrder : uint8_t { kept, to_side_by_side, to_halves, transposed };

struct ExportTensor {
  TensorView target{};                 // name, type and shape; no bytes
  const TensorView* source = nullptr;  // of as many elements
  RowOrder order = RowOrder::kept;
  int64_t heads = 1;  // that the rows make, where they change places
  float added = 0;    // to each value: Gemma's norms are stored less 1 by Hugging Face

  bool changes_values() const { return order != RowOrder::kept || added != 0; }

  // Which row of the source, or of it transposed, becomes row `row`, of `rows`.
  int64_t source_row(int64_t row, int64_t rows) const {
    if (order == RowOrder::kept || order == RowOrder::transposed) return row;
    const int64_t dim = rows / heads, head = row / dim * dim, at = row % dim;
    return head +
           (order == RowOrder::to_side_by_side ? at % 2 * (dim / 2) + at / 2 : at % (dim / 2) * 2 + at / (dim / 2));
  }
};

// As a writer takes them.
inline std::vector<TensorView> targets_of(std::span<const ExportTensor> tensors) {
  std::vector<TensorView> targets;
  for (const ExportTensor& tensor : tensors) targets.push_back(tensor.target);
  return targets;
}

}  // namespace lathe::models
