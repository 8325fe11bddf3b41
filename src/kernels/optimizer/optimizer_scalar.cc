// Any CPU: the same steps one element at a time.
#include "kernels/common/scalar_steps.h"
#include "kernels/optimizer/optimizer.h"

namespace lathe::optimizer {
namespace {
#include "kernels/optimizer/optimizer_steps.inl.h"

class Squares {
 public:
  void add(const float* g) {
    for (int l = 0; l < kernels::kRowLanes; ++l) lanes_[l] += double{g[l]} * double{g[l]};
  }
  void store(double* lane) const {
    for (int l = 0; l < kernels::kRowLanes; ++l) lane[l] = lanes_[l];
  }

 private:
  double lanes_[kernels::kRowLanes] = {};
};
}  // namespace

const Variant table_scalar = {"optimizer.scalar", Isa::scalar, &adamw<kernels::ScalarOps>, &square_sum<Squares>,
                              &add<kernels::ScalarOps>};

}  // namespace lathe::optimizer
