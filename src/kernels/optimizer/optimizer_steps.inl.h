// The arithmetic of optimizer.h over a policy O. Included inside `namespace lathe::optimizer { namespace {`.

template <class O>
void adamw(const AdamWArgs& a) noexcept {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const F gradient_scale = O::set(a.gradient_scale), keep = O::set(a.keep), beta2 = O::set(a.beta2);
  const F rest1 = O::set(1.0f - a.beta1), rest2 = O::set(1.0f - a.beta2);
  const F step = O::set(a.step), root = O::set(a.root), eps = O::set(a.eps);
  kernels::for_each_16(a.n, [&](int64_t j, auto some) {
    const L h = L::load(a.g + j, some).map([&](F g) { return g * gradient_scale; });
    const L m = L::load(a.m + j, some).map([&](F m0, F g) { return O::fma(rest1, g - m0, m0); }, h);
    const L v = L::load(a.v + j, some).map([&](F v0, F g) { return O::fma(beta2, v0, rest2 * (g * g)); }, h);
    const auto update = [&](F w0, F m1, F v1) { return w0 * keep - step * m1 / (O::sqrt(v1) * root + eps); };
    const L w = L::load(a.w + j, some).map(update, m, v);
    m.store(a.m + j, some);
    v.store(a.v + j, some);
    w.store(a.w + j, some);
  });
}

template <class O>
void add(float* g, const float* h, int64_t n) noexcept {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  kernels::for_each_16(n, [&](int64_t j, auto some) {
    L::load(g + j, some).map([](F u, F v) { return u + v; }, L::load(h + j, some)).store(g + j, some);
  });
}

// Squares::add(sum, g): element l of g, squared, to lane l of sixteen of float64. The square of an f32 is exact there.
// One stream alone is more slowly fetched than several: asking 2 KiB ahead gave 13 GB/s instead of 8.
template <class Squares>
double square_sum(const float* g, int64_t n) noexcept {
  constexpr int64_t kAhead = 512;
  Squares sum;
  int64_t i = 0;
  for (; i + kernels::kRowLanes <= n; i += kernels::kRowLanes) {
    __builtin_prefetch(g + i + kAhead);
    sum.add(g + i);
  }
  if (i < n) {
    float last[kernels::kRowLanes] = {};
    for (int64_t k = 0; i + k < n; ++k) last[k] = g[i + k];
    sum.add(last);
  }
  double lane[kernels::kRowLanes];
  sum.store(lane);
  for (int width = kernels::kRowLanes / 2; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) lane[l] += lane[l + width];
  return lane[0];
}
