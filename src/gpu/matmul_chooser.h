// Which variant answers a product: what the plan names, else the table's first that takes it.
//
// Variants on a device differ in their order of addition, so that the variant decides the bits. A model asks once,
// before its first pass, and keeps to the answer. With Compiling::background a product may be answered by another
// variant than the wanted one until that is compiled: when is up to the machine's load, and so are then the bits from
// one run to the next. It is for those who ask for it; Compiling::wait gives the same bits in every run.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "gpu/matmul.h"

namespace lathe::gpu {

enum class Compiling : uint8_t { wait, background };

class MatmulChooser {
 public:
  // The fastest that was measured, of `layout` where one is given; nullptr where nothing was.
  using Plan = std::function<const MatmulVariant*(const MatmulProblem&, std::optional<WeightLayout>)>;
  explicit MatmulChooser(std::shared_ptr<Device> device, Compiling compiling = Compiling::wait, Plan plan = {})
      : device_(std::move(device)), compiling_(compiling), plan_(std::move(plan)) {}

  struct Choice {
    const MatmulVariant* variant = nullptr;
    bool settled = true;  // false: another variant of the same layout is being compiled, ask again at the next pass
  };
  // `layout`: that of weights which are packed already. unsupported, with a sentence, where no row takes the product.
  Result<Choice> choose(const MatmulProblem& problem, std::optional<WeightLayout> layout = {});

 private:
  const MatmulVariant* wanted(const MatmulProblem& problem, std::optional<WeightLayout> layout) const;

  std::shared_ptr<Device> device_;
  Compiling compiling_;
  Plan plan_;
};

}  // namespace lathe::gpu
