// Which type each tensor of a GGUF file gets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "tensor/tensor_view.h"

namespace lathe::run {

struct QuantizeTypes {
  std::optional<DType> type{};       // of matrices; none: as they are
  std::optional<DType> output{};     // of the head; the word table where it is both
  std::optional<DType> embedding{};  // of the word table
  bool mixed = false;                // Q6_K for what Q4_K and Q5_K hurt most
};

class QuantizeRules {
 public:
  // `tied`: there is no tensor for the head.
  QuantizeRules(QuantizeTypes types, int64_t layers, bool tied) : types_(types), layers_(layers), tied_(tied) {}

  // Vectors, norms, positions and routers are F32; whole numbers stay. Rows that are no whole blocks fall back to Q8_0,
  // or F16.
  DType type_of(const TensorView& tensor);
  std::vector<std::string> notes() const;  // what fell back
  // general.file_type of what most values of matrices became, as llama.cpp numbers them.
  uint32_t file_type() const;

 private:
  DType wanted(const TensorView& tensor) const;

  QuantizeTypes types_;
  int64_t layers_;
  bool tied_;
  int64_t fallen_q8_ = 0, fallen_f16_ = 0;
  std::string first_fallen_;
  std::array<int64_t, kDTypes> values_{};  // of matrices, by the type they became
};

}  // namespace lathe::run
