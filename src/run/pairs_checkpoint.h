// How far a run on pairs of texts is, and what it was made with: train.json of its checkpoints. docs/formats.md has the
// fields.
#pragma once

#include <string>
#include <string_view>

#include "lathe/status.h"
#include "run/pair_data.h"
#include "run/train_settings.h"
#include "run/train_state.h"

namespace lathe::run {

struct PairsHead {
  std::string init{};  // the model that the run began with; empty: a new one
  TrainSettings settings{};
  TrainState state{};
  PairFields fields{};
  double temperature = 0.05;                            // of the loss: scores are cosines divided by it
  double validation = 0.05;                             // share of the pairs that is put aside, 1,000 at most
  std::string data{}, validation_data{};                // paths, absolute
  std::string data_sha256{}, validation_data_sha256{};  // of what lay there
};

std::string pairs_head_text(const PairsHead& head);
Result<PairsHead> parse_pairs_head(std::string_view text, const std::string& file);
Result<PairsHead> read_pairs_head(const std::string& checkpoint);

// Whether a run's folder or one checkpoint is of a run on pairs, as far as can be seen; nothing is verified.
bool holds_pairs_run(const std::string& resume);

}  // namespace lathe::run
