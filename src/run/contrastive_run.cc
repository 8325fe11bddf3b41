#include "run/contrastive_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "formats/checkpoint_manifest.h"
#include "models/train_encoder_config.h"
#include "platform/machine.h"
#include "run/event_thread.h"
#include "run/tokenizer_files.h"
#include "run/train_log.h"
#include "tune/ceilings.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostValidation = 1000;  // pairs, of those that are put aside
constexpr int64_t kMostContext = 256;      // tokens of a text where nobody says more: the rest of it is seldom needed

std::string dumped(const nlohmann::ordered_json& json, int indent = -1) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

Result<std::unique_ptr<ContrastiveRun>> ContrastiveRun::open(const ContrastiveOptions& options) {
  std::unique_ptr<ContrastiveRun> run(new ContrastiveRun(options));
  for (Status (ContrastiveRun::*step)() :
       {&ContrastiveRun::check, &ContrastiveRun::open_model, &ContrastiveRun::open_pairs, &ContrastiveRun::settle,
        &ContrastiveRun::make_model})
    if (Status status = (run.get()->*step)(); !status.ok()) return status;
  return run;
}

Status ContrastiveRun::check() {
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
  if (!(options_.temperature > 0 && options_.temperature <= 100))
    return invalid_argument(fmt::format("--temperature is {}, needed: more than 0, at most 100", options_.temperature));
  if (!(options_.validation >= 0 && options_.validation < 1))
    return invalid_argument(fmt::format("--validation is {}, needed: 0 to less than 1", options_.validation));
  std::error_code error;
  if (fs::exists(options_.output, error) && !fs::is_directory(options_.output, error))
    return invalid_argument(options_.output + ": is there and is no folder, needed: a new folder for the run");
  if (!folder_.steps().empty()) return invalid_argument(options_.output + ": holds a run, needed: a new folder");
  return {};
}

Status ContrastiveRun::open_model() {
  if (!options_.init.empty()) {
    auto start = read_encoder_start(options_.init, options_.hub);
    if (!start) return start.status();
    start_ = std::move(*start);
    return {};
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

Status ContrastiveRun::open_pairs() {
  TrainSettings& s = options_.settings;
  if (!options_.given.contains("context")) s.context = std::min(kMostContext, start_.head.max_tokens);
  if (s.context < 4 || s.context > start_.config.max_tokens())
    return invalid_argument(fmt::format("--context is {}, needed: 4 to the {} tokens that the model takes", s.context,
                                        start_.config.max_tokens()));
  start_.head.max_tokens = s.context;
  const auto load = [&](const std::string& path, std::optional<PairData>& data) -> Status {
    auto tokenizer = tokenizer_of(start_.head.tokenizer, "the tokenizer");
    if (!tokenizer) return tokenizer.status();
    if (tokenizer->vocab_size() > start_.config.vocabulary)
      return invalid_argument(fmt::format("the tokenizer has {} tokens, needed: at most the {} of the model",
                                          tokenizer->vocab_size(), start_.config.vocabulary));
    tokenizer->set_lower_case(start_.head.lower_case);
    auto loaded = PairData::load(path, options_.fields, std::move(*tokenizer), s.context);
    if (!loaded) return loaded.status();
    data = std::move(*loaded);
    if (data->cut() > 0)
      plan_.notes.push_back(fmt::format("{}: {} of {} texts have more than {} tokens and are cut; --context sets it",
                                        path, data->cut(), data->texts(), s.context));
    return {};
  };
  if (Status status = load(options_.pairs, data_); !status.ok()) return status;
  if (options_.validation_pairs.empty()) {
    split_ = split_pairs(*data_, options_.validation, kMostValidation, static_cast<uint64_t>(s.seed));
    return {};
  }
  if (Status status = load(options_.validation_pairs, validation_data_); !status.ok()) return status;
  if (validation_data_->negatives() != data_->negatives())
    return invalid_argument(
        options_.validation_pairs + ": has " +
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

// Settings that nobody named: a pass over the pairs, and what fine-tuning or a new model usually takes.
Status ContrastiveRun::settle() {
  TrainSettings& s = options_.settings;
  const auto settle = [&](const char* name, auto& value, auto usual) {
    if (!options_.given.contains(name)) value = usual;
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
  const TrainSettings& s = options_.settings;
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
  if (options_.init.empty()) {
    model_->initialize(static_cast<uint64_t>(s.seed), init_scale_);
  } else if (Status status = load_encoder_weights(start_.files, *model_); !status.ok()) {
    return status;
  }
  if (options_.measure_ceiling) {  // a few trials are enough for a share in a log
    const auto ceilings =
        tune::measure_ceilings(*team_, {.available_bytes = this_machine().memory_available / 8, .trials = 5});
    if (ceilings) plan_.ceiling = ceilings->fma.giga * 1e9;
  }
  plan_.config = start_.config;
  plan_.settings = s;
  plan_.memory = *memory;
  plan_.parameters = static_cast<int64_t>(model_->weights().size());
  plan_.train_pairs = static_cast<int64_t>(split_.train_pairs.size());
  plan_.validation_pairs = static_cast<int64_t>(split_.validation_pairs.size());
  plan_.mean_tokens = static_cast<double>(data_->tokens()) / static_cast<double>(data_->texts());
  plan_.threads = team_->size();
  return {};
}

Status ContrastiveRun::begin_folder() {
  std::error_code error;
  fs::create_directories(folder_.path(), error);
  if (error) return io_error(folder_.path() + ": cannot be created: " + error.message());
  auto lock = IndexLock::take(fs::absolute(folder_.path(), error).lexically_normal().string());
  if (!lock) return lock.status();
  lock_.emplace(std::move(*lock));
  remove_unfinished_checkpoints(folder_.path());
  return {};
}

// How the run was made, for its log and its checkpoints.
std::string ContrastiveRun::head_line() const {
  nlohmann::ordered_json settings;
  visit_settings(plan_.settings, [&](const char* name, const auto& value, bool) { settings[name] = value; });
  return dumped({{"event", "start"},
                 {"step", 0},
                 {"objective", "contrastive"},
                 {"parameters", plan_.parameters},
                 {"temperature", options_.temperature},
                 {"settings", std::move(settings)},
                 {"init", options_.init},
                 {"data", fs::path(options_.pairs).filename().string()},
                 {"data_sha256", data_->sha256()},
                 {"train_pairs", plan_.train_pairs},
                 {"validation_pairs", plan_.validation_pairs},
                 {"memory_bytes", plan_.memory.total()},
                 {"threads", plan_.threads},
                 {"cpu", this_machine().cpu},
                 {"ceiling_flops", plan_.ceiling}});
}

Result<std::string> ContrastiveRun::save(const TrainState& state, bool best) {
  auto record = nlohmann::ordered_json::parse(head_line());
  record.erase("event");
  record["step"] = state.step;
  start_.head.record = dumped(record, 1) + "\n";
  const std::string path = folder_.checkpoint_path(state.step);
  if (Status status = save_encoder(path, start_.head, *model_); !status.ok()) return status;
  if (best)
    if (Status status = folder_.set_best(state.step); !status.ok()) return status;
  folder_.prune(plan_.settings.keep);
  return path;
}

Result<ContrastiveTrainer::End> ContrastiveRun::run(const Hooks& hooks) {
  if (Status status = begin_folder(); !status.ok()) return status;
  auto log = TrainLog::open(folder_.path(), -1, head_line());
  if (!log) return log.status();
  EventThread to_log([&](const TrainEvent& event) { log->add(event); }, [&] { log->flush(); });
  EventThread to_watch([&](const TrainEvent& event) { hooks.watch ? hooks.watch(event) : void(); }, hooks.idle);
  ContrastiveHooks train;
  train.stop = hooks.stop;
  train.ceiling = plan_.ceiling;
  train.emit = [&](TrainEvent&& event) {
    to_log.push(event);
    to_watch.push(std::move(event));
  };
  train.save = [this](const TrainState& state, bool best) { return save(state, best); };
  ContrastiveTrainer trainer(*model_, split_, plan_.settings, options_.temperature, train);
  auto end = trainer.run();
  to_log.finish();
  to_watch.finish();
  dropped_ = to_log.dropped() + to_watch.dropped();
  log->line(dumped({{"event", "end"},
                    {"step", trainer.state().step},
                    {"reason", !end                                        ? end.status().message()
                               : *end == ContrastiveTrainer::End::finished ? "finished"
                                                                           : "stopped"},
                    {"dropped_events", dropped_}}));
  log->flush();
  if (end && !log->status().ok()) return log->status();
  return end;
}

}  // namespace lathe::run
