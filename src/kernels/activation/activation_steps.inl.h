// The loops of activation.h over a policy O. Included inside `namespace lathe::activation { namespace {`.

// Calls run(f) where f maps one register of O.
template <class O, class Run>
void with_function(Function function, Run run) {
  using F = typename O::F;
  switch (function) {
    case Function::relu:
      return run([](F v) { return kernels::relu_steps<O>(v); });
    case Function::silu:
      return run([](F v) { return kernels::silu_steps<O>(v); });
    case Function::gelu_erf:
      return run([](F v) { return kernels::gelu_erf_steps<O>(v); });
    case Function::gelu_tanh:
      return run([](F v) { return kernels::gelu_tanh_steps<O>(v); });
    case Function::tanh:
      return run([](F v) { return kernels::tanh_steps<O>(v); });
    case Function::sigmoid:
      return run([](F v) { return kernels::sigmoid_steps<O>(v); });
    case Function::erf:
      return run([](F v) { return kernels::erf_steps<O>(v); });
    case Function::exp:
      return run([](F v) { return kernels::exp_steps<O>(v); });
  }
}

template <class O>
void apply(Function function, const ApplyArgs& a) noexcept {
  using L = kernels::Lanes16<O>;
  with_function<O>(function, [&](auto f) noexcept {
    for (int64_t i = 0; i < a.rows; ++i) {
      const float* x = a.x + i * a.x_row;
      float* y = a.y + i * a.y_row;
      kernels::for_each_16(a.n, [&](int64_t j, auto some) { L::load(x + j, some).map(f).store(y + j, some); });
    }
  });
}

template <class O>
void gated(Function function, const GatedArgs& a) noexcept {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  with_function<O>(function, [&](auto f) noexcept {
    for (int64_t i = 0; i < a.rows; ++i) {
      const float* gate = a.gate + i * a.gate_row;
      const float* up = a.up + i * a.up_row;
      float* y = a.y + i * a.y_row;
      kernels::for_each_16(a.n, [&](int64_t j, auto some) {
        L::load(gate + j, some).map([&](F g, F u) { return f(g) * u; }, L::load(up + j, some)).store(y + j, some);
      });
    }
  });
}
