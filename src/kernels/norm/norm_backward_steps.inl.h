// The arithmetic of norm_backward.h over a policy O. Included inside `namespace lathe::norm { namespace {`, behind
// norm_steps.inl.h, whose sums it uses.

template <class O>
float first_lane(typename O::F v) {
  alignas(64) float lane[O::kLanes];
  O::store(v, lane);
  return lane[0];
}

// What a row's gradient is made of; the mean is 0 for rms_norm.
struct Row {
  const float* x;
  const float* dy;
  float mean, r;
};

// h = (x - mean) * r and g = dy * (weight + offset) of 16 elements; both 0 behind the end.
template <class O>
struct Terms {
  kernels::Lanes16<O> h, g;
};
template <class O, class Some>
[[gnu::always_inline]] inline Terms<O> terms_of(const BackwardArgs& a, const Row& row, float offset, int64_t j,
                                                Some some) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const F mean = O::set(row.mean), r = O::set(row.r), add = O::set(offset);
  Terms<O> t;
  t.h = L::load(row.x + j, some, row.mean).map([&](F x) { return (x - mean) * r; });
  t.g = L::load(row.dy + j, some);
  if (a.weight != nullptr)
    t.g = t.g.map([&](F dy, F weight) { return dy * (weight + add); }, L::load(a.weight + j, some));
  return t;
}

template <class O, bool centred>
void input_rows(const BackwardArgs& a) noexcept {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const float n = static_cast<float>(a.n), offset = centred ? 0.0f : a.weight_offset;
  for (int64_t i = 0; i < a.rows; ++i) {
    Row row = {.x = a.x + i * a.x_row, .dy = a.dy + i * a.dy_row, .mean = 0.0f, .r = 0.0f};
    if constexpr (centred) a.mean[i] = row.mean = sum_of<O>(row.x, a.n) / n;
    const F r = inverse_deviation<O>(sum_of_squares<O>(row.x, a.n, row.mean), a.n, a.eps);
    a.scale[i] = row.r = first_lane<O>(r);

    L sum_g = L::set(0.0f), sum_gh = L::set(0.0f);
    kernels::for_each_16(a.n, [&](int64_t j, auto some) {
      const Terms<O> t = terms_of<O>(a, row, offset, j, some);
      if constexpr (centred) sum_g = sum_g.map([](F s, F g) { return s + g; }, t.g);
      sum_gh = sum_gh.map([](F s, F g, F h) { return O::fma(g, h, s); }, t.g, t.h);
    });
    const F shift = O::set(centred ? sum_g.sum() / n : 0.0f), along = O::set(sum_gh.sum() / n);

    float* dx = a.dx + i * a.dx_row;
    kernels::for_each_16(a.n, [&](int64_t j, auto some) {
      const Terms<O> t = terms_of<O>(a, row, offset, j, some);
      L d = t.g.map([&](F g, F h) { return r * O::fma(O::negate(h), along, g - shift); }, t.h);
      if (a.add) d = d.map([](F more, F before) { return before + more; }, L::load(dx + j, some));
      d.store(dx + j, some);
    });
  }
}

// `count` rows from i on: dweight and dbias are read and written once for all of them.
template <class O, int count>
void add_weight_rows(const WeightGradientArgs& a, int64_t i) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const float* x = a.x + i * a.x_row + a.begin;
  const float* dy = a.dy + i * a.dy_row + a.begin;
  float* dweight = a.dweight + a.begin;
  float* dbias = a.dbias != nullptr ? a.dbias + a.begin : nullptr;
  F mean[count], r[count];
  for (int u = 0; u < count; ++u) {
    mean[u] = O::set(a.mean != nullptr ? a.mean[i + u] : 0.0f);
    r[u] = O::set(a.scale[i + u]);
  }
  kernels::for_each_16(a.end - a.begin, [&](int64_t j, auto some) {
    L w = L::load(dweight + j, some);
    L b = dbias != nullptr ? L::load(dbias + j, some) : L::set(0.0f);
    for (int u = 0; u < count; ++u) {
      const L d = L::load(dy + u * a.dy_row + j, some);
      w = w.map([&](F s, F g, F v) { return O::fma(g, (v - mean[u]) * r[u], s); }, d,
                L::load(x + u * a.x_row + j, some));
      b = b.map([](F s, F g) { return s + g; }, d);
    }
    w.store(dweight + j, some);
    if (dbias != nullptr) b.store(dbias + j, some);
  });
}

template <class O>
void weight_columns(const WeightGradientArgs& a) noexcept {
  constexpr int kTogether = 4;
  int64_t i = 0;
  for (; i + kTogether <= a.rows; i += kTogether) add_weight_rows<O, kTogether>(a, i);
  for (; i < a.rows; ++i) add_weight_rows<O, 1>(a, i);
}
