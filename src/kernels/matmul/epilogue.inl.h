// What happens to the sums of one panel before they are C: the steps of `struct Epilogue`, row by row.
//
// Whatever takes or gives a V::F is forced inline. A call passes the two AVX2 registers through the stack, where g++ 12
// writes halves and reads wholes: no forwarding from the store queue, so each waits until the stores before it, those
// to C included, have reached the cache. A bias cost 35 cycles per 8 outputs that way, and GELU 37 more; now 2 and 8.

// Up to 16 floats; lanes beyond n are zero.
template <class V>
LATHE_INLINE typename V::F load_n(const float* p, int64_t n) {
  if (n >= kPanel) return V::load(p);
  alignas(64) float lanes[kPanel] = {};
  for (int64_t j = 0; j < n; ++j) lanes[j] = p[j];
  return V::load(lanes);
}

template <class V>
LATHE_INLINE typename V::F load_c(const Args& x, int64_t at, int64_t n) {
  if (x.c_type == Type::f32) return load_n<V>(static_cast<const float*>(x.c) + at, n);
  alignas(64) uint16_t lanes[kPanel] = {};
  for (int64_t j = 0; j < n && j < kPanel; ++j) lanes[j] = static_cast<const uint16_t*>(x.c)[at + j];
  return x.c_type == Type::bf16 ? V::load_bf16(reinterpret_cast<const bf16*>(lanes))
                                : V::load_f16(reinterpret_cast<const f16*>(lanes));
}

template <class V>
LATHE_INLINE void store_c(const Args& x, int64_t at, int64_t n, const typename V::F& v) {
  if (x.c_type == Type::f32) {
    float* c = static_cast<float*>(x.c) + at;
    if (n >= kPanel) return V::store(c, v);
    alignas(64) float lanes[kPanel];
    V::store(lanes, v);
    for (int64_t j = 0; j < n; ++j) c[j] = lanes[j];
    return;
  }
  alignas(64) uint16_t lanes[kPanel];
  if (x.c_type == Type::bf16) {
    V::store_bf16(reinterpret_cast<bf16*>(lanes), v);
  } else {
    V::store_f16(reinterpret_cast<f16*>(lanes), v);
  }
  for (int64_t j = 0; j < n && j < kPanel; ++j) static_cast<uint16_t*>(x.c)[at + j] = lanes[j];
}

// The steps before the activation. `bias` and `col_scale` point at this panel's first column, or are null.
template <class V>
LATHE_INLINE typename V::F before_activation(const Args& x, typename V::F v, const float* bias, int64_t col, int64_t at,
                                             int64_t n) {
  const Epilogue& e = x.epilogue;
  if (e.alpha != 1.0f) v = V::mul(v, V::set1(e.alpha));
  if (e.col_scale != nullptr) v = V::mul(v, load_n<V>(e.col_scale + col, n));
  if (e.beta != 0.0f) v = V::fmadd(V::set1(e.beta), load_c<V>(x, at, n), v);
  if (bias != nullptr) v = V::add(v, load_n<V>(bias + col, n));
  return v;
}

// Are the sums C as they are, or with what stands there?
inline bool is_plain(const Args& x) {
  const Epilogue& e = x.epilogue;
  return e.alpha == 1.0f && (e.beta == 0.0f || e.beta == 1.0f) && e.col_scale == nullptr && e.bias == nullptr &&
         e.act == Activation::none && e.residual == nullptr && !e.gated && x.c_type == Type::f32;
}

// Sums of `panels` panels to columns col .. of C: t [panels][m][16], or, gated, [panels][gate, up][m][16]. Row by row
// over all panels, so that C is written in runs of up to 512 bytes.
template <class V>
void finish(const Args& x, int64_t col, int64_t panels, const float* t) {
  const Epilogue& e = x.epilogue;
  const bool plain = is_plain(x) && e.beta == 0.0f;
  const int64_t t_panel = x.m * kPanel * (e.gated ? 2 : 1);
  for (int64_t r = 0; r < x.m; ++r) {
    const float* sums = t + r * kPanel;
    for (int64_t j = col; j < col + panels * kPanel; j += kPanel, sums += t_panel) {
      const int64_t n = x.n - j < kPanel ? x.n - j : kPanel;
      const int64_t at = r * x.ldc + j;
      typename V::F v = V::load(sums);
      if (!plain) {
        v = before_activation<V>(x, v, e.bias, j, at, n);
        if (e.act != Activation::none) v = V::activate(v, e.act);
        if (e.gated) v = V::mul(v, before_activation<V>(x, V::load(sums + x.m * kPanel), x.bias_up, j, at, n));
        if (e.residual != nullptr) v = V::add(v, load_n<V>(e.residual + r * e.residual_ld + j, n));
      }
      store_c<V>(x, at, n, v);
    }
  }
}

// a16r: the s32 sums of one panel become f32 in place. `w_scale` [16].
template <class V>
void scale_rows(const Args& x, const float* w_scale, float* t) {
  const typename V::F w = V::load(w_scale);
  for (int64_t r = 0; r < x.m; ++r) {
    const typename V::F v = V::to_float(V::iload(reinterpret_cast<const int32_t*>(t) + r * kPanel));
    V::store(t + r * kPanel, V::mul(V::mul(v, V::set1(x.a_scale[r])), w));
  }
}

// s32: sum (a - za)(w - zw) = sum a w - za * sum w - zw * (sum a - K * za), then C as s32, or f32 sums in place for
// the float steps. Arithmetic wraps modulo 2^32 like the products themselves.
template <class V>
void correct_zero_points(const Args& x, int64_t col, const int32_t* column_sum, float* t) {
  const Epilogue& e = x.epilogue;
  int32_t* ti = reinterpret_cast<int32_t*>(t);
  const int64_t n = x.n - col < kPanel ? x.n - col : kPanel;
  const uint32_t za = static_cast<uint32_t>(e.a_zero);
  uint32_t zw[kPanel] = {}, of_columns[kPanel];
  for (int64_t j = 0; j < n && e.w_zero != nullptr; ++j) zw[j] = static_cast<uint32_t>(e.w_zero[col + j]);
  for (int64_t j = 0; j < kPanel; ++j) of_columns[j] = za * static_cast<uint32_t>(column_sum[j]);
  for (int64_t r = 0; r < x.m; ++r, ti += kPanel) {
    const uint32_t row_sum = static_cast<uint32_t>(x.a_sum[r]) - static_cast<uint32_t>(x.k) * za;
    for (int64_t j = 0; j < kPanel; ++j)  // all sixteen, so that it is a vector's work
      ti[j] = static_cast<int32_t>(static_cast<uint32_t>(ti[j]) - of_columns[j] - zw[j] * row_sum);
    if (x.c_type == Type::s32) {
      int32_t* c = static_cast<int32_t*>(x.c) + r * x.ldc + col;
      for (int64_t j = 0; j < n; ++j) c[j] = ti[j];
    } else {
      V::store(t + r * kPanel, V::to_float(V::iload(ti)));
    }
  }
}
