// The arithmetic of norm.h over a policy O. Included inside `namespace lathe::norm { namespace {`.

// s = x + residual into `sum`, or into y where nobody wants the sum. Returns where s is.
template <class O>
const float* add_residual(const Args& a, int64_t i) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const float* x = a.x + i * a.x_row;
  if (a.residual == nullptr && a.sum == nullptr) return x;
  float* s = a.sum != nullptr ? a.sum + i * a.sum_row : a.y + i * a.y_row;
  if (a.residual == nullptr) {
    kernels::for_each_16(a.n, [&](int64_t j, auto some) { L::load(x + j, some).store(s + j, some); });
    return s;
  }
  const float* residual = a.residual + i * a.residual_row;
  kernels::for_each_16(a.n, [&](int64_t j, auto some) {
    L::load(x + j, some).map([](F u, F v) { return u + v; }, L::load(residual + j, some)).store(s + j, some);
  });
  return s;
}

template <class O>
float sum_of(const float* s, int64_t n) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  L acc = L::set(0.0f);
  kernels::for_each_16(
      n, [&](int64_t j, auto some) { acc = acc.map([](F t, F v) { return t + v; }, L::load(s + j, some)); });
  return acc.sum();
}

// Sum of (s - mean)^2. Lanes behind the end hold the mean, so that their difference is 0.
template <class O>
float sum_of_squares(const float* s, int64_t n, float mean) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  L acc = L::set(0.0f);
  kernels::for_each_16(n, [&](int64_t j, auto some) {
    const auto square = [&](F t, F v) {
      const F d = v - O::set(mean);
      return O::fma(d, d, t);
    };
    acc = acc.map(square, L::load(s + j, some, mean));
  });
  return acc.sum();
}

// 1 / sqrt(sum / n + eps) in every lane.
template <class O>
typename O::F inverse_deviation(float sum, int64_t n, float eps) {
  return O::set(1.0f) / O::sqrt(O::set(sum) / O::set(static_cast<float>(n)) + O::set(eps));
}

template <class O>
void layer_norm(const Args& a) noexcept {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  for (int64_t i = 0; i < a.rows; ++i) {
    const float* s = add_residual<O>(a, i);
    float* y = a.y + i * a.y_row;
    const float mean = sum_of<O>(s, a.n) / static_cast<float>(a.n);
    const F r = inverse_deviation<O>(sum_of_squares<O>(s, a.n, mean), a.n, a.eps);
    kernels::for_each_16(a.n, [&](int64_t j, auto some) {
      L v = L::load(s + j, some).map([&](F u) { return (u - O::set(mean)) * r; });
      const L weight = a.weight != nullptr ? L::load(a.weight + j, some) : L::set(1.0f);
      if (a.bias != nullptr)
        v = v.map([](F u, F w, F b) { return O::fma(u, w, b); }, weight, L::load(a.bias + j, some));
      else if (a.weight != nullptr)
        v = v.map([](F u, F w) { return u * w; }, weight);
      v.store(y + j, some);
    });
  }
}

template <class O>
void rms_norm(const Args& a) noexcept {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  for (int64_t i = 0; i < a.rows; ++i) {
    const float* s = add_residual<O>(a, i);
    float* y = a.y + i * a.y_row;
    const F r = inverse_deviation<O>(sum_of_squares<O>(s, a.n, 0.0f), a.n, a.eps);
    const F offset = O::set(a.weight_offset);
    kernels::for_each_16(a.n, [&](int64_t j, auto some) {
      L v = L::load(s + j, some).map([&](F u) { return u * r; });
      if (a.weight != nullptr) v = v.map([&](F u, F w) { return u * (w + offset); }, L::load(a.weight + j, some));
      v.store(y + j, some);
    });
  }
}
