// The arithmetic of activation_backward.h over a policy O. Included inside `namespace lathe::activation { namespace {`.

// f(x), with the bits of kernels/common/math_steps.inl.h, and f'(x), which shares its exponential or polynomial.
template <class F>
struct Both {
  F value, slope;
};

// x * s with s = 1 / (1 + e), e = e^-w: the slope is s + x * s * (1 - s) * w'. 1 - s is e * s and not a difference,
// which would cancel where s is near 1; the minimum mends infinity * 0, where s is 0. Where x has grown past 100 1 - s
// is 0.
template <class O, class F = typename O::F>
[[gnu::always_inline]] inline Both<F> sigmoid_gate(F x, F e, F dw) {
  const F one = O::set(1.0f), denominator = one + e;
  const F value = x / denominator, s = one / denominator, rest = O::min(e * s, one);
  return {value, O::fma(O::min(O::set(100.0f), value) * dw, rest, s)};
}

template <class O, class F = typename O::F>
[[gnu::always_inline]] inline Both<F> relu_both(F x) {
  return {kernels::relu_steps<O>(x), O::select_negative(O::negate(x), O::set(1.0f), O::set(0.0f))};
}

template <class O, class F = typename O::F>
[[gnu::always_inline]] inline Both<F> silu_both(F x) {
  const F floored = O::max(O::set(-89.0f), x);
  const F e = kernels::exp_flushed<O>(O::max(O::set(-88.0f), O::negate(floored)));
  return sigmoid_gate<O>(floored, e, O::set(1.0f));
}

// w = 2 sqrt(2/pi) (x + 0.044715 x^3), as gelu_tanh_steps has it.
template <class O, class F = typename O::F>
[[gnu::always_inline]] inline Both<F> gelu_tanh_both(F x) {
  const F floored = O::max(O::set(-10.0625f), x), v = O::min(O::set(10.0f), floored), square = v * v;
  const F minus_w = O::fma(square, O::set(-0x1.2444f2p-4f), O::set(-0x1.988454p0f));
  const F dw = O::fma(square, O::set(3 * 0x1.2444f2p-4f), O::set(0x1.988454p0f));
  return sigmoid_gate<O>(floored, kernels::exp_flushed<O>(v * minus_w), dw);
}

// Phi(x) + x * phi(x), phi the density of the normal distribution: 0 in f32 long before |x| = 20.
template <class O, class F = typename O::F>
[[gnu::always_inline]] inline Both<F> gelu_erf_both(F x) {
  const F floored = O::max(O::set(-6.0f), x), v = O::min(O::set(6.0f), floored);
  const F u = O::max(O::set(0.0f), O::fma(v, kernels::gelu_root<O>(v * v), O::set(1.0f)));
  const F cumulative = u * u * O::fma(u, O::set(-0.25f), O::set(0.75f));
  const F near = O::max(O::set(-20.0f), O::min(O::set(20.0f), x));
  const F density = kernels::exp_nonpositive<O>(near * near * O::set(-0.5f)) * O::set(0x1.988454p-2f);
  return {floored * cumulative, O::fma(near, density, cumulative)};
}

// Calls run(f) where f maps one register of O to a value and a slope.
template <class O, class Run>
void with_slope(Function function, Run run) {
  using F = typename O::F;
  const F one = O::set(1.0f);
  switch (function) {
    case Function::relu:
      return run([](F v) { return relu_both<O>(v); });
    case Function::silu:
      return run([](F v) { return silu_both<O>(v); });
    case Function::gelu_erf:
      return run([](F v) { return gelu_erf_both<O>(v); });
    case Function::gelu_tanh:
      return run([](F v) { return gelu_tanh_both<O>(v); });
    case Function::tanh:
      return run([&](F v) {
        const F t = kernels::tanh_steps<O>(v);
        return Both<F>{t, O::fma(O::negate(t), t, one)};
      });
    case Function::sigmoid:
      return run([&](F v) {
        const F s = kernels::sigmoid_steps<O>(v);
        return Both<F>{s, s * (one - s)};
      });
    case Function::erf:
      return run([](F v) {
        const F density = kernels::exp_steps<O>(O::negate(v * v)) * O::set(0x1.20dd76p0f);  // 2 / sqrt(pi)
        return Both<F>{kernels::erf_steps<O>(v), density};
      });
    case Function::exp:
      return run([](F v) {
        const F e = kernels::exp_steps<O>(v);
        return Both<F>{e, e};
      });
  }
}

template <class O>
void apply_backward(Function function, const ApplyBackwardArgs& a) noexcept {
  using L = kernels::Lanes16<O>;
  using F = typename O::F;
  with_slope<O>(function, [&](auto f) noexcept {
    for (int64_t i = 0; i < a.rows; ++i) {
      const float* x = a.x + i * a.x_row;
      const float* dy = a.dy + i * a.dy_row;
      float* dx = a.dx + i * a.dx_row;
      kernels::for_each_16(a.n, [&](int64_t j, auto some) {
        L::load(x + j, some).map([&](F v, F d) { return d * f(v).slope; }, L::load(dy + j, some)).store(dx + j, some);
      });
    }
  });
}

template <class O>
void gated_backward(Function function, const GatedBackwardArgs& a) noexcept {
  using L = kernels::Lanes16<O>;
  with_slope<O>(function, [&](auto f) noexcept {
    for (int64_t i = 0; i < a.rows; ++i) {
      const float* gate = a.gate + i * a.gate_row;
      const float* up = a.up + i * a.up_row;
      const float* dy = a.dy + i * a.dy_row;
      float* dgate = a.dgate + i * a.dgate_row;
      float* dup = a.dup + i * a.dup_row;
      kernels::for_each_16(a.n, [&](int64_t j, auto some) {
        const L g = L::load(gate + j, some), u = L::load(up + j, some), d = L::load(dy + j, some);
        L to_gate, to_up;
        for (int p = 0; p < L::kParts; ++p) {
          const auto both = f(g.part[p]);
          to_gate.part[p] = (d.part[p] * u.part[p]) * both.slope;
          to_up.part[p] = d.part[p] * both.value;
        }
        to_gate.store(dgate + j, some);
        to_up.store(dup + j, some);
      });
    }
  });
}
