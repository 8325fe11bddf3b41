#include "ops/scan.h"

#include <algorithm>

#include "quant/row_integers.h"

namespace lathe::ops {
namespace {

// Vectors scored between two looks at the heap: their scores stay in the first cache.
constexpr int64_t kBlock = 512;
// What a worker claims at a time, and the least that a worker is woken for: 256 KiB take 10 us of a core's reading.
constexpr int64_t kClaimBytes = 256 << 10;

struct Query {
  std::span<const float> f32;
  std::vector<int16_t> levels;
  float level_scale = 0;
};

Query prepare(VectorType type, std::span<const float> query) {
  Query q = {.f32 = query, .levels = {}};
  if (type == VectorType::s8) {
    q.levels.resize(query.size());
    q.level_scale = encode_query_s16(query, q.levels.data());
  }
  return q;
}

scan::Kernel kernel_for(VectorType type) {
  const scan::Variant& variant = scan::best(cpu_features());
  return type == VectorType::f32 ? variant.f32 : type == VectorType::bf16 ? variant.bf16 : variant.s8;
}

void scan_range(const Vectors& v, const Query& query, scan::Kernel kernel, int64_t first, int64_t last, TopK& top) {
  float scores[kBlock];
  for (int64_t i = first; i < last; i += kBlock) {
    const int64_t count = std::min(kBlock, last - i);
    kernel({.vectors = count,
            .dim = v.dim,
            .data = static_cast<const std::byte*>(v.data) + i * vector_bytes(v.type, v.dim),
            .query = query.f32.data(),
            .levels = query.levels.data(),
            .level_scale = query.level_scale,
            .scale = v.scale ? v.scale + i : nullptr,
            .scores = scores});
    for (int64_t j = 0; j < count; ++j) top.push(scores[j], i + j);
  }
}

}  // namespace

std::vector<Hit> scan(Team& team, const Vectors& vectors, std::span<const float> query, int64_t k, int workers) {
  k = std::min(k, vectors.count);
  if (k < 1) return {};
  const int64_t row = vector_bytes(vectors.type, vectors.dim);
  const int64_t claim = std::max<int64_t>(kClaimBytes / row, 16), claims = (vectors.count + claim - 1) / claim;
  if (workers == 0) workers = static_cast<int>(std::clamp<int64_t>(claims, 1, team.size()));
  const Query prepared = prepare(vectors.type, query);
  const scan::Kernel kernel = kernel_for(vectors.type);
  std::vector<TopK> tops(static_cast<size_t>(workers), TopK(k));
  team.run(
      [&](Team::Worker& worker) {
        TopK& top = tops[static_cast<size_t>(worker.id())];
        for (int64_t c = worker.next(); c < claims; c = worker.next())
          scan_range(vectors, prepared, kernel, c * claim, std::min((c + 1) * claim, vectors.count), top);
      },
      workers);
  for (size_t w = 1; w < tops.size(); ++w) tops[0].push(tops[w]);
  return tops[0].take();
}

std::vector<Hit> rescore(const float* exact, int64_t dim, std::span<const float> query, std::span<const Hit> candidates,
                         int64_t k) {
  const scan::Kernel kernel = kernel_for(VectorType::f32);
  TopK top(std::min(k, static_cast<int64_t>(candidates.size())));
  for (const Hit& hit : candidates) {
    float score = 0;
    kernel({.vectors = 1, .dim = dim, .data = exact + hit.index * dim, .query = query.data(), .scores = &score});
    top.push(score, hit.index);
  }
  return top.take();
}

}  // namespace lathe::ops
