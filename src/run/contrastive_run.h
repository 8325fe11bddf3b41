// A whole run that trains an encoder on pairs of texts: model, data, folder, log, checkpoints.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lathe/status.h"
#include "models/train_encoder.h"
#include "platform/team.h"
#include "run/contrastive_trainer.h"
#include "run/encoder_checkpoint.h"
#include "run/index_lock.h"
#include "run/pair_data.h"
#include "run/pairs_checkpoint.h"
#include "run/resume.h"
#include "run/run_record.h"

namespace lathe::run {

struct ContrastiveOptions {
  std::string pairs, validation_pairs{};  // files
  PairFields fields{};
  std::string init{}, hub{};         // a model to go on from, as resolve_model takes it; or
  std::string model{}, tokenizer{};  // a description (models/train_encoder_config.h) and a tokenizer
  std::string output{};              // the run's folder
  std::string resume{};              // a run's folder, or one checkpoint
  double temperature = 0.05;         // of the loss: scores are cosines divided by it
  double validation = 0.05;          // share of the pairs that is put aside where no file is named, 1,000 at most
  TrainSettings settings{};          // batch counts pairs, context the tokens of a text
  // Settings that the user named, and temperature, validation, anchor, positive, negative. The others have defaults of
  // their own here; where named ones differ from the checkpoint's, an error.
  std::set<std::string> given{};
  int threads = 0;
  bool measure_ceiling = true;
  bool tensorboard = false;  // event files too
};

// What a run will be, said before it begins.
struct ContrastivePlan {
  models::BertConfig config{};
  TrainSettings settings{};
  TrainState state{};     // that it begins with
  std::string resumed{};  // what it goes on from
  models::TrainModel::Memory memory{};
  int64_t parameters = 0, train_pairs = 0, validation_pairs = 0;
  double mean_tokens = 0;  // of a text
  int threads = 1;
  double ceiling = 0;                // FLOP/s; 0: not measured
  std::vector<std::string> notes{};  // what the user should know
};

class ContrastiveRun {
 public:
  // Everything is checked and read, nothing is written yet.
  static Result<std::unique_ptr<ContrastiveRun>> open(const ContrastiveOptions& options);

  const ContrastivePlan& plan() const { return plan_; }
  const std::string& folder() const { return place_.folder.path(); }

  Result<ContrastiveTrainer::End> run(const RunHooks& hooks);
  int64_t dropped() const { return dropped_; }  // events that the log or the watcher was too slow for

 private:
  explicit ContrastiveRun(const ContrastiveOptions& options) : options_(options) {}
  Status resolve_resume();
  Status check_start() const;
  Status adopt();
  Status check_numbers();
  Status choose_folder();
  Status open_model();
  Status check_model() const;
  Status open_pairs();
  Status load_pairs(const std::string& given, std::string& kept, std::string& sha256, std::optional<PairData>& data);
  Status settle();
  Status make_model();
  Result<std::string> save(const TrainState& state, bool best);
  std::string head_line() const;

  ContrastiveOptions options_;
  ContrastivePlan plan_;
  PairsHead head_;
  std::optional<ResumePoint> from_;  // none: a new run
  RunPlace place_{.folder = RunFolder("")};
  EncoderStart start_;
  float init_scale_ = 0;  // of a new model
  std::optional<PairData> data_, validation_data_;
  PairSplit split_;
  std::unique_ptr<Team> team_;
  std::unique_ptr<models::TrainEncoder> model_;
  std::optional<IndexLock> lock_;
  int64_t dropped_ = 0;
};

}  // namespace lathe::run
