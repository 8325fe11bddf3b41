// What the vector rows of the table add to scan_steps.inl.h, over Highway. Included behind it.

namespace hn = kernels::hn;
using Ops = kernels::RowOps;

struct WidenVector {
  [[gnu::always_inline]] static inline Ops::F to_f32(const uint16_t* p) {
    const hn::CappedTag<float, kernels::kRowLanes> f32;
    const hn::RebindToUnsigned<decltype(f32)> u32;
    const hn::Rebind<uint16_t, decltype(f32)> u16;
    return hn::BitCast(f32, hn::ShiftLeft<16>(hn::PromoteTo(u32, hn::LoadU(u16, p))));
  }
};

// Bytes widened to s16, pairs of products added in s32.
struct IntegerVector {
  using D16 = hn::ScalableTag<int16_t>;
  using D32 = hn::ScalableTag<int32_t>;
  using D8 = hn::Rebind<int8_t, D16>;
  static constexpr int64_t kAhead = 2048;  // bytes
  static constexpr int64_t kStep = static_cast<int64_t>(hn::MaxLanes(D16()));

  // Part of the products goes into `rest`, on some instruction sets.
  [[gnu::always_inline]] static inline void add(hn::Vec<D32>& sum, hn::Vec<D32>& rest, const int8_t* x,
                                                const int16_t* q) {
    sum =
        hn::ReorderWidenMulAccumulate(D32(), hn::PromoteTo(D16(), hn::LoadU(D8(), x)), hn::LoadU(D16(), q), sum, rest);
  }
  [[gnu::always_inline]] static inline int32_t dot(const int8_t* x, const int16_t* q, int64_t dim) {
    auto even = hn::Zero(D32()), odd = even, rest = even;
    int64_t k = 0;
    for (; k + 2 * kStep <= dim; k += 2 * kStep) {
      __builtin_prefetch(x + k + kAhead);
      add(even, rest, x + k, q + k);
      add(odd, rest, x + k + kStep, q + k + kStep);
    }
    for (; k + kStep <= dim; k += kStep) add(even, rest, x + k, q + k);
    int32_t sum = hn::GetLane(hn::SumOfLanes(D32(), hn::Add(hn::Add(even, odd), rest)));
    for (; k < dim; ++k) sum += x[k] * q[k];
    return sum;
  }
};
