// f32 functions with the same steps and the same bits as the vector ones of simd_math.h, on any CPU.
// Accuracy against float64, over all floats: see README.md. NaN in, NaN out.
#pragma once

namespace lathe::kernels {

float exp_f32(float x);
float tanh_f32(float x);
float erf_f32(float x);
float sigmoid_f32(float x);

float relu_f32(float x);
float silu_f32(float x);
float gelu_erf_f32(float x);
float gelu_tanh_f32(float x);

}  // namespace lathe::kernels
