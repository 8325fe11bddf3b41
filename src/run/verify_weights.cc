#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/shown.h"
#include "quant/dequantize.h"
#include "run/verify.h"

namespace lathe::run {
namespace {

constexpr int64_t kPart = 1 << 14;  // values: 64 KiB as f32, within the second cache; whole blocks of every type

// Values that are not finite.
int64_t count_bad(const TensorView& tensor, Dequantize decode, std::vector<float>& part) {
  const DTypeInfo& info = dtype_info(tensor.dtype);
  int64_t bad = 0;
  for (int64_t at = 0; at < tensor.elements(); at += kPart) {
    const int64_t count = std::min(kPart, tensor.elements() - at);
    decode(tensor.bytes.data() + at / info.block * info.bytes, count, part.data());
    for (int64_t i = 0; i < count; ++i) bad += !std::isfinite(part[static_cast<size_t>(i)]);
  }
  return bad;
}

}  // namespace

Check check_weights(const TensorTable& tensors) {
  Check check{"weights", Check::Outcome::passed, "", {}};
  std::vector<float> part(kPart);
  int64_t values = 0, bad = 0, others = 0;
  std::string first;
  for (const TensorView& tensor : tensors.all()) {
    const Dequantize decode = dequantizer(tensor.dtype);
    if (!decode) {
      ++others;
      continue;
    }
    const int64_t found = count_bad(tensor, decode, part);
    if (found > 0 && first.empty()) first = tensor.name;
    bad += found;
    values += tensor.elements();
  }
  check.figures = {{"values", static_cast<double>(values)}, {"not_finite", static_cast<double>(bad)}};
  const auto read = static_cast<int64_t>(tensors.all().size()) - others;
  check.detail = fmt::format("{} values of {} tensors are finite{}", values, read,
                             others == 0 ? "" : fmt::format("; {} tensors hold no such numbers", others));
  if (values == 0) {
    check.outcome = Check::Outcome::failed;
    check.detail = "the files hold no tensor that can be read";
  }
  if (bad == 0) return check;
  check.outcome = Check::Outcome::failed;
  check.detail =
      fmt::format("{} of {} values are not finite, the first in {}, needed: none", bad, values, shown(first));
  return check;
}

}  // namespace lathe::run
