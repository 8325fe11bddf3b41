// The products of the layers of a training step, forwards and backwards: weights packed into either of two places, in
// turns, and two workspaces, since at most two products stand between two syncs.
#pragma once

#include <array>
#include <cstddef>

#include "models/train_layout.h"
#include "ops/linear.h"
#include "ops/train_executor.h"

namespace lathe::models {

// What the products of all layers work in.
struct ProductMemory {
  std::array<std::byte*, 2> panels{};  // linear_panel_bytes() of the largest
  std::byte* rows_panels = nullptr;    // LinearPlans::rows_panel_bytes() of the largest
  std::array<Buffer, 2> workspaces;    // LinearPlans::workspace_bytes() of the largest
};

class LayerProducts {
 public:
  struct Names {
    const char *forward, *input, *weight;  // of a product in the profile
  };
  struct Product {
    const TrainLinear& places;
    const ops::LinearPlans& plans;
    Names names;
  };

  LayerProducts(ProductMemory& memory, const float* weights, float* gradients, const optimizer::Variant& optimizer,
                ops::TrainExecutor& executor)
      : memory_(memory), weights_(weights), gradients_(gradients), optimizer_(optimizer), x_(executor) {}

  // Packs what the next forward() or back() reads; nothing else is packed before that.
  void pack(const Product& product, const char* name);
  void pack_input(const Product& product);
  void forward(const Product& product, const char* name, const float* x, const float* residual, float* y);
  // dx, and behind what stands there where they are added to, dW and dbias. They need one another's results for
  // nothing.
  void back(const Product& product, const float* x, const float* dy, float* dx, bool accumulate);
  // rows_panels for a weight() of these operands, behind a sync.
  void pack_rows(const ops::LinearPlans& plans, const float* x, const float* dy);
  // Of the next product.
  ops::LinearOperands operands();

 private:
  ProductMemory& memory_;
  const float* const weights_;
  float* const gradients_;
  const optimizer::Variant& optimizer_;
  ops::TrainExecutor& x_;
  size_t packed_ = 0;   // where the panels of the next product are
  size_t product_ = 0;  // whose turn it is of the two workspaces
};

}  // namespace lathe::models
