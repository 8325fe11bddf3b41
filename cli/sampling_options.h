// The options that say how tokens are drawn.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "sample/sampler_options.h"

namespace lathe::cli {

struct SamplingOptions {
  sample::SamplerOptions sampler;
  std::vector<std::string> logit_bias;  // ID=NUMBER each
};

// Fields whose options were not given take the values of `recommended`.
void adopt(const CLI::App& command, const sample::SamplerOptions& recommended, sample::SamplerOptions& options);
void add_sampling_options(CLI::App& command, SamplingOptions& options);
Result<sample::SamplerOptions> sampler_options(const SamplingOptions& options);

}  // namespace lathe::cli
