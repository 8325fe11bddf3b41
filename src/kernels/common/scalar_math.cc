#include "kernels/common/scalar_math.h"

#include "kernels/common/scalar_steps.h"

namespace lathe::kernels {

float exp_f32(float x) { return exp_steps<ScalarOps>(x); }
float tanh_f32(float x) { return tanh_steps<ScalarOps>(x); }
float erf_f32(float x) { return erf_steps<ScalarOps>(x); }
float sigmoid_f32(float x) { return sigmoid_steps<ScalarOps>(x); }

float relu_f32(float x) { return relu_steps<ScalarOps>(x); }
float silu_f32(float x) { return silu_steps<ScalarOps>(x); }
float gelu_erf_f32(float x) { return gelu_erf_steps<ScalarOps>(x); }
float gelu_tanh_f32(float x) { return gelu_tanh_steps<ScalarOps>(x); }

}  // namespace lathe::kernels
