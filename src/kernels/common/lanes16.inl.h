// Sixteen virtual lanes, whatever the width of a register: as 16 / O::kLanes registers. Element i of a row belongs to
// lane i mod 16; a lane takes its elements in ascending order, and sum() and max() combine the lanes by one fixed tree
// (l with l+8, then l+4, l+2, l+1). So a row's sum has the same bits on every instruction set. Behind the end of a row
// the lanes are filled with the neutral element, which changes no bit: partial sums start at +0 and are never -0.
//
// Included inside `namespace lathe::kernels { namespace {`, as math_steps.inl.h is.

constexpr int kRowLanes = 16;

// Which of the sixteen lanes exist: all, or the first `count` of them at the end of a row.
struct Full {};
struct Part {
  int64_t count;
};

// Calls body(i, Full) for each complete 16 of [0, n) and body(i, Part) for the rest.
template <class Body>
[[gnu::always_inline]] inline void for_each_16(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) body(i, Full{});
  if (i < n) body(i, Part{n - i});
}

template <class O>
struct Lanes16 {
  using F = typename O::F;
  static constexpr int kParts = kRowLanes / O::kLanes;
  F part[kParts];

  [[gnu::always_inline]] static inline Lanes16 set(float v) {
    Lanes16 r;
    for (int j = 0; j < kParts; ++j) r.part[j] = O::set(v);
    return r;
  }
  [[gnu::always_inline]] static inline Lanes16 load(const float* p, Full, float /*fill*/ = 0.0f) {
    Lanes16 r;
    for (int j = 0; j < kParts; ++j) r.part[j] = O::load(p + j * O::kLanes);
    return r;
  }
  [[gnu::always_inline]] static inline Lanes16 load(const float* p, Part some, float fill = 0.0f) {
    Lanes16 r;
    for (int j = 0; j < kParts; ++j) r.part[j] = O::load_part(p + j * O::kLanes, lanes_of(some, j), fill);
    return r;
  }
  [[gnu::always_inline]] inline void store(float* p, Full) const {
    for (int j = 0; j < kParts; ++j) O::store(part[j], p + j * O::kLanes);
  }
  [[gnu::always_inline]] inline void store(float* p, Part some) const {
    for (int j = 0; j < kParts; ++j) O::store_part(part[j], p + j * O::kLanes, lanes_of(some, j));
  }

  // These lanes where they exist, and `fill` behind the end.
  [[gnu::always_inline]] inline Lanes16 keep(Full, float /*fill*/) const { return *this; }
  [[gnu::always_inline]] inline Lanes16 keep(Part some, float fill) const {
    Lanes16 r;
    for (int j = 0; j < kParts; ++j) r.part[j] = O::keep_part(part[j], lanes_of(some, j), fill);
    return r;
  }

  // f(register, registers ...) for each register.
  template <class Fn, class... Others>
  [[gnu::always_inline]] inline Lanes16 map(Fn f, const Others&... others) const {
    Lanes16 r;
    for (int j = 0; j < kParts; ++j) r.part[j] = f(part[j], others.part[j]...);
    return r;
  }

  float sum() const {
    return tree([](float a, float b) { return a + b; });
  }
  float max() const {
    return tree([](float a, float b) { return a > b ? a : b; });
  }

 private:
  static int64_t lanes_of(Part some, int j) {
    const int64_t left = some.count - j * O::kLanes;
    return left < 0 ? 0 : left < O::kLanes ? left : O::kLanes;
  }
  template <class Fn>
  [[gnu::always_inline]] inline float tree(Fn combine) const {
    alignas(64) float lane[kRowLanes];
    store(lane, Full{});
    fold<kRowLanes / 2>(lane, combine);
    return lane[0];
  }
  // By template, so that every level has a constant width: a loop over widths cost a quarter of the time of a
  // LayerNorm row of 384.
  template <int width, class Fn>
  [[gnu::always_inline]] static inline void fold(float* lane, Fn combine) {
    for (int l = 0; l < width; ++l) lane[l] = combine(lane[l], lane[l + width]);
    if constexpr (width > 1) fold<width / 2>(lane, combine);
  }
};
