// Calls that were timed with a profile of their passes: where their time went.
#pragma once

#include <string_view>

#include "ops/profile.h"

namespace lathe::run {

struct ProfiledCalls {
  ops::Profile profile;
  double calls_ns = 0;  // wall time of the calls, the passes' and what stands around them

  double around_ns() const { return calls_ns - static_cast<double>(profile.total_ns()); }
  double unaccounted() const { return static_cast<double>(profile.unaccounted_ns()) / calls_ns; }  // as a share

  double flops() const {
    double sum = 0;
    for (const ops::Profile::Entry& e : profile.entries()) sum += e.flops;
    return sum;
  }
  // Inside products: they have FLOPs and are not attention.
  double product_gflops() const {
    double sum = 0, ns = 0;
    for (const ops::Profile::Entry& e : profile.entries()) {
      if (e.flops == 0 || std::string_view(e.name) == "attention") continue;
      sum += e.flops;
      ns += static_cast<double>(e.ns);
    }
    return ns == 0 ? 0 : sum / ns;
  }
};

}  // namespace lathe::run
