// The arithmetic of loss.h over a policy O. Included inside `namespace lathe::loss { namespace {`.

template <class O>
float max_of(const float* x, int64_t n) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  constexpr float kMinusInfinity = -__builtin_inff();
  L top = L::set(kMinusInfinity);
  kernels::for_each_16(n, [&](int64_t j, auto some) {
    top = top.map([](F u, F v) { return O::max(u, v); }, L::load(x + j, some, kMinusInfinity));
  });
  return top.max();
}

// Sum of e = exp(x - max); with `keep`, e takes the place of x.
template <class O, bool keep>
float sum_of_exponentials(float* x, int64_t n, float max) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const F m = O::set(max);
  L sum = L::set(0.0f);
  kernels::for_each_16(n, [&](int64_t j, auto some) {
    const L e = L::load(x + j, some).map([&](F v) { return kernels::exp_nonpositive<O>(v - m); });
    if constexpr (keep) e.store(x + j, some);
    sum = sum.map([](F u, F v) { return u + v; }, e.keep(some, 0.0f));
  });
  return sum.sum();
}

template <class O>
void to_gradient(float* e, int64_t n, float inverse, float scale) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const F i = O::set(inverse), s = O::set(scale);
  kernels::for_each_16(
      n, [&](int64_t j, auto some) { L::load(e + j, some).map([&](F v) { return (v * i) * s; }).store(e + j, some); });
}

template <class O>
void cross_entropy(const Args& a) noexcept {
  for (int64_t i = 0; i < a.rows; ++i) {
    float* x = a.x + i * a.x_row;
    const int64_t target = a.targets[i];
    if (target < 0) {
      a.loss[i] = 0.0;
      for (int64_t j = 0; a.gradient && j < a.n; ++j) x[j] = 0.0f;
      continue;
    }
    const float max = max_of<O>(x, a.n);
    const double below = static_cast<double>(max) - static_cast<double>(x[target]);
    const float sum =
        a.gradient ? sum_of_exponentials<O, true>(x, a.n, max) : sum_of_exponentials<O, false>(x, a.n, max);
    a.loss[i] = below + kernels::log_f64(sum);
    if (!a.gradient) continue;
    const float inverse = 1.0f / sum, at_target = (x[target] * inverse - 1.0f) * a.scale;
    to_gradient<O>(x, a.n, inverse, a.scale);
    x[target] = at_target;
  }
}
