// lathe train --contrastive: an encoder that learns from pairs of texts.
#pragma once

#include "lathe/status.h"
#include "run/contrastive_run.h"

namespace lathe::cli {

struct ContrastiveDisplay {
  int64_t log_every = 0;
  bool quiet = false, dry = false;
};
Status train_contrastive(const run::ContrastiveOptions& options, const ContrastiveDisplay& display);

}  // namespace lathe::cli
