// Attention of many queries on a device against float64: ragged texts that see themselves, windows, prompts over a
// cache. And the bits of a text alone and among others.
#include <cmath>
#include <cstring>

#include "gpu/test_step_ops.h"

namespace lathe::gpu {
namespace {

using Vector = std::vector<float>;

struct Shape {
  int64_t heads, kv_heads, dim;
  int64_t behind = kSeesAll, ahead = kSeesAll;
};

class AttentionTiles : public StepOps {
 protected:
  // q [q_rows][heads * dim + 3], keys and values [kv_rows][kv_heads * dim + 1]
  struct Operands {
    Vector q, keys, values;
  };
  Operands random_operands(const Shape& s, int64_t q_rows, int64_t kv_rows) {
    const int64_t kv = kv_rows * (s.kv_heads * s.dim + 1);
    return {uniform(random_, q_rows * (s.heads * s.dim + 3), 2.0f), uniform(random_, kv), uniform(random_, kv)};
  }

  Vector attend(const StepProgram& program, TestMemory& memory, const Shape& s, const Operands& x,
                const std::vector<AttentionTile>& tiles, bool by_address = false) {
    AttentionTilesArgs args;
    args.heads = s.heads, args.kv_heads = s.kv_heads, args.dim = s.dim, args.behind = s.behind, args.ahead = s.ahead;
    args.q_row = s.heads * s.dim + 3, args.kv_row = s.kv_heads * s.dim + 1, args.y_row = s.heads * s.dim;
    args.q_rows = static_cast<int64_t>(x.q.size()) / args.q_row;
    args.kv_rows = static_cast<int64_t>(x.keys.size()) / args.kv_row;
    args.q = memory.put(x.q), args.keys = memory.put(x.keys), args.values = memory.put(x.values);
    if (by_address) args.keys = memory.addresses({args.keys}), args.values = memory.addresses({args.values});
    args.by_address = by_address;
    args.y = memory.floats(args.q_rows * args.y_row), args.tiles = memory.put(tiles);
    args.tile_count = static_cast<int64_t>(tiles.size()), args.scale = 0.4f;
    run(program, args);
    return memory.get<float>(args.y, args.q_rows * args.y_row);
  }

  void expect_right(const Shape& s, const Operands& x, const std::vector<AttentionTile>& tiles, const Vector& y) {
    for (const AttentionTile& tile : tiles)
      for (int64_t r = 0; r < tile.rows; ++r)
        for (int64_t head = 0; head < s.heads; ++head) expect_query(s, x, tile, r, head, y);
  }

 private:
  // In float64. How far f32 may be off: a score by its sum's roundings, its weight by exp's 3 + 2 |x| units besides.
  static void expect_query(const Shape& s, const Operands& x, const AttentionTile& tile, int64_t r, int64_t head,
                           const Vector& y) {
    const float* q = x.q.data() + (tile.q_row + r) * (s.heads * s.dim + 3) + head * s.dim;
    const int64_t position = tile.position + r, first = std::max<int64_t>(0, position - s.behind);
    const int64_t end = std::min<int64_t>(tile.keys, position + s.ahead + 1), kv_row = s.kv_heads * s.dim + 1;
    const auto of = [&](const Vector& v, int64_t j, int64_t d) {
      return double{v[static_cast<size_t>((tile.key_row + j) * kv_row + head / (s.heads / s.kv_heads) * s.dim + d)]};
    };
    std::vector<double> scores;
    double largest = -1e9, magnitude = 0;
    for (int64_t j = first; j < end; ++j) {
      double sum = 0, absolute = 0;
      for (int64_t d = 0; d < s.dim; ++d) {
        sum += double{q[d]} * of(x.keys, j, d) * double{0.4f};
        absolute += std::fabs(double{q[d]} * of(x.keys, j, d) * double{0.4f});
      }
      scores.push_back(sum);
      largest = std::max(largest, sum), magnitude = std::max(magnitude, absolute);
    }
    const double relative =
        (2 * static_cast<double>(s.dim + 8) * magnitude + 64 * (1 + magnitude) + static_cast<double>(end)) * 2 * kU;
    for (int64_t d = 0; d < s.dim; ++d) {
      double sum = 0, absolute = 0, total = 0;
      for (int64_t j = first; j < end; ++j) {
        const double weight = std::exp(scores[static_cast<size_t>(j - first)] - largest);
        sum += weight * of(x.values, j, d), absolute += weight * std::fabs(of(x.values, j, d)), total += weight;
      }
      const double found = double{y[static_cast<size_t>((tile.q_row + r) * s.heads * s.dim + head * s.dim + d)]};
      ASSERT_NEAR(found, sum / total, relative * absolute / total)
          << "position " << position << ", " << head << ", " << d;
    }
  }
};

TEST_F(AttentionTiles, TextsSeeThemselvesAlone) {
  for_each_row(StepOp::attention_tiles, [&](const StepProgram& program, TestMemory& memory) {
    const int64_t rows = program.variant().tile_rows, most = program.variant().most_dim;
    const std::vector<int64_t> offsets = {0, 1, 1 + rows, 2 + 2 * rows, 2 + 2 * rows + 37};
    for (const Shape& s : {Shape{2, 2, most}, Shape{4, 2, most - 13}, Shape{2, 1, 16, 9, 9}, Shape{1, 1, 5, 3, 3}}) {
      std::vector<AttentionTile> tiles;
      ragged_tiles(offsets, rows, &tiles);
      ASSERT_LE(static_cast<int64_t>(tiles.size()), most_ragged_tiles(offsets.back(), 4, rows));
      tiles.emplace_back();  // a pass of the same shape may have fewer
      const Operands x = random_operands(s, offsets.back(), offsets.back());
      expect_right(s, x, tiles, attend(program, memory, s, x, tiles));
    }
  });
}

TEST_F(AttentionTiles, PromptsSeeTheirCacheUpToThemselves) {
  for_each_row(StepOp::attention_tiles, [&](const StepProgram& program, TestMemory& memory) {
    const auto rows = static_cast<uint32_t>(program.variant().tile_rows);
    // One text from position 50 on, over rows 3 .. of the cache, and one from its beginning.
    const std::vector<AttentionTile> tiles = {
        {0, rows, 50, 3, 50 + rows}, {rows, 3, 50 + rows, 3, 53 + rows}, {rows + 3, rows, 0, 70 + rows, rows}};
    for (const Shape& s : {Shape{6, 2, 24, kSeesAll, 0}, Shape{2, 2, 32, 17, 0}}) {
      const Operands x = random_operands(s, 2 * rows + 3, 80 + 2 * rows);
      const Vector y = attend(program, memory, s, x, tiles);
      expect_right(s, x, tiles, y);
      EXPECT_EQ(attend(program, memory, s, x, tiles, true), y);
    }
  });
}

// Scores of one text far above those of the other blocks, so that what was summed is scaled down to nothing.
TEST_F(AttentionTiles, LargeScoresNeitherOverflowNorLeak) {
  for_each_row(StepOp::attention_tiles, [&](const StepProgram& program, TestMemory& memory) {
    const Shape s{1, 1, 16};
    const int64_t rows = program.variant().tile_rows;
    Operands x = random_operands(s, 80, 80);
    for (size_t i = 0; i < 17; ++i) x.keys[70 * 17 + i] = 3000;
    std::vector<AttentionTile> tiles;
    ragged_tiles(std::vector<int64_t>{0, 80}, rows, &tiles);
    const Vector y = attend(program, memory, s, x, tiles);
    for (const float v : y) ASSERT_LE(std::fabs(v), 1.01f);
  });
}

TEST_F(AttentionTiles, SameBitsAloneAndAmongOthers) {
  for_each_row(StepOp::attention_tiles, [&](const StepProgram& program, TestMemory& memory) {
    const Shape s{4, 2, 30};
    const int64_t rows = program.variant().tile_rows, q_row = 4 * 30 + 3, kv_row = 2 * 30 + 1;
    const std::vector<int64_t> offsets = {0, 19, 19 + 75, 19 + 75 + 5};
    const Operands x = random_operands(s, offsets.back(), offsets.back());
    std::vector<AttentionTile> tiles, alone;
    ragged_tiles(offsets, rows, &tiles);
    ragged_tiles(std::vector<int64_t>{0, 75}, rows, &alone);
    const auto cut = [](const Vector& v, int64_t row) { return Vector(v.begin() + 19 * row, v.begin() + 94 * row); };
    const Operands one = {cut(x.q, q_row), cut(x.keys, kv_row), cut(x.values, kv_row)};
    EXPECT_EQ(cut(attend(program, memory, s, x, tiles), 120), attend(program, memory, s, one, alone));
  });
}

}  // namespace
}  // namespace lathe::gpu
