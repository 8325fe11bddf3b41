// The arithmetic of causal_attention.h over a policy O, on blocks of kBlock queries by kBlock keys. Included inside
// `namespace lathe::attention { namespace {`, behind causal_attention_product.inl.h.
//
// Scores lie as [query][key], lanes along the keys; everything else as [position][head_dim], lanes along the head. So
// only k and v are ever turned, once for all query heads, and nothing that is written. Runs of sixteen keys that no
// query of a run of sixteen sees are neither computed nor read: in a block on the diagonal, and behind a text's end.

constexpr int64_t kBlock = kCausalBlock;
constexpr int64_t kRun = kernels::kRowLanes;
constexpr float kLowest = -__FLT_MAX__;
alignas(64) constexpr float kLaneIndex[kRun] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// Row-major, `width` = head_dim rounded up to sixteen; what lies behind head_dim or behind the text is 0.
struct CausalScratch {
  int64_t width;
  float* k_turned;  // [blocks][head_dim][kBlock]
  float* v_turned;  // the same
  float* values;    // [positions][width]: v for forward, k for backward
  float* dk;        // [positions][width]
  float* dv;        // [positions][width]
  float* q;         // [kBlock][width], scaled
  float* dy;        // [kBlock][width]
  float* sum;       // [kBlock][width]: y before its division, or dq before its scale
  float* p;         // [kBlock][kBlock]: scores, then probabilities
  float* ds;        // [kBlock][kBlock]
  float* l;         // [kBlock][16]
  float* m;         // [kBlock]
};

inline CausalScratch cut_scratch(const CausalArgs& a) {
  const int64_t positions = (a.length + kBlock - 1) / kBlock * kBlock, width = (a.head_dim + kRun - 1) / kRun * kRun;
  float* next = reinterpret_cast<float*>(a.scratch);
  const auto take = [&](int64_t elements) {
    float* taken = next;
    next += elements;
    return taken;
  };
  return {.width = width,
          .k_turned = take(positions * width),
          .v_turned = take(positions * width),
          .values = take(positions * width),
          .dk = take(positions * width),
          .dv = take(positions * width),
          .q = take(kBlock * width),
          .dy = take(kBlock * width),
          .sum = take(kBlock * width),
          .p = take(kBlock * kBlock),
          .ds = take(kBlock * kBlock),
          .l = take(kBlock * kRun),
          .m = take(kBlock)};
}

inline void clear(float* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = 0.0f;
}

// to[i] = from[i] * factor, `rows` rows of `n`, and zeros up to `width` and up to `all` rows.
template <class O>
void pack_rows(const float* from, int64_t from_row, int64_t rows, int64_t n, float factor, float* to, int64_t width,
               int64_t all) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const F f = O::set(factor);
  for (int64_t i = 0; i < rows; ++i)
    kernels::for_each_16(n, [&](int64_t c, auto some) {
      L::load(from + i * from_row + c, some).map([&](F v) { return v * f; }).store(to + i * width + c, kernels::Full{});
    });
  clear(to + rows * width, (all - rows) * width);
}

// to[block][c][key] = from[position][c], zeros behind the text. Turn::four turns 4 x 4 elements.
template <class Turn>
void pack_turned(const float* from, int64_t from_row, int64_t length, int64_t n, float* to) {
  for (int64_t first = 0; first < length; first += kBlock, from += kBlock * from_row, to += n * kBlock) {
    const int64_t keys = length - first < kBlock ? length - first : kBlock, fours = keys / 4 * 4, columns = n / 4 * 4;
    for (int64_t j = 0; j < fours; j += 4)
      for (int64_t c = 0; c < columns; c += 4)
        Turn::four(from + j * from_row + c, from_row, to + c * kBlock + j, kBlock);
    for (int64_t c = 0; c < n; ++c)
      for (int64_t j = c < columns ? fours : 0; j < kBlock; ++j)
        to[c * kBlock + j] = j < keys ? from[j * from_row + c] : 0.0f;
  }
}

// One block of queries against one block of keys.
struct Block {
  int64_t rows;   // queries that exist
  bool diagonal;  // the same positions, and a query sees no key behind its own
  int64_t exist;  // keys
  bool cut() const { return diagonal || exist < kBlock; }
  int64_t last(int64_t row) const { return diagonal ? row : exist - 1; }  // key that a row sees
  // Keys of the runs of sixteen that a row sees whole, and of those that are computed for it.
  int64_t whole(int64_t row) const { return cut() ? last(row) / kRun * kRun : kBlock; }
  int64_t keys(int64_t row) const { return cut() ? whole(row) + kRun : kBlock; }
  int64_t all_keys() const { return diagonal ? kBlock : keys(0); }
};

inline Block block_of(const CausalArgs& a, int64_t i, int64_t j) {
  const int64_t rows = a.length - i < kBlock ? a.length - i : kBlock;
  if (a.causal) return {.rows = rows, .diagonal = i == j, .exist = kBlock};
  return {.rows = rows, .diagonal = false, .exist = a.length - j < kBlock ? a.length - j : kBlock};
}
// Behind the last block of keys that the queries from `i` on see.
inline int64_t keys_end(const CausalArgs& a, int64_t i) { return a.causal ? i + 1 : a.length; }

// out[i][j] = sum over c of x[i][c] * turned[c][j].
template <class O>
void score_block(const Block& block, int64_t head_dim, const float* x, int64_t width, const float* turned, float* out) {
  for (int64_t j = 0; j < block.all_keys(); j += kRun) {
    const int64_t i = block.diagonal ? j : 0;
    if (i >= block.rows) return;
    product_rows<O, false>({.a = x + i * width,
                            .a_row = width,
                            .a_step = 1,
                            .b = turned + j,
                            .b_step = kBlock,
                            .steps = head_dim,
                            .c = out + i * kBlock + j,
                            .c_row = kBlock},
                           block.rows - i);
  }
}

// sum[i] += sum over j of p[i][j] * values[j].
template <class O>
void weight_block(const Block& block, const float* p, const float* values, int64_t width, float* sum) {
  const int64_t together = block.diagonal ? kRun : kBlock;
  for (int64_t i = 0; i < block.rows; i += together)
    for (int64_t d = 0; d < width; d += kRun)
      product_rows<O, true>({.a = p + i * kBlock,
                             .a_row = kBlock,
                             .a_step = 1,
                             .b = values + d,
                             .b_step = width,
                             .steps = block.keys(i),
                             .c = sum + i * width + d,
                             .c_row = width},
                            block.rows - i < together ? block.rows - i : together);
}

// sum[j] += sum over i of p[i][j] * x[i].
template <class O>
void weight_block_turned(const Block& block, const float* p, const float* x, int64_t width, float* sum) {
  const int64_t together = block.cut() ? kRun : kBlock;
  for (int64_t j = 0; j < block.all_keys(); j += together) {
    const int64_t i = block.diagonal ? j : 0;
    if (i >= block.rows) return;
    for (int64_t d = 0; d < width; d += kRun)
      product_rows<O, true>({.a = p + i * kBlock + j,
                             .a_row = 1,
                             .a_step = kBlock,
                             .b = x + i * width + d,
                             .b_step = width,
                             .steps = block.rows - i,
                             .c = sum + j * width + d,
                             .c_row = width},
                            together);
  }
}

// Of the run of keys in which key `last` stands: `hidden` for the keys behind it. Exponentials are taken first and
// hidden then: those of -inf underflow, which costs more than the exponential.
template <class O>
[[gnu::always_inline]] inline kernels::Lanes16<O> hide(int64_t last, const kernels::Lanes16<O>& run, float hidden) {
  using F = typename O::F;
  const F position = O::set(static_cast<float>(last % kRun)), instead = O::set(hidden);
  return run.map([&](F v, F lane) { return O::select_negative(position - lane, instead, v); },
                 kernels::Lanes16<O>::load(kLaneIndex, kernels::Full{}));
}

// The maxima of sixteen rows from row i on, and by what the sums so far shrink: all of them before the exponentials,
// and the factors as the lanes of one register, since row by row the latency of a maximum's tree and of one exponential
// took longer than the block's own.
template <class O>
void follow_maxima(const Block& block, const CausalScratch& x, int64_t i, int64_t rows, float* factor) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  alignas(64) float top[kRun];
  for (int64_t r = 0; r < kRun; ++r) top[r] = kLowest;
  for (int64_t r = 0; r < rows; ++r) {
    const float* p = x.p + (i + r) * kBlock;
    const int64_t whole = block.whole(i);
    L tops = L::set(kLowest);
    if (block.cut()) tops = hide<O>(block.last(i + r), L::load(p + whole, kernels::Full{}), kLowest);
    for (int64_t j = 0; j < whole; j += kRun)
      tops = tops.map([](F t, F v) { return O::max(v, t); }, L::load(p + j, kernels::Full{}));
    top[r] = tops.max();
  }
  const L before = L::load(x.m + i, kernels::Full{});
  const L now = L::load(top, kernels::Full{}).map([](F v, F t) { return O::max(v, t); }, before);
  before.map([](F then, F t) { return kernels::exp_nonpositive<O>(then - t); }, now).store(factor, kernels::Full{});
  now.store(x.m + i, kernels::Full{});
}

// Scores of a block become exponentials; m, l and the sums so far follow the new maximum.
template <class O>
void exponentials(const Block& block, const CausalScratch& x) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  alignas(64) float factors[kBlock];
  for (int64_t i = 0; i < block.rows; i += kRun)
    follow_maxima<O>(block, x, i, block.rows - i < kRun ? block.rows - i : kRun, factors + i);
  for (int64_t i = 0; i < block.rows; ++i) {
    const F top = O::set(x.m[i]), factor = O::set(factors[i]);
    const auto scale = [&](float* v) {
      L::load(v, kernels::Full{}).map([&](F f) { return f * factor; }).store(v, kernels::Full{});
    };
    float* sum = x.sum + i * x.width;
    for (int64_t d = 0; d < x.width; d += kRun) scale(sum + d);
    L l = L::load(x.l + i * kRun, kernels::Full{}).map([&](F v) { return v * factor; });
    float* p = x.p + i * kBlock;
    const auto exponential = [&](int64_t j) {
      return L::load(p + j, kernels::Full{}).map([&](F s) { return kernels::exp_nonpositive<O>(s - top); });
    };
    const auto add = [&](int64_t j, const L& e) {
      l = l.map([](F all, F v) { return all + v; }, e);
      e.store(p + j, kernels::Full{});
    };
    const int64_t whole = block.whole(i);
    for (int64_t j = 0; j < whole; j += kRun) add(j, exponential(j));
    if (block.cut()) add(whole, hide<O>(block.last(i), exponential(whole), 0.0f));
    l.store(x.l + i * kRun, kernels::Full{});
  }
}

// y and lse of the rows of a block of queries.
template <class O>
void finish_forward(const CausalArgs& a, const CausalScratch& x, int64_t rows, float* y, float* lse) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  // The sum of row i takes the place of lanes that have been added up: those of row i begin at 16 * i.
  for (int64_t i = 0; i < rows; ++i) x.l[i] = L::load(x.l + i * kRun, kernels::Full{}).sum();
  for (int64_t i = 0; i < rows; ++i) lse[i] = static_cast<float>(double{x.m[i]} + kernels::log_f64(double{x.l[i]}));
  const F zero = O::set(0.0f);
  for (int64_t i = 0; i < rows; ++i) {
    const F inverse = O::set(1.0f / x.l[i]);
    kernels::for_each_16(a.head_dim, [&](int64_t d, auto some) {
      L::load(x.sum + i * x.width + d, kernels::Full{})
          .map([&](F v) { return v * inverse + zero; })
          .store(y + i * a.y_row + d, some);
    });
  }
}

template <class O, class Turn>
void causal_forward(const CausalArgs& a) noexcept {
  const CausalScratch x = cut_scratch(a);
  const int64_t positions = (a.length + kBlock - 1) / kBlock * kBlock;
  pack_turned<Turn>(a.k, a.k_row, a.length, a.head_dim, x.k_turned);
  pack_rows<O>(a.v, a.v_row, a.length, a.head_dim, 1.0f, x.values, x.width, positions);
  for (int64_t h = 0; h < a.heads; ++h)
    for (int64_t i = 0; i < a.length; i += kBlock) {
      const int64_t rows = a.length - i < kBlock ? a.length - i : kBlock, at = h * a.head_dim;
      pack_rows<O>(a.q + i * a.q_row + at, a.q_row, rows, a.head_dim, a.scale, x.q, x.width, rows);
      for (int64_t r = 0; r < kBlock; ++r) x.m[r] = kLowest;
      clear(x.l, rows * kRun);
      clear(x.sum, rows * x.width);
      for (int64_t j = 0; j < keys_end(a, i); j += kBlock) {
        const Block block = block_of(a, i, j);
        score_block<O>(block, a.head_dim, x.q, x.width, x.k_turned + j * a.head_dim, x.p);
        exponentials<O>(block, x);
        weight_block<O>(block, x.p, x.values + j * x.width, x.width, x.sum);
      }
      finish_forward<O>(a, x, rows, a.y + i * a.y_row + at, a.lse + h * a.length + i);
    }
}

// delta of the rows of a block, into x.m.
template <class O>
void deltas(const CausalBackwardArgs& a, const CausalScratch& x, int64_t rows, const float* y) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  for (int64_t i = 0; i < rows; ++i) {
    L sum = L::set(0.0f);
    kernels::for_each_16(a.forward.head_dim, [&](int64_t d, auto some) {
      sum = sum.map([](F s, F u, F v) { return O::fma(u, v, s); }, L::load(x.dy + i * x.width + d, kernels::Full{}),
                    L::load(y + i * a.forward.y_row + d, some));
    });
    x.m[i] = sum.sum();
  }
}

// Scores become probabilities, and dy v their gradients.
template <class O>
void gradients(const Block& block, const CausalScratch& x, const float* lse) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  for (int64_t i = 0; i < block.rows; ++i) {
    const F shift = O::set(lse[i]), delta = O::set(x.m[i]);
    float* p = x.p + i * kBlock;
    float* ds = x.ds + i * kBlock;
    const auto probability = [&](int64_t j) {
      return L::load(p + j, kernels::Full{}).map([&](F s) { return kernels::exp_nonpositive<O>(s - shift); });
    };
    const auto put = [&](int64_t j, const L& weight) {
      weight.store(p + j, kernels::Full{});
      L::load(ds + j, kernels::Full{})
          .map([&](F v, F w) { return w * (v - delta); }, weight)
          .store(ds + j, kernels::Full{});
    };
    const int64_t whole = block.whole(i);
    for (int64_t j = 0; j < whole; j += kRun) put(j, probability(j));
    if (block.cut()) put(whole, hide<O>(block.last(i), probability(whole), 0.0f));
  }
}

template <class O>
void unpack_rows(const float* from, int64_t width, int64_t rows, int64_t n, float factor, float* to, int64_t to_row) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const F f = O::set(factor), zero = O::set(0.0f);
  for (int64_t i = 0; i < rows; ++i)
    kernels::for_each_16(n, [&](int64_t c, auto some) {
      L::load(from + i * width + c, kernels::Full{})
          .map([&](F v) { return v * f + zero; })
          .store(to + i * to_row + c, some);
    });
}

template <class O, class Turn>
void causal_backward(const CausalBackwardArgs& b) noexcept {
  const CausalArgs& a = b.forward;
  const CausalScratch x = cut_scratch(a);
  const int64_t positions = (a.length + kBlock - 1) / kBlock * kBlock;
  pack_turned<Turn>(a.k, a.k_row, a.length, a.head_dim, x.k_turned);
  pack_turned<Turn>(a.v, a.v_row, a.length, a.head_dim, x.v_turned);
  pack_rows<O>(a.k, a.k_row, a.length, a.head_dim, 1.0f, x.values, x.width, positions);
  clear(x.dk, positions * x.width);
  clear(x.dv, positions * x.width);
  for (int64_t h = 0; h < a.heads; ++h)
    for (int64_t i = 0; i < a.length; i += kBlock) {
      const int64_t rows = a.length - i < kBlock ? a.length - i : kBlock, at = h * a.head_dim;
      pack_rows<O>(a.q + i * a.q_row + at, a.q_row, rows, a.head_dim, a.scale, x.q, x.width, rows);
      pack_rows<O>(b.dy + i * b.dy_row + at, b.dy_row, rows, a.head_dim, 1.0f, x.dy, x.width, rows);
      deltas<O>(b, x, rows, a.y + i * a.y_row + at);
      clear(x.sum, rows * x.width);
      for (int64_t j = 0; j < keys_end(a, i); j += kBlock) {
        const Block block = block_of(a, i, j);
        score_block<O>(block, a.head_dim, x.q, x.width, x.k_turned + j * a.head_dim, x.p);
        score_block<O>(block, a.head_dim, x.dy, x.width, x.v_turned + j * a.head_dim, x.ds);
        gradients<O>(block, x, a.lse + h * a.length + i);
        weight_block<O>(block, x.ds, x.values + j * x.width, x.width, x.sum);
        weight_block_turned<O>(block, x.p, x.dy, x.width, x.dv + j * x.width);
        weight_block_turned<O>(block, x.ds, x.q, x.width, x.dk + j * x.width);
      }
      unpack_rows<O>(x.sum, x.width, rows, a.head_dim, a.scale, b.dq + i * b.dq_row + at, b.dq_row);
    }
  unpack_rows<O>(x.dk, x.width, a.length, a.head_dim, 1.0f, b.dk, b.dk_row);
  unpack_rows<O>(x.dv, x.width, a.length, a.head_dim, 1.0f, b.dv, b.dv_row);
}
