// What the vector rows of the table add to causal_attention_steps.inl.h, over Highway. Included behind it.

namespace hn = kernels::hn;

struct TurnVector {
  [[gnu::always_inline]] static inline void four(const float* from, int64_t from_row, float* to, int64_t to_row) {
    const hn::CappedTag<float, 4> d;
    const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_row);
    const auto r2 = hn::LoadU(d, from + 2 * from_row), r3 = hn::LoadU(d, from + 3 * from_row);
    const auto low01 = hn::InterleaveLower(d, r0, r1), low23 = hn::InterleaveLower(d, r2, r3);
    const auto high01 = hn::InterleaveUpper(d, r0, r1), high23 = hn::InterleaveUpper(d, r2, r3);
    hn::StoreU(hn::ConcatLowerLower(d, low23, low01), d, to);
    hn::StoreU(hn::ConcatUpperUpper(d, low23, low01), d, to + to_row);
    hn::StoreU(hn::ConcatLowerLower(d, high23, high01), d, to + 2 * to_row);
    hn::StoreU(hn::ConcatUpperUpper(d, high23, high01), d, to + 3 * to_row);
  }
};
