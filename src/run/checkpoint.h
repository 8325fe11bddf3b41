// A training run on the disk, at one step. The folder is a Hugging Face folder as it stands (config.json,
// model.safetensors, the tokenizer), and holds beside that both moments (optimizer.safetensors) and train.json: the
// configuration, the settings, and how far the run is. docs/formats.md has the fields.
#pragma once

#include <string>
#include <vector>

#include "formats/token_shard.h"
#include "lathe/status.h"
#include "models/train_config.h"
#include "models/train_model.h"
#include "run/train_settings.h"
#include "run/train_state.h"

namespace lathe::run {

struct CheckpointHead {
  models::TrainConfig config{};
  TrainSettings settings{};
  TrainState state{};
  std::string data, validation_data;                // paths, absolute
  std::string data_sha256, validation_data_sha256;  // of what lay there
  int32_t separator = -1;                           // the token between documents
  std::vector<NamedFile> tokenizer{};               // not in train.json, but as files beside it
};

std::string checkpoint_head_text(const CheckpointHead& head);
Result<CheckpointHead> parse_checkpoint_head(std::string_view text, const std::string& file);

// Whole or not at all.
Status save_checkpoint(const std::string& path, const CheckpointHead& head, models::TrainModel& model);

// What train.json of a checkpoint says, with its tokenizer's files; the folder has been verified.
Result<CheckpointHead> read_checkpoint_head(const std::string& path);
// Weights and moments into a model of the same configuration; an error names the tensor that is missing or different.
Status load_checkpoint(const std::string& path, models::TrainModel& model);

}  // namespace lathe::run
