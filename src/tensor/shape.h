// The extents of a tensor, slowest dimension first, as PyTorch orders them: [rows, cols].
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "base/checked.h"

namespace lathe {

class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims) {
    for (const int64_t dim : dims) push_back(dim);
  }

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  std::span<const int64_t> dims() const { return {dims_.data(), static_cast<size_t>(rank_)}; }

  // False where there is no room for another dimension.
  bool push_back(int64_t dim) {
    if (rank_ == kMaxRank) return false;
    dims_[static_cast<size_t>(rank_++)] = dim;
    return true;
  }
  void reverse() { std::reverse(dims_.begin(), dims_.begin() + rank_); }

  // The product of all; 1 for a scalar. Nothing where a dimension is negative or the product does not fit in 63 bits,
  // even where another dimension of 0 would bring it back.
  std::optional<int64_t> elements() const {
    int64_t product = 1;
    bool empty = false;
    for (const int64_t dim : dims()) {
      if (dim < 0) return std::nullopt;
      if (dim == 0) {
        empty = true;
        continue;
      }
      const auto next = checked_mul(product, dim);
      if (!next) return std::nullopt;
      product = *next;
    }
    return empty ? 0 : product;
  }

  std::string text() const {
    std::string text = "[";
    for (int i = 0; i < rank_; ++i) text += (i ? ", " : "") + std::to_string((*this)[i]);
    return text + "]";
  }

  friend bool operator==(const Shape& a, const Shape& b) { return std::ranges::equal(a.dims(), b.dims()); }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace lathe
