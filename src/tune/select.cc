#include "tune/select.h"

#include <string_view>

namespace lathe::tune {
namespace {

bool eligible(const Candidate& c, const matmul::Variant& fallback) {
  return c.variant && c.passed && !c.above_ceiling && c.ms > 0 && c.variant->layout == fallback.layout &&
         std::string_view(c.variant->numerics) == fallback.numerics;
}

}  // namespace

const Candidate* select(std::span<const Candidate> candidates, const matmul::Variant& fallback) {
  const Candidate* fastest = nullptr;
  const Candidate* usual = nullptr;
  for (const Candidate& c : candidates) {
    if (!eligible(c, fallback)) continue;
    if (!fastest || c.ms < fastest->ms) fastest = &c;
    if (c.variant == &fallback) usual = &c;
  }
  return usual && usual->ms <= fastest->ms * (1 + kTie) ? usual : fastest;
}

}  // namespace lathe::tune
