// The arithmetic of paged_attention.h over a policy O. Included inside `namespace lathe::paged_attention { namespace
// {`.
//
// Up to six query rows stand side by side: a register of keys (or of a value's elements) is widened once and serves
// them all, which with grouped heads is what one decoded token brings. Scores have their lanes along the keys, values
// along the elements of the head, so that every sum is one chain and a single row fills its registers as many do.

constexpr float kLowest = -__FLT_MAX__;
constexpr float kMinusInfinity = -__builtin_inff();

// How a type of element lies in a page, widened to and rounded from sixteen lanes.
struct F32 {
  using Stored = float;
  template <class O>
  [[gnu::always_inline]] static inline typename O::F load(const float* p) {
    return O::load(p);
  }
  template <class O>
  [[gnu::always_inline]] static inline void store(typename O::F v, float* p) {
    O::store(v, p);
  }
};
struct F16 {
  using Stored = uint16_t;
  template <class O>
  [[gnu::always_inline]] static inline typename O::F load(const uint16_t* p) {
    return O::load_f16(p);
  }
  template <class O>
  [[gnu::always_inline]] static inline void store(typename O::F v, uint16_t* p) {
    O::store_f16(v, p);
  }
};
struct Bf16 {
  using Stored = uint16_t;
  template <class O>
  [[gnu::always_inline]] static inline typename O::F load(const uint16_t* p) {
    return O::load_bf16(p);
  }
  template <class O>
  [[gnu::always_inline]] static inline void store(typename O::F v, uint16_t* p) {
    O::store_bf16(v, p);
  }
};

template <class O, class T>
[[gnu::always_inline]] inline kernels::Lanes16<O> widened(const typename T::Stored* p) {
  kernels::Lanes16<O> r;
  for (int j = 0; j < r.kParts; ++j) r.part[j] = T::template load<O>(p + j * O::kLanes);
  return r;
}

template <class O>
constexpr int kTile = O::kLanes == 1 ? 1 : static_cast<int>(kMostRows);

// Sixteens of lanes that `rows` rows take at a time: 12 accumulators at most, and 8 at least where that is possible,
// which hides the latency of a multiply-add.
template <class O>
constexpr int groups_of(int rows) {
  const int fit = 12 / (rows * kernels::Lanes16<O>::kParts);
  return fit >= 4 ? 4 : fit >= 2 ? 2 : 1;
}

struct Tile {
  const float* q[kMostRows];
  int64_t position[kMostRows];
  float m[kMostRows], l[kMostRows], f[kMostRows];
  float* e;  // [kMostRows][kPage]: scores, then exponentials
  float* o;  // [kMostRows][value_row]
};

// Scaled scores of `rows` rows with 16 * groups keys.
template <class O, class T, int rows, int groups>
[[gnu::always_inline]] inline void score_tile(const Args& a, const Tile& x, const typename T::Stored* k, float* e) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  L s[rows][groups];
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r)
    for (int g = 0; g < groups; ++g) s[r][g] = L::set(0.0f);
  for (int64_t c = 0; c < a.head_dim; ++c) {
    L key[groups];
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) key[g] = widened<O, T>(k + c * kPage + g * kernels::kRowLanes);
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) {
      const F query = O::set(x.q[r][c]);
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g)
        s[r][g] = s[r][g].map([&](F sum, F value) { return O::fma(value, query, sum); }, key[g]);
    }
  }
  const F scale = O::set(a.scale);
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g)
      s[r][g].map([&](F sum) { return sum * scale; }).store(e + r * kPage + g * kernels::kRowLanes, kernels::Full{});
}

// o = o * f + sum over keys of e * v, for 16 * groups elements of the head.
template <class O, class T, int rows, int groups>
[[gnu::always_inline]] inline void value_tile(const Tile& x, const typename T::Stored* v, int64_t v_row, int64_t keys,
                                              float* o) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  L s[rows][groups];
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r) {
    const F factor = O::set(x.f[r]);
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g)
      s[r][g] =
          L::load(o + r * v_row + g * kernels::kRowLanes, kernels::Full{}).map([&](F sum) { return sum * factor; });
  }
  for (int64_t j = 0; j < keys; ++j) {
    L value[groups];
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) value[g] = widened<O, T>(v + j * v_row + g * kernels::kRowLanes);
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) {
      const F weight = O::set(x.e[r * kPage + j]);
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g)
        s[r][g] = s[r][g].map([&](F sum, F element) { return O::fma(element, weight, sum); }, value[g]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) s[r][g].store(o + r * v_row + g * kernels::kRowLanes, kernels::Full{});
}

// -inf where the row does not see the key, up to the next whole sixteen of keys.
inline void hide(const Args& a, int64_t position, int64_t key, int64_t lanes, float* e) {
  const int64_t seen = position - key + 1;
  for (int64_t j = seen < 0 ? 0 : seen; j < lanes; ++j) e[j] = kMinusInfinity;
  const int64_t before = a.window < 0 ? 0 : position - a.window - key;
  for (int64_t j = 0; j < before && j < lanes; ++j) e[j] = kMinusInfinity;
}

// Scores become exponentials; m and f of the row.
template <class O>
void exponentials(Tile& x, int r, int64_t lanes) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  float* e = x.e + r * kPage;
  L top = L::set(x.m[r]);
  for (int64_t j = 0; j < lanes; j += kernels::kRowLanes)
    top = top.map([](F n, F t) { return O::max(t, n); }, L::load(e + j, kernels::Full{}));
  const float n = top.max();
  alignas(64) float factor[kernels::kRowLanes];
  O::store(kernels::exp_nonpositive<O>(O::set(x.m[r] - n)), factor);
  x.f[r] = factor[0];
  x.m[r] = n;
  const F largest = O::set(n);
  for (int64_t j = 0; j < lanes; j += kernels::kRowLanes)
    L::load(e + j, kernels::Full{})
        .map([&](F t) { return kernels::exp_nonpositive<O>(t - largest); })
        .store(e + j, kernels::Full{});
}

// One block of `keys` keys from position `key`: scores, exponentials, and what they add to l and o.
template <class O, class T, int rows>
void add_block(const Args& a, Tile& x, int64_t key, int64_t keys) {
  using Stored = typename T::Stored;
  constexpr int groups = groups_of<O>(rows);
  constexpr int64_t wide = groups * kernels::kRowLanes;
  const auto* k = reinterpret_cast<const Stored*>(a.pages[key / kPage] + a.at);
  const int64_t lanes = (keys + kernels::kRowLanes - 1) / kernels::kRowLanes * kernels::kRowLanes;
  int64_t j = 0;
  for (; j + wide <= lanes; j += wide) score_tile<O, T, rows, groups>(a, x, k + j, x.e + j);
  for (; j < lanes; j += kernels::kRowLanes) score_tile<O, T, rows, 1>(a, x, k + j, x.e + j);

  for (int r = 0; r < rows; ++r) {
    hide(a, x.position[r], key, lanes, x.e + r * kPage);
    exponentials<O>(x, r, lanes);
    x.l[r] *= x.f[r];
  }
  for (j = 0; j < keys; ++j)  // the rows' chains run beside each other
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) x.l[r] += x.e[r * kPage + j];

  const Stored* v = k + a.head_dim * kPage;
  const int64_t v_row = value_row(a.head_dim);
  int64_t d = 0;
  for (; d + wide <= v_row; d += wide) value_tile<O, T, rows, groups>(x, v + d, v_row, keys, x.o + d);
  for (; d < v_row; d += kernels::kRowLanes) value_tile<O, T, rows, 1>(x, v + d, v_row, keys, x.o + d);
}

// Rows row .. row + rows - 1.
template <class O, class T, int rows>
void run_tile(const Args& a, int64_t row) {
  const int64_t v_row = value_row(a.head_dim);
  Tile x;
  x.e = reinterpret_cast<float*>(a.scratch);
  x.o = x.e + kMostRows * kPage;
  for (int r = 0; r < rows; ++r) {
    const int64_t token = (row + r) / a.group, head = (row + r) % a.group;
    x.q[r] = a.q + token * a.q_token + head * a.q_head;
    x.position[r] = a.first + token;
    x.m[r] = kLowest;
    x.l[r] = 0.0f;
  }
  for (int64_t i = 0; i < rows * v_row; ++i) x.o[i] = 0.0f;

  const int64_t end = x.position[rows - 1] + 1;  // behind the last key that a row sees
  const int64_t seen = a.window < 0 || x.position[0] < a.window ? 0 : x.position[0] - a.window;
  for (int64_t key = seen / kPage * kPage; key < end; key += kPage)
    add_block<O, T, rows>(a, x, key, end - key < kPage ? end - key : kPage);

  for (int r = 0; r < rows; ++r) {
    const float inverse = x.l[r] == 0.0f ? 0.0f : 1.0f / x.l[r];
    float* y = a.y + (row + r) / a.group * a.y_token + (row + r) % a.group * a.y_head;
    for (int64_t d = 0; d < a.head_dim; ++d) y[d] = x.o[r * v_row + d] * inverse + 0.0f;
  }
}

// The tile of exactly `rows` rows.
template <class O, class T, int rows>
void run_rows(const Args& a, int64_t row, int64_t count) {
  if (count == rows) return run_tile<O, T, rows>(a, row);
  if constexpr (rows > 1) run_rows<O, T, rows - 1>(a, row, count);
}

// Tiles differ by one row at most: 7 rows are 4 + 3, not 6 + 1.
template <class O, class T>
void run_type(const Args& a) {
  const int64_t rows = a.tokens * a.group, tiles = (rows + kTile<O> - 1) / kTile<O>;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t begin = rows * i / tiles;
    run_rows<O, T, kTile<O>>(a, begin, rows * (i + 1) / tiles - begin);
  }
}

template <class O>
void run(const Args& a) noexcept {
  if (a.type == Type::f32) return run_type<O, F32>(a);
  if (a.type == Type::f16) return run_type<O, F16>(a);
  run_type<O, Bf16>(a);
}

// Sixteen elements at most, rounded; behind the end stand zeros.
template <class O, class T, class Some>
[[gnu::always_inline]] inline void round_16(const float* from, Some some, typename T::Stored* to) {
  const auto x = kernels::Lanes16<O>::load(from, some);
  for (int j = 0; j < x.kParts; ++j) T::template store<O>(x.part[j], to + j * O::kLanes);
}

template <class O, class T>
void store_type(const StoreArgs& a) {
  using Stored = typename T::Stored;
  for (int64_t t = 0; t < a.tokens; ++t) {
    const int64_t position = a.first + t, slot = position % kPage;
    auto* k = reinterpret_cast<Stored*>(a.pages[position / kPage] + a.at);
    Stored* v = k + a.head_dim * kPage + slot * value_row(a.head_dim);
    kernels::for_each_16(a.head_dim, [&](int64_t c, auto some) {
      alignas(64) Stored key[kernels::kRowLanes];
      round_16<O, T>(a.k + t * a.token + c, some, key);
      for (int64_t i = 0; i < kernels::kRowLanes && c + i < a.head_dim; ++i) k[(c + i) * kPage + slot] = key[i];
      round_16<O, T>(a.v + t * a.token + c, some, v + c);
    });
  }
}

template <class O>
void store(const StoreArgs& a) noexcept {
  if (a.type == Type::f32) return store_type<O, F32>(a);
  if (a.type == Type::f16) return store_type<O, F16>(a);
  store_type<O, Bf16>(a);
}
