#include "ops/rounded.h"

#include "base/bf16_rows.h"
#include "ops/share.h"

namespace lathe::ops {

void keep_rounded(const Team::Worker& worker, int64_t rows, int64_t n, float* x, bf16* copy) noexcept {
  const Share share(worker, rows);
  for (int64_t r = share.begin; r < share.end; ++r) {  // a row is still in the cache when it is widened
    narrow(x + r * n, n, copy + r * n);
    widen(copy + r * n, n, x + r * n);
  }
}

void restore_rounded(const Team::Worker& worker, int64_t rows, int64_t n, const bf16* copy, float* x) noexcept {
  const Share share(worker, rows);
  widen(copy + share.begin * n, (share.end - share.begin) * n, x + share.begin * n);
}

}  // namespace lathe::ops
