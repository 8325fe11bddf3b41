#include "ops/window_rotation.h"

#include "ops/share.h"

namespace lathe::ops {
namespace {

// Queries and keys of one row.
struct Part {
  int64_t first, count;  // heads
  const float* norm;
};
struct Parts {
  Part each[2];
  explicit Parts(const WindowRotation& w) : each{{0, w.heads, w.query_norm}, {w.heads, w.kv_heads, w.key_norm}} {}
};

// One row of a window at a time, at its position in the table.
class RowRotation {
 public:
  RowRotation(const rope::Variant& kernel, const WindowRotation& w, const float* sin)
      : kernel_(kernel), length_(w.length) {
    args_.tokens = 1;
    args_.heads = w.heads + w.kv_heads;
    args_.head_dim = args_.rotary = args_.x_head = args_.y_head = w.head_dim;
    args_.pairing = w.pairing;
    args_.cos = w.cos;
    args_.sin = sin;
    args_.positions = &position_;
  }
  RowRotation(const RowRotation&) = delete;
  RowRotation& operator=(const RowRotation&) = delete;

  void run(int64_t token, const float* x, float* y) {
    position_ = static_cast<int32_t>(token % length_);
    args_.x = x;
    args_.y = y;
    kernel_.run(args_);
  }

 private:
  const rope::Variant& kernel_;
  const int64_t length_;
  int32_t position_ = 0;
  rope::Args args_{};
};

}  // namespace

void rotate_windows(const Team::Worker& worker, const norm::Variant& norm, const rope::Variant& rope,
                    const WindowRotation& w, const TokenRows& x, const TokenRows& y) noexcept {
  const Share share(worker, w.tokens);
  RowRotation rotation(rope, w, w.sin);
  norm::Args heads{};
  heads.n = heads.x_row = heads.y_row = w.head_dim;
  heads.eps = w.eps;
  for (int64_t t = share.begin; t < share.end; ++t) {
    const float* from = x.at + t * x.row;
    float* const to = y.at + t * y.row;
    if (w.query_norm != nullptr) {
      for (const Part& part : Parts(w).each) {
        heads.rows = part.count;
        heads.weight = part.norm;
        heads.x = from + part.first * w.head_dim;
        heads.y = to + part.first * w.head_dim;
        norm.rms_norm(heads);
      }
      from = to;
    }
    rotation.run(t, from, to);
  }
}

void rotate_windows_back(const Team::Worker& worker, const rope::Variant& rope, const WindowRotation& w,
                         const TokenRows& dy) noexcept {
  const Share share(worker, w.tokens);
  RowRotation rotation(rope, w, w.minus_sin);
  for (int64_t t = share.begin; t < share.end; ++t) rotation.run(t, dy.at + t * dy.row, dy.at + t * dy.row);
}

void head_norms_input(const Team::Worker& worker, const norm::BackwardVariant& kernel, const WindowRotation& w,
                      const TokenRows& x, const TokenRows& dy, const TokenRows& dx, float* scale) noexcept {
  const Share share(worker, w.tokens);
  norm::BackwardArgs args{};
  args.n = args.x_row = args.dy_row = args.dx_row = w.head_dim;
  args.eps = w.eps;
  for (int64_t t = share.begin; t < share.end; ++t)
    for (const Part& part : Parts(w).each) {
      const int64_t at = part.first * w.head_dim;
      args.rows = part.count;
      args.weight = part.norm;
      args.x = x.at + t * x.row + at;
      args.dy = dy.at + t * dy.row + at;
      args.dx = dx.at + t * dx.row + at;
      args.scale = scale + t * (w.heads + w.kv_heads) + part.first;
      kernel.rms_norm(args);
    }
}

void head_norms_weight(const Team::Worker& worker, const norm::BackwardVariant& kernel, const WindowRotation& w,
                       const TokenRows& x, const TokenRows& dy, const float* scale, float* dquery,
                       float* dkey) noexcept {
  const ColumnShare share(worker, w.head_dim);
  norm::WeightGradientArgs args{};
  args.begin = share.begin;
  args.end = share.end;
  args.x_row = args.dy_row = w.head_dim;
  for (int64_t t = 0; t < w.tokens; ++t)
    for (const Part& part : Parts(w).each) {
      const int64_t at = part.first * w.head_dim;
      args.rows = part.count;
      args.x = x.at + t * x.row + at;
      args.dy = dy.at + t * dy.row + at;
      args.scale = scale + t * (w.heads + w.kv_heads) + part.first;
      args.dweight = part.first == 0 ? dquery : dkey;
      kernel.weights(args);
    }
}

}  // namespace lathe::ops
