// SME: outer products into ZA for products of f32, of bf16 and of bytes. Its own unit, several cores may share one: one
// or two rows, which wait for memory, stay on NEON. Compilers without SME (g++ 12) make an empty table of this.
#include "kernels/matmul/table.h"

#if defined(__ARM_FEATURE_SME)

#include <arm_neon.h>
#include <arm_sme.h>

#include <cmath>
#include <utility>

#include "base/types.h"
#include "kernels/common/scalar_math.h"
#include "kernels/common/simd_math.h"
#include "kernels/matmul/inline.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/refusals.h"

namespace lathe::matmul {
namespace {
// clang-format off
#include "kernels/matmul/lanes_scalar.inl.h"
#include "kernels/matmul/lanes_neon.inl.h"
#include "kernels/matmul/lanes_sme.inl.h"
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/prepare_d16.inl.h"
#include "kernels/matmul/row.inl.h"
#include "kernels/matmul/tile_sme.inl.h"
#include "kernels/matmul/blocked_sme.inl.h"
// clang-format on

// Chunks of K: four panels of 512 are 128 KiB and stay in a second-level cache with the rows' strips, which is where
// this unit reads from. Tiles are then kept and loaded again once for 512 steps, 128 moves beside 2048 outer products.
constexpr int kChunk = 512;

int64_t scratch_sme_f32(int64_t m, int64_t) noexcept {
  return (kPanelsPerTurn * m + kPanelsAtOnce * kChunk) * kPanel * static_cast<int64_t>(sizeof(float));
}
int64_t scratch_sme_s32(int64_t m, int64_t) noexcept {
  return kPanelsPerTurn * m * kPanel * static_cast<int64_t>(sizeof(int32_t));
}

template <class W>
constexpr Variant row_sme_f32(const char* name, Type w, Layout layout, const char* what) {
  return {name,
          "f32",
          Isa::sme,
          Type::f32,
          w,
          layout,
          AForm::strips,
          kStripRows,
          2 * kPanel,
          kChunk,
          0,
          what,
          refuses_f32,
          scratch_sme_f32,
          prepare_strips<SmeLanes>,
          run_sme_f32<W, kChunk>};
}

template <class Step>
constexpr Variant row_sme_s32(const char* name, Type a, const char* what) {
  return {name,       "s32", Isa::sme, a,    Type::s8,        Layout::panel_i8, AForm::bytes,  kStripRows,
          2 * kPanel, 0,     0,        what, refuses_integer, scratch_sme_s32,  prepare_bytes, run_sme_s32<Step>};
}

constexpr Variant row_sme_a7(const char* name, const char* what) {
  return {name,
          "a7",
          Isa::sme,
          Type::f32,
          Type::q8_a7,
          Layout::panel_q8s,
          AForm::quant_u7,
          kStripRows,
          2 * kPanel,
          0,
          0,
          what,
          refuses_quantised,
          scratch_sme_s32,
          prepare_quant_u7<SmeLanes>,
          run_sme_u7};
}

constexpr Variant row_sme_d16(const char* name, const char* what) {
  return {name,
          "d16",
          Isa::sme,
          Type::f32,
          Type::bf16_d16,
          Layout::panel_b16,
          AForm::pairs_d16,
          kStripRows,
          2 * kPanel,
          0,
          0,
          what,
          refuses_quantised,
          scratch_sme_s32,
          prepare_pairs_d16<SmeLanes>,
          run_sme_d16};
}

using V = SmeLanes;
constexpr Variant kRows[] = {
    row_f32_few<V, PanelF32>("sme.f32.f32.row", Type::f32, Layout::panel_f32,
                             "one or two rows by NEON, weights read where they lie"),
    row_f32_few<V, PanelBf16>("sme.f32.bf16.row", Type::bf16, Layout::panel_bf16,
                              "one or two rows by NEON, weights read where they lie"),
    row_f32_few<V, PanelF16>("sme.f32.f16.row", Type::f16, Layout::panel_f16,
                             "one or two rows by NEON, weights read where they lie"),
    row_sme_f32<ZaPanel<float, false>>("sme.f32.f32.strips", Type::f32, Layout::panel_f32,
                                       "2x2 tiles of fmopa, A in strips, K in chunks of 512"),
    row_sme_f32<ZaPanel<bf16, true>>("sme.f32.bf16.strips", Type::bf16, Layout::panel_bf16,
                                     "2x2 tiles of fmopa, chunks of W widened to f32"),
    row_sme_f32<ZaPanel<f16, true>>("sme.f32.f16.strips", Type::f16, Layout::panel_f16,
                                    "2x2 tiles of fmopa, chunks of W widened to f32"),
    row_sme_f32<ZaRows>("sme.f32.f32.rows", Type::f32, Layout::rows_f32, "2x2 tiles of fmopa, W [K,N] in place"),
    row_sme_f32<ZaCols>("sme.f32.f32.cols", Type::f32, Layout::cols_f32,
                        "2x2 tiles of fmopa, W [N,K] in place, transposed chunk by chunk"),
    row_sme_s32<StepS8>("sme.s32.s8s8.strips", Type::s8, "2x2 tiles of smopa, bytes where they lie, exact"),
    row_sme_s32<StepU8>("sme.s32.u8s8.strips", Type::u8, "2x2 tiles of usmopa, bytes where they lie, exact"),
    row_sme_a7("sme.a7.q8_a7.strips", "2x2 tiles of usmopa, each block of 32 k scaled into sums in memory"),
    row_sme_d16("sme.d16.bf16_d16.strips", "2x2 tiles of bfmopa, pairs where they lie"),
};
}  // namespace

extern const std::span<const Variant> variants_sme = kRows;

}  // namespace lathe::matmul

#else

namespace lathe::matmul {

extern const std::span<const Variant> variants_sme = {};

}  // namespace lathe::matmul

#endif
