// A whole training run: model, data, folder, log, checkpoints; new or going on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/token_shard.h"
#include "lathe/status.h"
#include "models/pretrained.h"
#include "models/train_model.h"
#include "platform/team.h"
#include "ranks/group.h"
#include "run/checkpoint.h"
#include "run/index_lock.h"
#include "run/resume.h"
#include "run/run_record.h"
#include "run/token_windows.h"
#include "run/trainer.h"
#include "tokenize/tokenizer.h"

namespace lathe::run {

struct TrainOptions {
  std::string model, data, validation_data;  // a preset or a JSON file; shards, or files of llama2.c
  std::string tokenizer;                     // of a data file that carries none
  std::string output;                        // the run's folder
  std::string resume;                        // a run's folder, or one checkpoint
  std::string init{}, hub{};                 // a model to begin with, in place of `model`; the cache of names
  TrainSettings settings{};
  std::set<std::string> given{};  // settings that the user named: where they differ from the checkpoint's, an error
  int threads = 0;
  bool measure_ceiling = true;
  ranks::Group* group = nullptr;  // the other ranks of the run; nullptr: there are none
  bool reduce_in_order = true;    // else gradients are added in an order of their own, which sends less
  std::string prompt{};
  int64_t sample_every = 0, sample_tokens = 100;
  int64_t ranges_every = 10;  // steps between looks at the range of activations; 0: none
  bool tensorboard = false;   // event files too
  // For tests; else models::TrainModel.
  std::function<Result<std::unique_ptr<models::TrainModel>>(const models::TrainConfig&,
                                                            const models::TrainModel::Options&)>
      make_model{};
};

// What a run will be, said before it begins.
struct TrainPlan {
  models::TrainConfig config{};
  TrainSettings settings{};
  TrainState state{};             // that it begins with
  std::string resumed{}, init{};  // what it goes on from, or begins with
  models::TrainModel::Memory memory{};
  int64_t parameters = 0;
  int64_t train_tokens = 0, validation_tokens = 0, per_epoch = 0;
  int threads = 1, ranks = 1;        // threads of each rank
  double ceiling = 0;                // FLOP/s of all ranks; 0: not measured
  std::vector<std::string> notes{};  // what the user should know
};

class TrainRun {
 public:
  // Everything is checked and read, nothing is written yet. Of several ranks each does so, and they compare what they
  // found.
  static Result<std::unique_ptr<TrainRun>> open(const TrainOptions& options);
  ~TrainRun();

  const TrainPlan& plan() const { return plan_; }
  const std::string& folder() const { return place_.folder.path(); }

  // Once. Rank 0 alone writes, and tells.
  Result<Trainer::End> run(const RunHooks& hooks);
  int64_t dropped() const { return dropped_; }  // events that the log or the watcher was too slow for

 private:
  explicit TrainRun(const TrainOptions& options) : options_(options) {}
  Status resolve_resume();
  Status adopt(const CheckpointHead& head);
  Status open_init();
  Status adopt_tokenizer();
  Status open_data();
  Status open_windows();
  Status make_model();
  Status measure_ceiling();
  Status agree();
  Status choose_folder();
  Result<Trainer::End> train();
  Result<Trainer::End> lead(const RunHooks& hooks);
  Result<std::string> save(const TrainState& state, bool best);
  Result<std::string> sample();
  std::string head_line() const;
  int rank() const { return options_.group == nullptr ? 0 : options_.group->rank(); }
  int ranks() const { return options_.group == nullptr ? 1 : options_.group->size(); }

  TrainOptions options_;
  TrainPlan plan_;
  CheckpointHead head_;
  std::optional<ResumePoint> from_;  // none: a new run
  RunPlace place_{.folder = RunFolder("")};
  std::optional<models::Pretrained> init_;  // until its weights are read
  std::optional<TokenShard> data_, validation_data_;
  std::optional<TokenWindows> windows_;
  std::optional<ValidationWindows> validation_;
  std::optional<tokenize::Tokenizer> tokenizer_;
  std::unique_ptr<Team> team_;
  std::unique_ptr<models::TrainModel> model_;
  std::optional<IndexLock> lock_;
  // Here, as what it receives from other ranks may be under way until the group has ended.
  TrainHooks hooks_;
  std::unique_ptr<Trainer> trainer_;
  int64_t dropped_ = 0;
};

}  // namespace lathe::run
