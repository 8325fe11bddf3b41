// The arithmetic of rope.h over a policy O; One is the policy of a single lane, for the pairs that fill no register.
// Included inside `namespace lathe::rope { namespace {`.

template <class O>
[[gnu::always_inline]] inline void rotate(typename O::F& a, typename O::F& b, typename O::F c, typename O::F s) {
  const auto from_a = O::fma(a, c, O::negate(b * s));
  b = O::fma(b, c, a * s);
  a = from_a;
}

template <class O>
void rotate_interleaved(const float* x, float* y, const float* cos, const float* sin, int64_t begin, int64_t end) {
  for (int64_t i = begin; i + O::kLanes <= end; i += O::kLanes) {
    typename O::F a, b;
    O::load_pairs(x + 2 * i, a, b);
    rotate<O>(a, b, O::load(cos + i), O::load(sin + i));
    O::store_pairs(a, b, y + 2 * i);
  }
}

template <class O>
void rotate_halves(const float* x, float* y, const float* cos, const float* sin, int64_t half, int64_t begin,
                   int64_t end) {
  for (int64_t i = begin; i + O::kLanes <= end; i += O::kLanes) {
    auto a = O::load(x + i), b = O::load(x + half + i);
    rotate<O>(a, b, O::load(cos + i), O::load(sin + i));
    O::store(a, y + i);
    O::store(b, y + half + i);
  }
}

template <class O, class One>
void rotate_head(const Args& args, const float* x, float* y, const float* cos, const float* sin) {
  const int64_t half = args.rotary / 2, whole = half / O::kLanes * O::kLanes;
  if (args.pairing == Pairing::interleaved) {
    rotate_interleaved<O>(x, y, cos, sin, 0, whole);
    rotate_interleaved<One>(x, y, cos, sin, whole, half);
  } else {
    rotate_halves<O>(x, y, cos, sin, half, 0, whole);
    rotate_halves<One>(x, y, cos, sin, half, whole, half);
  }
  if (x != y)
    for (int64_t j = args.rotary; j < args.head_dim; ++j) y[j] = x[j];
}

template <class O, class One>
void run(const Args& args) noexcept {
  for (int64_t t = 0; t < args.tokens; ++t) {
    const int64_t at = (int64_t{args.positions[t]} - args.first_position) * (args.rotary / 2);
    for (int64_t h = 0; h < args.heads; ++h)
      rotate_head<O, One>(args, args.x + t * args.x_token + h * args.x_head,
                          args.y + t * args.y_token + h * args.y_head, args.cos + at, args.sin + at);
  }
}
