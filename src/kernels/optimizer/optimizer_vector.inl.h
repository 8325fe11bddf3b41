// What the vector rows of the table add to optimizer_steps.inl.h, over Highway. Included behind it.

namespace hn = kernels::hn;

class Squares {
 public:
  Squares() {
    for (auto& part : parts_) part = hn::Zero(D());
  }
  [[gnu::always_inline]] inline void add(const float* g) {
    for (int p = 0; p < kParts; ++p) {
      const auto v = hn::PromoteTo(D(), hn::LoadU(hn::Rebind<float, D>(), g + p * kLanes));
      parts_[p] = hn::Add(parts_[p], hn::Mul(v, v));
    }
  }
  void store(double* lane) const {
    for (int p = 0; p < kParts; ++p) hn::StoreU(parts_[p], D(), lane + p * kLanes);
  }

 private:
  using D = hn::CappedTag<double, kernels::kRowLanes>;
  static constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
  static constexpr int kParts = kernels::kRowLanes / kLanes;
  hn::Vec<D> parts_[kParts];
};
