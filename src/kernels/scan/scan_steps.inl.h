// The arithmetic of scan.h over a policy O of f32 operations. Included inside `namespace lathe::scan { namespace {`.

// Vectors that share the loads of the query. Their chains of multiply-adds are independent: one vector alone has two
// chains (AVX2), which the latency of a multiply-add holds to half the speed at which bf16 arrives from memory.
constexpr int kTogether = 4;

template <class O>
struct LoadF32 {
  using Element = float;
  using L = kernels::Lanes16<O>;
  template <class Some>
  [[gnu::always_inline]] static inline L load(const float* p, Some some) {
    return L::load(p, some);
  }
};

// Widen::to_f32(bits, floats) turns sixteen bf16 into f32.
template <class O, class Widen>
struct LoadBf16 {
  using Element = uint16_t;
  using L = kernels::Lanes16<O>;
  [[gnu::always_inline]] static inline L load(const uint16_t* p, kernels::Full) {
    L r;
    for (int j = 0; j < L::kParts; ++j) r.part[j] = Widen::to_f32(p + j * O::kLanes);
    return r;
  }
  static L load(const uint16_t* p, kernels::Part some) {
    uint16_t all[kernels::kRowLanes] = {};
    for (int64_t k = 0; k < some.count; ++k) all[k] = p[k];
    return load(all, kernels::Full{});
  }
};

template <class O, class Load, int count>
[[gnu::always_inline]] inline void dot(const Args& a, int64_t first) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const auto* x = static_cast<const typename Load::Element*>(a.data) + first * a.dim;
  L sum[count];
  for (int r = 0; r < count; ++r) sum[r] = L::set(0.0f);
  kernels::for_each_16(a.dim, [&](int64_t k, auto some) {
    const L q = L::load(a.query + k, some);
    // The next vectors: several streams in one page are more than the hardware looks ahead for. From memory this is
    // worth a quarter (bf16) and nothing where the vectors lie in a cache.
    for (int r = 0; r < count; ++r) __builtin_prefetch(x + (r + count) * a.dim + k);
    for (int r = 0; r < count; ++r)
      sum[r] = sum[r].map([](F s, F v, F w) { return O::fma(v, w, s); }, Load::load(x + r * a.dim + k, some), q);
  });
  for (int r = 0; r < count; ++r) a.scores[first + r] = sum[r].sum();
}

template <class O, class Load>
void run(const Args& a) noexcept {
  int64_t i = 0;
  for (; i + kTogether <= a.vectors; i += kTogether) dot<O, Load, kTogether>(a, i);
  for (; i < a.vectors; ++i) dot<O, Load, 1>(a, i);
}

// Integer::dot(x, levels, dim): the exact sum.
template <class Integer>
void run_s8(const Args& a) noexcept {
  const auto* x = static_cast<const int8_t*>(a.data);
  for (int64_t i = 0; i < a.vectors; ++i)
    a.scores[i] = static_cast<float>(Integer::dot(x + i * a.dim, a.levels, a.dim)) * (a.scale[i] * a.level_scale);
}
