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
  static constexpr bool kHasScales = false;
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
  static constexpr bool kHasScales = false;
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
  static constexpr bool kHasScales = false;
  template <class O>
  [[gnu::always_inline]] static inline typename O::F load(const uint16_t* p) {
    return O::load_bf16(p);
  }
  template <class O>
  [[gnu::always_inline]] static inline void store(typename O::F v, uint16_t* p) {
    O::store_bf16(v, p);
  }
};

struct Q8 {  // before its scale
  using Stored = int8_t;
  static constexpr bool kHasScales = true;
  template <class O>
  [[gnu::always_inline]] static inline typename O::F load(const int8_t* p) {
    return O::load_s8(p);
  }
};

constexpr int64_t scales_of(int64_t head_dim) { return (head_dim + kScaled - 1) / kScaled; }

// Where keys, values and their scales (or none) lie in a head's part of a page.
template <class T, class Stored = const typename T::Stored, class Scale = const float>
struct Head {
  Stored* k;
  Stored* v;
  Scale* k_scale = nullptr;
  Scale* v_scale = nullptr;
  template <class Byte>
  Head(Byte* at, int64_t head_dim) {
    const int64_t scales = T::kHasScales ? kPage * scales_of(head_dim) : 0;
    k = reinterpret_cast<Stored*>(at);
    k_scale = reinterpret_cast<Scale*>(k + head_dim * kPage);
    v = reinterpret_cast<Stored*>(k_scale + scales);
    v_scale = reinterpret_cast<Scale*>(v + kPage * value_row(head_dim));
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

// Scaled scores of `rows` rows with 16 * groups keys from the j-th on.
template <class O, class T, int rows, int groups>
[[gnu::always_inline]] inline void score_tile(const Args& a, const Tile& x, const Head<T>& head, int64_t j) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  float* e = x.e + j;
  L s[rows][groups];
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r)
    for (int g = 0; g < groups; ++g) s[r][g] = L::set(0.0f);
  for (int64_t c = 0; c < a.head_dim; ++c) {
    L key[groups];
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) {
      key[g] = widened<O, T>(head.k + c * kPage + j + g * kernels::kRowLanes);
      if constexpr (T::kHasScales) {
        const float* scale = head.k_scale + c / kScaled * kPage + j + g * kernels::kRowLanes;
        key[g] = key[g].map([](F code, F of_block) { return code * of_block; }, L::load(scale, kernels::Full{}));
      }
    }
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

// o = o * f + sum over keys of e * v, for 16 * groups elements of the head from the d-th on.
template <class O, class T, int rows, int groups>
[[gnu::always_inline]] inline void value_tile(const Args& a, const Tile& x, const Head<T>& head, int64_t keys,
                                              int64_t d) {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  const int64_t v_row = value_row(a.head_dim);
  const typename T::Stored* v = head.v + d;
  float* o = x.o + d;
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
    for (int g = 0; g < groups; ++g) {
      value[g] = widened<O, T>(v + j * v_row + g * kernels::kRowLanes);
      if constexpr (T::kHasScales) {
        const int64_t of = j * scales_of(a.head_dim) + (d + g * kernels::kRowLanes) / kScaled;
        const F scale = O::set(head.v_scale[of]);
        value[g] = value[g].map([&](F code) { return code * scale; });
      }
    }
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
  constexpr int groups = groups_of<O>(rows);
  constexpr int64_t wide = groups * kernels::kRowLanes;
  const Head<T> head(a.pages[key / kPage] + a.at, a.head_dim);
  const int64_t lanes = (keys + kernels::kRowLanes - 1) / kernels::kRowLanes * kernels::kRowLanes;
  int64_t j = 0;
  for (; j + wide <= lanes; j += wide) score_tile<O, T, rows, groups>(a, x, head, j);
  for (; j < lanes; j += kernels::kRowLanes) score_tile<O, T, rows, 1>(a, x, head, j);

  for (int r = 0; r < rows; ++r) {
    hide(a, x.position[r], key, lanes, x.e + r * kPage);
    exponentials<O>(x, r, lanes);
    x.l[r] *= x.f[r];
  }
  for (j = 0; j < keys; ++j)  // the rows' chains run beside each other
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) x.l[r] += x.e[r * kPage + j];

  const int64_t v_row = value_row(a.head_dim);
  int64_t d = 0;
  for (; d + wide <= v_row; d += wide) value_tile<O, T, rows, groups>(a, x, head, keys, d);
  for (; d < v_row; d += kernels::kRowLanes) value_tile<O, T, rows, 1>(a, x, head, keys, d);
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
  if (a.type == Type::q8_0) return run_type<O, Q8>(a);
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
    const Head<T, Stored, float> head(a.pages[position / kPage] + a.at, a.head_dim);
    kernels::for_each_16(a.head_dim, [&](int64_t c, auto some) {
      alignas(64) Stored key[kernels::kRowLanes];
      round_16<O, T>(a.k + t * a.token + c, some, key);
      for (int64_t i = 0; i < kernels::kRowLanes && c + i < a.head_dim; ++i) head.k[(c + i) * kPage + slot] = key[i];
      round_16<O, T>(a.v + t * a.token + c, some, head.v + slot * value_row(a.head_dim) + c);
    });
  }
}

inline bool all_finite(const float* x, int64_t n) {
  bool finite = true;
  for (int64_t i = 0; i < n; ++i) finite &= __builtin_fabsf(x[i]) <= -kLowest;
  return finite;
}

inline float scale_of(const BlockQ8_0& block, bool finite) { return finite ? to_float(block.d) : __builtin_nanf(""); }

inline void store_q8(const StoreArgs& a) {
  const int64_t scales = scales_of(a.head_dim), v_row = value_row(a.head_dim);
  for (int64_t t = 0; t < a.tokens; ++t) {
    const int64_t position = a.first + t, slot = position % kPage;
    const Head<Q8, int8_t, float> head(a.pages[position / kPage] + a.at, a.head_dim);
    for (int64_t b = 0; b < scales; ++b) {
      const int64_t c = b * kScaled, count = a.head_dim - c < kScaled ? a.head_dim - c : kScaled;
      const float* k = a.k + t * a.token + c;
      const float* v = a.v + t * a.token + c;
      BlockQ8_0 block;
      encode(k, static_cast<int>(count), &block);
      head.k_scale[b * kPage + slot] = scale_of(block, all_finite(k, count));
      for (int64_t i = 0; i < count; ++i) head.k[(c + i) * kPage + slot] = block.qs[i];
      encode(v, static_cast<int>(count), &block);
      head.v_scale[slot * scales + b] = scale_of(block, all_finite(v, count));
      for (int64_t i = 0; i < kScaled && c + i < v_row; ++i) head.v[slot * v_row + c + i] = block.qs[i];
    }
  }
}

template <class O>
void store(const StoreArgs& a) noexcept {
  if (a.type == Type::f32) return store_type<O, F32>(a);
  if (a.type == Type::f16) return store_type<O, F16>(a);
  if (a.type == Type::q8_0) return store_q8(a);
  store_type<O, Bf16>(a);
}
