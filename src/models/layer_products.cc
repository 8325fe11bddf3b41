#include "models/layer_products.h"

namespace lathe::models {

void LayerProducts::pack(const Product& product, const char* name) {
  packed_ ^= 1;
  x_.run(name, [&](const Team::Worker& worker) {
    ops::pack_forward(worker, product.plans.shape, weights_ + product.places.weight, memory_.panels[packed_]);
  });
}

void LayerProducts::pack_input(const Product& product) {
  packed_ ^= 1;
  x_.run("backward pack", [&](const Team::Worker& worker) {
    ops::pack_input(worker, product.plans.shape, weights_ + product.places.weight, memory_.panels[packed_]);
  });
}

ops::LinearOperands LayerProducts::operands() {
  product_ ^= 1;
  ops::LinearOperands operands;
  operands.workspace = memory_.workspaces[product_].data();
  operands.counter = x_.claim_counter();
  return operands;
}

void LayerProducts::forward(const Product& product, const char* name, const float* x, const float* residual, float* y) {
  ops::LinearOperands o = operands();
  o.panels = memory_.panels[packed_];
  o.bias = product.places.bias == kNoTensor ? nullptr : weights_ + product.places.bias;
  o.residual = residual;
  x_.run(name, product.plans.flops(),
         [&](Team::Worker& worker) { ops::linear_forward(worker, product.plans, o, x, y); });
}

void LayerProducts::pack_rows(const ops::LinearPlans& plans, const float* x, const float* dy) {
  if (!plans.shape.rounds()) return;
  x_.run("backward pack",
         [&](const Team::Worker& worker) { ops::pack_rows(worker, plans.shape, x, dy, memory_.rows_panels); });
  x_.sync();
}

void LayerProducts::back(const Product& product, const float* x, const float* dy, float* dx, bool accumulate) {
  pack_rows(product.plans, x, dy);
  ops::LinearOperands o = operands();
  o.panels = memory_.panels[packed_];
  x_.run(product.names.input, product.plans.flops(),
         [&](Team::Worker& worker) { ops::linear_input(worker, product.plans, o, dy, dx); });
  if (product.places.bias != kNoTensor)
    x_.run("backward bias", [&](const Team::Worker& worker) {
      ops::linear_bias(worker, optimizer_, product.plans.shape, dy, gradients_ + product.places.bias);
    });
  ops::LinearOperands other = operands();
  other.panels = memory_.rows_panels;
  x_.run(product.names.weight, product.plans.flops(), [&](Team::Worker& worker) {
    ops::linear_weight(worker, product.plans, other, x, dy, gradients_ + product.places.weight, accumulate);
  });
}

}  // namespace lathe::models
