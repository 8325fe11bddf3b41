#include "run/contrastive_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/shown.h"
#include "models/train_encoder_config.h"
#include "platform/machine.h"
#include "run/checkpoint_fields.h"
#include "run/tokenizer_files.h"
#include "tune/ceilings.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostValidation = 1000;  // pairs, of those that are put aside
constexpr int64_t kMostContext = 256;      // tokens of a text where nobody says more: the rest of it is seldom needed

}  // namespace

Result<std::unique_ptr<ContrastiveRun>> ContrastiveRun::open(const ContrastiveOptions& options) {
  std::unique_ptr<ContrastiveRun> run(new ContrastiveRun(options));
  for (Status (ContrastiveRun::*step)() :
       {&ContrastiveRun::resolve_resume, &ContrastiveRun::check_numbers, &ContrastiveRun::choose_folder,
        &ContrastiveRun::open_model, &ContrastiveRun::open_pairs, &ContrastiveRun::settle, &ContrastiveRun::make_model})
    if (Status status = (run.get()->*step)(); !status.ok()) return status;
  return run;
}

// What the run is made with, from the options, or from the checkpoint that it goes on from.
Status ContrastiveRun::resolve_resume() {
  if (options_.resume.empty()) {
    if (Status status = check_start(); !status.ok()) return status;
    head_ = {.init = options_.init,
             .settings = options_.settings,
             .fields = options_.fields,
             .temperature = options_.temperature,
             .validation = options_.validation,
             .data = absolute_path(options_.pairs),
             .validation_data = absolute_path(options_.validation_pairs)};
    return {};
  }
  auto from = find_resume_point(options_.resume);
  if (!from) return from.status();
  plan_.notes = from->notes;
  plan_.resumed = from->checkpoint;
  from_ = std::move(*from);
  auto head = read_pairs_head(from_->checkpoint);
  if (!head) return head.status();
  head_ = std::move(*head);
  return adopt();
}

// Options that a new run needs.
Status ContrastiveRun::check_start() const {
  if (options_.output.empty()) return invalid_argument("-o is missing, needed: a new folder for the run");
  if (options_.init.empty() && options_.model.empty())
    return invalid_argument(
        "--init is missing, needed: the model to go on from, or --model with a description of a "
        "new one");
  if (!options_.init.empty() && (!options_.model.empty() || !options_.tokenizer.empty()))
    return invalid_argument(
        "--init brings its own model and tokenizer, needed: either --init, or --model and "
        "--tokenizer");
  if (options_.init.empty() && options_.tokenizer.empty())
    return invalid_argument(
        "--tokenizer is missing, needed: one for the new model ('lathe tokenizer train --type "
        "wordpiece' makes it)");
  return {};
}

// What is named beside --resume has to be what the checkpoint has, but for what decides no bit of the weights.
Status ContrastiveRun::adopt() {
  if (!options_.init.empty() || !options_.tokenizer.empty())
    return invalid_argument(
        std::string(options_.init.empty() ? "--tokenizer" : "--init") +
        " and --resume are both given, needed: one, since a checkpoint has weights and a tokenizer");
  if (!options_.validation_pairs.empty() && head_.validation_data.empty())
    return invalid_argument("--validation-pairs is given, needed: none, as in the run of the checkpoint " +
                            from_->checkpoint + ", which puts a share of the pairs aside");
  Status status;
  const auto same = [&](const char* name, const auto& asked, const auto& kept) {
    if (options_.given.contains(name) && asked != kept && status.ok())
      status = invalid_argument(fmt::format("{} is {}, needed: {}, as the checkpoint {} was trained with",
                                            option_name(name), asked, kept, from_->checkpoint));
  };
  same("temperature", options_.temperature, head_.temperature);
  same("validation", options_.validation, head_.validation);
  same("anchor", options_.fields.anchor, head_.fields.anchor);
  same("positive", options_.fields.positive, head_.fields.positive);
  same("negative", options_.fields.negative, head_.fields.negative);
  if (!status.ok()) return status;
  const AskedSettings asked{.settings = options_.settings, .given = options_.given};
  return adopt_settings(asked, from_->checkpoint, head_.state, head_.settings, plan_.notes);
}

Status ContrastiveRun::check_numbers() {
  if (!(head_.temperature > 0 && head_.temperature <= 100))
    return invalid_argument(fmt::format("--temperature is {}, needed: more than 0, at most 100", head_.temperature));
  if (!(head_.validation >= 0 && head_.validation < 1))
    return invalid_argument(fmt::format("--validation is {}, needed: 0 to less than 1", head_.validation));
  return {};
}

Status ContrastiveRun::choose_folder() {
  auto place = choose_run_folder(options_.output, options_.resume, from_ ? &*from_ : nullptr, head_.state);
  if (!place) return place.status();
  place_ = std::move(*place);
  return {};
}

Status ContrastiveRun::open_model() {
  if (from_ || !options_.init.empty()) {
    auto start = read_encoder_start(from_ ? from_->checkpoint : options_.init, options_.hub);
    if (!start) return start.status();
    start_ = std::move(*start);
    return from_ ? check_model() : Status();
  }
  auto files = read_tokenizer_files(options_.tokenizer);
  if (!files) return files.status();
  const auto tokenizer = tokenizer_of(*files, options_.tokenizer);
  if (!tokenizer) return tokenizer.status();
  const auto description = models::read_encoder_description(options_.model, tokenizer->vocab_size());
  if (!description) return description.status();
  start_.config = description->bert;
  init_scale_ = description->init_scale;
  start_.head.config = models::encoder_hf_config(start_.config, tokenizer->special().pad);
  start_.head.tokenizer = std::move(*files);
  start_.head.max_tokens = start_.config.max_tokens();
  return {};
}

// A description that is named beside --resume has to be that of the checkpoint.
Status ContrastiveRun::check_model() const {
  if (options_.model.empty()) return {};
  const auto description = models::read_encoder_description(options_.model, start_.config.vocabulary);
  if (!description) return description.status();
  if (models::encoder_hf_config(description->bert, 0) == models::encoder_hf_config(start_.config, 0)) return {};
  return invalid_argument("--model is " + shown(options_.model) + ", which is another configuration than that of " +
                          from_->checkpoint + ", needed: the same, or none");
}

Status ContrastiveRun::open_pairs() {
  TrainSettings& s = head_.settings;
  if (!from_ && !options_.given.contains("context")) s.context = std::min(kMostContext, start_.head.max_tokens);
  if (s.context < 4 || s.context > start_.config.max_tokens())
    return invalid_argument(fmt::format("--context is {}, needed: 4 to the {} tokens that the model takes", s.context,
                                        start_.config.max_tokens()));
  start_.head.max_tokens = s.context;
  if (Status status = load_pairs(options_.pairs, head_.data, head_.data_sha256, data_); !status.ok()) return status;
  if (head_.validation_data.empty()) {
    split_ = split_pairs(*data_, head_.validation, kMostValidation, static_cast<uint64_t>(s.seed));
    return {};
  }
  Status status =
      load_pairs(options_.validation_pairs, head_.validation_data, head_.validation_data_sha256, validation_data_);
  if (!status.ok()) return status;
  if (validation_data_->negatives() != data_->negatives())
    return invalid_argument(
        head_.validation_data + ": has " +
        (data_->negatives() ? "no negatives, and the pairs have them" : "negatives, and the pairs have none") +
        ", needed: either both or none");
  split_ = split_pairs(*data_, 0, 0, static_cast<uint64_t>(s.seed));
  split_.validation = &*validation_data_;
  if (validation_data_->pairs() >= 2) {
    split_.validation_pairs.resize(static_cast<size_t>(validation_data_->pairs()));
    std::iota(split_.validation_pairs.begin(), split_.validation_pairs.end(), 0);
  }
  return {};
}

// The pairs of the file that is named, else of the checkpoint's, which has to be the same.
Status ContrastiveRun::load_pairs(const std::string& given, std::string& kept, std::string& sha256,
                                  std::optional<PairData>& data) {
  if (!given.empty()) kept = absolute_path(given);
  auto tokenizer = tokenizer_of(start_.head.tokenizer, "the tokenizer");
  if (!tokenizer) return tokenizer.status();
  if (tokenizer->vocab_size() > start_.config.vocabulary)
    return invalid_argument(fmt::format("the tokenizer has {} tokens, needed: at most the {} of the model",
                                        tokenizer->vocab_size(), start_.config.vocabulary));
  tokenizer->set_lower_case(start_.head.lower_case);
  auto loaded = PairData::load(kept, head_.fields, std::move(*tokenizer), head_.settings.context);
  if (!loaded) return loaded.status();
  data = std::move(*loaded);
  if (from_ && data->sha256() != sha256)
    return invalid_argument(kept + ": is other data than the checkpoint " + from_->checkpoint +
                            " was trained with, needed: the same file, or a new run");
  sha256 = data->sha256();
  if (data->cut() > 0)
    plan_.notes.push_back(fmt::format("{}: {} of {} texts have more than {} tokens and are cut; --context sets it",
                                      kept, data->cut(), data->texts(), head_.settings.context));
  return {};
}

// Settings that nobody named: a pass over the pairs, and what fine-tuning or a new model usually takes.
Status ContrastiveRun::settle() {
  TrainSettings& s = head_.settings;
  const auto settle = [&](const char* name, auto& value, auto usual) {
    if (!from_ && !options_.given.contains(name)) value = usual;
  };
  const auto pairs = static_cast<int64_t>(split_.train_pairs.size());
  settle("batch", s.batch, std::clamp<int64_t>(pairs, 2, 64));
  settle("lr", s.lr, options_.init.empty() ? 1e-3 : 5e-5);
  settle("beta2", s.beta2, 0.999);
  settle("weight_decay", s.weight_decay, 0.01);
  if (s.batch < 2)
    return invalid_argument(
        fmt::format("--batch is {}, needed: 2 pairs or more, as the others' texts are the wrong answers", s.batch));
  if (s.batch > pairs)
    return invalid_argument(
        fmt::format("--batch is {}, needed: at most the {} pairs that there are to train on", s.batch, pairs));
  settle("steps", s.steps, (pairs + s.batch * s.accum - 1) / std::max<int64_t>(1, s.batch * s.accum));
  if (split_.validation_pairs.empty())
    plan_.notes.push_back("there are no pairs to validate on: no checkpoint is the best");
  return resolve(s, start_.config.max_tokens());
}

Status ContrastiveRun::make_model() {
  const TrainSettings& s = head_.settings;
  models::TrainEncoder::Options sizes = {.pairs = s.batch,
                                         .tokens = data_->most_tokens(s.batch),
                                         .longest = data_->longest(),
                                         .negatives = data_->negatives()};
  if (validation_data_) {
    sizes.tokens = std::max(sizes.tokens, validation_data_->most_tokens(s.batch));
    sizes.longest = std::max(sizes.longest, validation_data_->longest());
  }
  auto team = Team::create({.threads = options_.threads});
  if (!team) return team.status();
  team_ = std::move(*team);
  const auto memory = models::TrainEncoder::memory(start_.config, sizes, team_->size());
  if (!memory) return memory.status();
  const int64_t available = this_machine().memory_available;
  if (available > 0 && memory->total() > available)
    return out_of_memory(
        fmt::format("the model and its training take {} MiB, and {} MiB of memory are free, needed: a "
                    "smaller --batch or --context, or a smaller model",
                    memory->total() >> 20, available >> 20));
  auto model = models::TrainEncoder::create(start_.config, sizes, *team_);
  if (!model) return model.status();
  model_ = std::move(*model);
  if (!from_ && options_.init.empty()) {
    model_->initialize(static_cast<uint64_t>(s.seed), init_scale_);
  } else if (Status status =
                 from_ ? load_encoder(from_->checkpoint, *model_) : load_encoder_weights(start_.files, *model_);
             !status.ok()) {
    return status;
  }
  if (options_.measure_ceiling) {  // a few trials are enough for a share in a log
    const auto ceilings =
        tune::measure_ceilings(*team_, {.available_bytes = this_machine().memory_available / 8, .trials = 5});
    if (ceilings) plan_.ceiling = ceilings->fma.giga * 1e9;
  }
  plan_.config = start_.config;
  plan_.settings = s;
  plan_.state = head_.state;
  plan_.memory = *memory;
  plan_.parameters = static_cast<int64_t>(model_->weights().size());
  plan_.train_pairs = static_cast<int64_t>(split_.train_pairs.size());
  plan_.validation_pairs = static_cast<int64_t>(split_.validation_pairs.size());
  plan_.mean_tokens = static_cast<double>(data_->tokens()) / static_cast<double>(data_->texts());
  plan_.threads = team_->size();
  return {};
}

// The log's first line of a run, and of each time that it goes on.
std::string ContrastiveRun::head_line() const {
  const nlohmann::ordered_json line = {{"event", from_ ? "resume" : "start"},
                                       {"step", head_.state.step},
                                       {"run", fs::path(absolute_path(folder())).filename().string()},
                                       {"objective", "contrastive"},
                                       {"parameters", plan_.parameters},
                                       {"temperature", head_.temperature},
                                       {"settings", settings_json(head_.settings)},
                                       {"init", head_.init},
                                       {"data", fs::path(head_.data).filename().string()},
                                       {"data_sha256", head_.data_sha256},
                                       {"train_pairs", plan_.train_pairs},
                                       {"validation_pairs", plan_.validation_pairs},
                                       {"memory_bytes", plan_.memory.total()},
                                       {"threads", plan_.threads},
                                       {"cpu", this_machine().cpu},
                                       {"ceiling_flops", plan_.ceiling}};
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<std::string> ContrastiveRun::save(const TrainState& state, bool best) {
  PairsHead head = head_;
  head.state = state;
  start_.head.record = pairs_head_text(head);
  const RunFolder& folder = place_.folder;
  const std::string path = folder.checkpoint_path(state.step);
  if (Status status = save_encoder(path, start_.head, *model_); !status.ok()) return status;
  if (best)
    if (Status status = folder.set_best(state.step); !status.ok()) return status;
  folder.prune(head_.settings.keep);
  return path;
}

Result<ContrastiveTrainer::End> ContrastiveRun::run(const RunHooks& hooks) {
  auto lock = begin_run_folder(place_, head_.state);
  if (!lock) return lock.status();
  lock_.emplace(std::move(*lock));
  std::optional<int64_t> from;
  if (place_.in_place) from = head_.state.step;
  const auto record = RunRecord::open(
      {.folder = folder(), .from = from, .head = head_line(), .tensorboard = options_.tensorboard}, hooks);
  if (!record) return record.status();
  TrainHooks train;
  train.stop = hooks.stop;
  train.ceiling = plan_.ceiling;
  train.emit = [&](TrainEvent&& event) { (*record)->add(std::move(event)); };
  train.save = [&](const TrainState& state, bool best) {
    (*record)->settle();
    return save(state, best);
  };
  ContrastiveTrainer trainer(*model_, split_, head_.settings, head_.temperature, head_.state, train);
  auto end = trainer.run();
  end = (*record)->finish(std::move(end), trainer.state().step);
  dropped_ = (*record)->dropped();
  return end;
}

}  // namespace lathe::run
