// The tensors of a model by name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "tensor/tensor_view.h"

namespace lathe {

class TensorTable {
 public:
  // More than any published model has in one piece (the largest mixtures of experts have about 140,000); a table of
  // this size takes 32 MiB, whatever a hostile file claims.
  static constexpr int64_t kMost = 1 << 18;

  TensorTable() = default;
  // `file` is named in errors. An error where a name stands twice.
  static Result<TensorTable> create(std::vector<TensorView> tensors, std::string file);

  std::span<const TensorView> all() const { return tensors_; }  // in the order of the file
  const TensorView* find(std::string_view name) const;          // nullptr where there is none

  // An error that names what is missing, or the shape found and the one needed.
  Result<const TensorView*> require(std::string_view name) const;
  Result<const TensorView*> require(std::string_view name, const Shape& shape) const;

 private:
  std::vector<TensorView> tensors_;
  std::vector<uint32_t> by_name_;
  std::string file_;
};

}  // namespace lathe
