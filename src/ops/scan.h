// One query against stored vectors, by the team, and the best of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/scan/scan.h"
#include "ops/top_k.h"
#include "platform/team.h"

namespace lathe::ops {

enum class VectorType : uint32_t { f32 = 0, bf16 = 1, s8 = 2 };

constexpr int64_t vector_bytes(VectorType type, int64_t dim) {
  return dim * (type == VectorType::f32 ? 4 : type == VectorType::bf16 ? 2 : 1);
}

struct Vectors {
  VectorType type = VectorType::f32;
  int64_t count = 0, dim = 1;    // s8: dim <= kMostRowDim
  const void* data = nullptr;    // [count, dim]
  const float* scale = nullptr;  // s8: [count]
};

// The min(k, count) best by dot product, best first: the same at any number of threads. `workers` 0: as many as there
// is work for.
std::vector<Hit> scan(Team& team, const Vectors& vectors, std::span<const float> query, int64_t k, int workers = 0);

// The candidates again by their exact vectors, the k best of them.
std::vector<Hit> rescore(const float* exact, int64_t dim, std::span<const float> query, std::span<const Hit> candidates,
                         int64_t k);

}  // namespace lathe::ops
