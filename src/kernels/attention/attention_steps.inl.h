// The arithmetic of attention.h over a policy O. Included inside `namespace lathe::attention { namespace {`.
//
// Sixteen query rows are the lanes of every register. Queries are turned once, to [head_dim][16]; keys and values are
// read where they lie, one element broadcast at a time: per element a tile of six keys (or six elements of the head)
// by two registers loads eight times for twelve multiply-adds, which two load ports feed.

constexpr float kLowest = -__FLT_MAX__;
constexpr float kMinusInfinity = -__builtin_inff();

// The memory of one group of rows.
struct Scratch {
  float* q;  // [head_dim][16]
  float* o;  // [head_dim][16]
  float* e;  // [kKeys][16]: scores, then exponentials
};

// Keys (or elements of the head) that are computed side by side: 12 accumulators in registers.
template <class O>
constexpr int kTile = O::kLanes == 1 ? 1 : 12 * O::kLanes / kRows;

// Scaled scores of `tile` keys.
template <class O, int tile>
[[gnu::always_inline]] inline void score_tile(const Args& a, const float* q, const float* k, float* t) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  L s[tile];
#pragma GCC unroll 12
  for (int u = 0; u < tile; ++u) s[u] = L::set(0.0f);
  for (int64_t c = 0; c < a.head_dim; ++c) {
    const L row = L::load(q + c * kRows, kernels::Full{});
#pragma GCC unroll 12
    for (int u = 0; u < tile; ++u) {
      const F key = O::set(k[u * a.k_row + c]);
      s[u] = s[u].map([&](F sum, F query) { return O::fma(key, query, sum); }, row);
    }
  }
  const F scale = O::set(a.scale);
#pragma GCC unroll 12
  for (int u = 0; u < tile; ++u) s[u].map([&](F sum) { return sum * scale; }).store(t + u * kRows, kernels::Full{});
}

// -inf where |position - key| > window.
template <class O>
void apply_window(const Args& a, int64_t first, int64_t key, int64_t keys, float* t) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const F window = O::set(static_cast<float>(a.window)), hidden = O::set(kMinusInfinity);
  for (int64_t j = 0; j < keys; ++j) {
    float distance[kRows];
    for (int64_t i = 0; i < kRows; ++i) distance[i] = static_cast<float>(first + i - (key + j));
    L::load(t + j * kRows, kernels::Full{})
        .map([&](F score, F d) { return O::select_negative(window + O::neg_abs(d), hidden, score); },
             L::load(distance, kernels::Full{}))
        .store(t + j * kRows, kernels::Full{});
  }
}

// o = o * f + sum over keys of e * v, for `tile` elements of the head.
template <class O, int tile>
[[gnu::always_inline]] inline void value_tile(const Args& a, const float* e, const float* v, int64_t keys,
                                              const kernels::Lanes16<O>& f, float* o) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  L s[tile];
#pragma GCC unroll 12
  for (int u = 0; u < tile; ++u)
    s[u] = L::load(o + u * kRows, kernels::Full{}).map([](F x, F factor) { return x * factor; }, f);
  for (int64_t j = 0; j < keys; ++j) {
    const L weight = L::load(e + j * kRows, kernels::Full{});
#pragma GCC unroll 12
    for (int u = 0; u < tile; ++u) {
      const F value = O::set(v[j * a.v_row + u]);
      s[u] = s[u].map([&](F sum, F w) { return O::fma(value, w, sum); }, weight);
    }
  }
#pragma GCC unroll 12
  for (int u = 0; u < tile; ++u) s[u].store(o + u * kRows, kernels::Full{});
}

// One block of keys: scores, exponentials, and what they add to l and o.
template <class O>
void add_block(const Args& a, const Scratch& x, int64_t first, int64_t key, int64_t keys, kernels::Lanes16<O>& m,
               kernels::Lanes16<O>& l) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  constexpr int tile = kTile<O>;
  const float* k = a.k + key * a.k_row;
  int64_t j = 0;
  for (; j + tile <= keys; j += tile) score_tile<O, tile>(a, x.q, k + j * a.k_row, x.e + j * kRows);
  for (; j < keys; ++j) score_tile<O, 1>(a, x.q, k + j * a.k_row, x.e + j * kRows);
  if (a.window >= 0) apply_window<O>(a, first, key, keys, x.e);

  L n = m;
  for (j = 0; j < keys; ++j)
    n = n.map([](F top, F t) { return O::max(t, top); }, L::load(x.e + j * kRows, kernels::Full{}));
  const L f = m.map([](F before, F top) { return kernels::exp_nonpositive<O>(before - top); }, n);
  m = n;
  l = l.map([](F sum, F factor) { return sum * factor; }, f);
  for (j = 0; j < keys; ++j) {
    const L e = L::load(x.e + j * kRows, kernels::Full{})
                    .map([](F t, F top) { return kernels::exp_nonpositive<O>(t - top); }, n);
    l = l.map([](F sum, F w) { return sum + w; }, e);
    e.store(x.e + j * kRows, kernels::Full{});
  }

  const float* v = a.v + key * a.v_row;
  int64_t d = 0;
  for (; d + tile <= a.head_dim; d += tile) value_tile<O, tile>(a, x.e, v + d, keys, f, x.o + d * kRows);
  for (; d < a.head_dim; ++d) value_tile<O, 1>(a, x.e, v + d, keys, f, x.o + d * kRows);
}

// Rows i .. of `a`, at most sixteen. Lanes without a row compute with zeros, and nobody reads them.
template <class O>
void run_group(const Args& a, const Scratch& x, int64_t i, int64_t rows) {
  using L = kernels::Lanes16<O>;
  const float* q = a.q + i * a.q_row;
  for (int64_t c = 0; c < a.head_dim; ++c)
    for (int64_t r = 0; r < kRows; ++r) x.q[c * kRows + r] = r < rows ? q[r * a.q_row + c] : 0.0f;
  for (int64_t c = 0; c < a.head_dim * kRows; ++c) x.o[c] = 0.0f;

  const int64_t first = a.first + i;
  int64_t begin = 0, end = a.keys;
  if (a.window >= 0) {  // the blocks that any of the rows sees
    begin = first > a.window ? (first - a.window) / kKeys * kKeys : 0;
    const int64_t last = first + rows + a.window;
    end = last < a.keys ? last : a.keys;
  }
  L m = L::set(kLowest), l = L::set(0.0f);
  for (int64_t key = begin; key < end; key += kKeys)
    add_block<O>(a, x, first, key, a.keys - key < kKeys ? a.keys - key : kKeys, m, l);

  alignas(64) float sum[kRows];
  l.store(sum, kernels::Full{});
  float* y = a.y + i * a.y_row;
  for (int64_t r = 0; r < rows; ++r) {
    const float inverse = sum[r] == 0.0f ? 0.0f : 1.0f / sum[r];
    for (int64_t d = 0; d < a.head_dim; ++d) y[r * a.y_row + d] = x.o[d * kRows + r] * inverse + 0.0f;
  }
}

template <class O>
void run(const Args& a) noexcept {
  Scratch x;
  x.q = reinterpret_cast<float*>(a.scratch);
  x.o = x.q + a.head_dim * kRows;
  x.e = x.o + a.head_dim * kRows;
  for (int64_t i = 0; i < a.rows; i += kRows) run_group<O>(a, x, i, a.rows - i < kRows ? a.rows - i : kRows);
}
