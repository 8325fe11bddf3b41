// Who takes part in a probe: the variants that the options name, and the vendor libraries.
#pragma once

#include <string_view>
#include <vector>

#include "probe/probe.h"
#include "tune/provider.h"

namespace lathe::probe {

// '*' stands for any characters, '?' for one.
bool matches_glob(std::string_view pattern, std::string_view text);

struct Candidates {
  std::vector<const matmul::Variant*> variants;  // in the order of the table
  std::vector<const tune::Provider*> providers;
  bool scalar_wanted = false;  // the scalar variants were asked for
};

// An error where a name or glob matches nothing, an instruction set is unknown or not of this CPU, or a provider does
// not open.
Result<Candidates> find_candidates(const Options& options, FeatureSet features);

}  // namespace lathe::probe
