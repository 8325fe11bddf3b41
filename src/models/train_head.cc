// The head of a training step: logits, their loss, and the way back from it.
#include "models/train_step.h"
#include "ops/cross_entropy.h"

namespace lathe::models {

// The loss of all tokens, and with gradients d_normed and the head's share of its weights' gradient, chunk by chunk.
void TrainStep::head_loss() {
  const bool back = input_.until == Until::gradients;
  x_.run("pack", [&](const Team::Worker& worker) {
    const ops::LinearShape& shape = plans_.head.shape;
    ops::pack_forward(worker, shape, w(layout_.head), memory_.head_panels);
    if (back) ops::pack_input(worker, shape, w(layout_.head), memory_.head_input_panels);
  });
  x_.sync();
  for (int64_t chunk = 0; chunk < plans_.chunks; ++chunk) {
    const ops::LinearPlans& plans = chunk + 1 < plans_.chunks ? plans_.head : plans_.last_head;
    const int64_t first = chunk * plans_.chunk_rows;
    const float* const normed = memory_.normed + first * config_.width;
    ops::LinearOperands head = products_.operands();
    head.panels = memory_.head_panels;
    x_.run("head", plans.flops(),
           [&](Team::Worker& worker) { ops::linear_forward(worker, plans, head, normed, memory_.logits); });
    x_.sync();
    const loss::Args rows{.rows = plans.shape.rows,
                          .n = config_.vocabulary,
                          .x = memory_.logits,
                          .x_row = config_.vocabulary,
                          .targets = input_.targets + first,
                          .scale = input_.scale,
                          .gradient = back,
                          .loss = memory_.losses + first};
    x_.run("loss", [&](const Team::Worker& worker) { ops::cross_entropy(worker, *kernels_.loss, rows); });
    x_.sync();
    if (!back) continue;
    products_.pack_rows(plans, normed, memory_.logits);
    ops::LinearOperands input = products_.operands();
    input.panels = memory_.head_input_panels;
    x_.run("backward head input", plans.flops(), [&](Team::Worker& worker) {
      ops::linear_input(worker, plans, input, memory_.logits, memory_.d_normed + first * config_.width);
    });
    ops::LinearOperands weight = products_.operands();
    weight.panels = memory_.products.rows_panels;
    x_.run("backward head weight", plans.flops(), [&](Team::Worker& worker) {
      ops::linear_weight(worker, plans, weight, normed, memory_.logits, g(layout_.head), chunk > 0);
    });
    x_.sync();
  }
}

void TrainStep::head_last() {
  ops::MatmulOperands product;
  product.a = memory_.normed + (plans_.tokens - 1) * config_.width;
  product.lda = product.ldw = config_.width;
  product.w = w(layout_.head);
  product.c = input_.last_logits;
  product.ldc = config_.vocabulary;
  std::byte* const workspace = products_.operands().workspace;
  x_.run("head", ops::cost(plans_.one_row.problem()).flops,
         [&](Team::Worker& worker) { plans_.one_row.run(worker, product, workspace); });
}

}  // namespace lathe::models
