// The arithmetic of softmax.h over a policy O. Included inside `namespace lathe::softmax { namespace {`.

constexpr float kMinusInfinity = -__builtin_inff();

inline int64_t valid_of(const Args& a, int64_t i) {
  const int64_t valid = a.valid + i * a.valid_step;
  return valid < 0 ? 0 : valid < a.n ? valid : a.n;
}

// t of 16 elements; whatever comes of 0 behind the end.
template <class O, class Some>
[[gnu::always_inline]] inline kernels::Lanes16<O> scaled(const Args& a, const float* x, const float* mask, int64_t j,
                                                         Some some) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const F scale = O::set(a.scale);
  if (mask == nullptr) return L::load(x + j, some).map([&](F v) { return v * scale; });
  return L::load(x + j, some).map([&](F v, F m) { return O::fma(v, scale, m); }, L::load(mask + j, some));
}

template <class O>
float max_of(const Args& a, const float* x, const float* mask, int64_t valid) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  L top = L::set(kMinusInfinity);
  kernels::for_each_16(valid, [&](int64_t j, auto some) {
    const L t = scaled<O>(a, x, mask, j, some).keep(some, kMinusInfinity);
    top = top.map([](F u, F v) { return O::max(u, v); }, t);
  });
  return top.max();
}

// e into y, and its sum.
template <class O>
float exponentials(const Args& a, const float* x, const float* mask, int64_t valid, float max, float* y) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const F m = O::set(max);
  L sum = L::set(0.0f);
  kernels::for_each_16(valid, [&](int64_t j, auto some) {
    const L e = scaled<O>(a, x, mask, j, some).map([&](F t) { return kernels::exp_nonpositive<O>(t - m); });
    e.store(y + j, some);
    sum = sum.map([](F u, F v) { return u + v; }, e.keep(some, 0.0f));
  });
  return sum.sum();
}

template <class O>
void multiply(float* y, int64_t n, float factor) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const F f = O::set(factor);
  kernels::for_each_16(
      n, [&](int64_t j, auto some) { L::load(y + j, some).map([&](F v) { return v * f; }).store(y + j, some); });
}

template <class O>
void run(const Args& a) noexcept {
  for (int64_t i = 0; i < a.rows; ++i) {
    const float* x = a.x + i * a.x_row;
    const float* mask = a.mask != nullptr ? a.mask + i * a.mask_row : nullptr;
    float* y = a.y + i * a.y_row;
    const int64_t valid = valid_of(a, i);
    const float top = max_of<O>(a, x, mask, valid);
    const float sum = exponentials<O>(a, x, mask, valid, top == kMinusInfinity ? 0.0f : top, y);
    // The largest e is 1, so only a row without elements sums to 0.
    multiply<O>(y, valid, sum == 0.0f ? 0.0f : 1.0f / sum);
    for (int64_t j = valid; j < a.n; ++j) y[j] = 0.0f;
  }
}
