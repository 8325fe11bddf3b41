// The five products of causal_attention.h as one register tile. Included inside `namespace lathe::attention { namespace
// {`.

// c[u][l] = chain over t ascending of fma(a[u,t], b[t][l], c), for rows u and sixteen lanes l; a[u,t] is broadcast.
struct Product {
  const float* a;
  int64_t a_row, a_step;
  const float* b;
  int64_t b_step, steps;
  float* c;
  int64_t c_row;
};

// Rows of c that are computed side by side: 12 accumulators in registers, which eight loads feed.
template <class O>
constexpr int kTile = O::kLanes == 1 ? 1 : 12 * O::kLanes / kernels::kRowLanes;

// With `add` the chain begins at c, else at +0.
template <class O, int tile, bool add>
[[gnu::always_inline]] inline void product_tile(const Product& p, int64_t row) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const float* a = p.a + row * p.a_row;
  const float* b = p.b;
  float* c = p.c + row * p.c_row;
  L sum[tile];
#pragma GCC unroll 12
  for (int u = 0; u < tile; ++u) sum[u] = add ? L::load(c + u * p.c_row, kernels::Full{}) : L::set(0.0f);
  for (int64_t t = 0; t < p.steps; ++t, a += p.a_step, b += p.b_step) {
    const L lanes = L::load(b, kernels::Full{});
#pragma GCC unroll 12
    for (int u = 0; u < tile; ++u) {
      const F x = O::set(a[u * p.a_row]);
      sum[u] = sum[u].map([&](F s, F v) { return O::fma(x, v, s); }, lanes);
    }
  }
#pragma GCC unroll 12
  for (int u = 0; u < tile; ++u) sum[u].store(c + u * p.c_row, kernels::Full{});
}

// All `rows` rows. Eight that are left go as twice four: two alone have too few chains for the latency of an fma.
template <class O, bool add>
void product_rows(const Product& p, int64_t rows) {
  constexpr int tile = kTile<O>;
  int64_t u = 0;
  for (; u + tile <= rows && (tile == 1 || rows - u != 8); u += tile) product_tile<O, tile, add>(p, u);
  for (; u + 4 <= rows; u += 4) product_tile<O, 4, add>(p, u);
  for (; u < rows; ++u) product_tile<O, 1, add>(p, u);
}
