#include "tune/ceiling_loops.h"

namespace lathe::tune {

extern const CeilingLoops ceiling_table_scalar;
#if defined(__x86_64__)
extern const CeilingLoops ceiling_table_avx2;
extern const CeilingLoops ceiling_table_avx_vnni;
extern const CeilingLoops ceiling_table_avx512;
extern const CeilingLoops ceiling_table_avx512_vnni;
extern const CeilingLoops ceiling_table_avx512_bf16;
extern const CeilingLoops ceiling_table_amx;
#endif

std::span<const CeilingLoops* const> ceiling_loops() {
  static constexpr const CeilingLoops* kAll[] = {
    &ceiling_table_scalar,
#if defined(__x86_64__)
    &ceiling_table_avx2,
    &ceiling_table_avx_vnni,
    &ceiling_table_avx512,
    &ceiling_table_avx512_vnni,
    &ceiling_table_avx512_bf16,
    &ceiling_table_amx,
#endif
  };
  return kAll;
}

}  // namespace lathe::tune
