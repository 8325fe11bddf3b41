// How the makers of a model would have its answers drawn.
#pragma once

#include <string>

#include "lathe/status.h"
#include "sample/sampler_options.h"

namespace lathe::sample {

// `folder`/generation_config.json, with transformers' defaults for what it leaves out: where do_sample is true,
// temperature (1), top_k (50), top_p (1) and min_p (0), and in any case repetition_penalty (1). Without the file, and
// without do_sample, the most probable token is taken. An error names the field, what was found and what was needed.
Result<SamplerOptions> recommended(const std::string& folder);

}  // namespace lathe::sample
