#include "run/train_run.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/sha256.h"
#include "base/shown.h"
#include "platform/cpu.h"
#include "platform/machine.h"
#include "run/checkpoint_fields.h"
#include "run/init_model.h"
#include "run/tokenizer_files.h"
#include "run/train_sample.h"
#include "tune/ceilings.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

}  // namespace

TrainRun::~TrainRun() = default;

Result<std::unique_ptr<TrainRun>> TrainRun::open(const TrainOptions& options) {
  std::unique_ptr<TrainRun> run(new TrainRun(options));
  for (Status (TrainRun::*step)() :
       {&TrainRun::resolve_resume, &TrainRun::choose_folder, &TrainRun::open_data, &TrainRun::open_windows,
        &TrainRun::make_model, &TrainRun::agree, &TrainRun::measure_ceiling})
    if (Status status = (run.get()->*step)(); !status.ok()) return status;
  return run;
}

// Which checkpoint the run goes on from, and what it says.
Status TrainRun::resolve_resume() {
  if (options_.resume.empty()) {
    if (options_.model.empty() && options_.init.empty())
      return invalid_argument("--model is missing, needed: a preset or a JSON file (or --init with a model)");
    if (options_.data.empty())
      return invalid_argument("--data is missing, needed: a shard, which 'lathe data build' makes of a text");
    if (options_.output.empty()) return invalid_argument("-o is missing, needed: a new folder for the run");
    head_.settings = options_.settings;
    if (!options_.init.empty()) return open_init();
    auto config = models::read_train_config(options_.model);
    if (!config) return config.status();
    head_.config = *config;
    return {};
  }
  if (!options_.init.empty())
    return invalid_argument("--init and --resume are both given, needed: one, since a checkpoint has weights already");
  auto from = find_resume_point(options_.resume);
  if (!from) return from.status();
  plan_.notes = from->notes;
  plan_.resumed = from->checkpoint;
  from_ = std::move(*from);
  const auto head = read_checkpoint_head(from_->checkpoint);
  if (!head) return head.status();
  return adopt(*head);
}

// Configuration and tokenizer of the model that fine-tuning begins with.
Status TrainRun::open_init() {
  if (!options_.model.empty())
    return invalid_argument("--init and --model are both given, needed: one, since a model has its configuration");
  const auto files = resolve_run_or_model(options_.init, options_.hub);
  if (!files) return files.status();
  auto init = models::Pretrained::open(*files);
  if (!init) return init.status();
  head_.config = init->config;
  plan_.init = files->weights;
  auto tokenizer = read_tokenizer_files(init->files);
  if (tokenizer) head_.tokenizer = std::move(*tokenizer);
  if (!tokenizer && tokenizer.status().code() != Code::not_found) return tokenizer.status();
  init_ = std::move(*init);
  return {};
}

// Settings and model are the checkpoint's.
Status TrainRun::adopt(const CheckpointHead& head) {
  head_ = head;
  const AskedSettings asked{.settings = options_.settings, .given = options_.given};
  Status status = adopt_settings(asked, from_->checkpoint, head_.state, head_.settings, plan_.notes);
  if (!status.ok()) return status;
  if (options_.model.empty()) return {};
  auto config = models::read_train_config(options_.model);
  if (!config) return config.status();
  if (config->vocabulary == 0) config->vocabulary = head_.config.vocabulary;
  if (models::train_config_json(*config) != models::train_config_json(head_.config))
    return invalid_argument("--model is " + shown(options_.model) + ", which is another configuration than that of " +
                            from_->checkpoint + ", needed: the same, or none");
  return {};
}

// Where the run is kept: a new folder, or the one that holds the checkpoint.
Status TrainRun::choose_folder() {
  auto place = choose_run_folder(options_.output, options_.resume, from_ ? &*from_ : nullptr, head_.state);
  if (!place) return place.status();
  place_ = std::move(*place);
  return {};
}

Status TrainRun::open_data() {
  const auto open = [&](const std::string& given, const std::string& kept, const std::string& sha256,
                        std::optional<TokenShard>& shard, std::string& path) -> Status {
    path = given.empty() ? kept : absolute_path(given);
    auto opened = TokenShard::open_any(path, head_.config.vocabulary);
    if (!opened) return opened.status();
    if (!sha256.empty() && opened->sha256() != sha256)
      return invalid_argument(path + ": is other data than the checkpoint " + from_->checkpoint +
                              " was trained with, needed: the same file, or a new run");
    shard = std::move(*opened);
    return {};
  };
  if (Status status = open(options_.data, head_.data, head_.data_sha256, data_, head_.data); !status.ok())
    return status;
  head_.data_sha256 = data_->sha256();
  if (!options_.validation_data.empty() || !head_.validation_data.empty()) {
    Status status = open(options_.validation_data, head_.validation_data, head_.validation_data_sha256,
                         validation_data_, head_.validation_data);
    if (!status.ok()) return status;
    head_.validation_data_sha256 = validation_data_->sha256();
  }
  const int64_t words = std::max(data_->info().vocabulary, validation_data_ ? validation_data_->info().vocabulary : 0);
  if (head_.config.vocabulary == 0) head_.config.vocabulary = words;
  if (words > head_.config.vocabulary)
    return invalid_argument(head_.data + ": has a vocabulary of " + std::to_string(words) + ", needed: at most the " +
                            std::to_string(head_.config.vocabulary) + " of " + (init_ ? options_.init : "the model"));
  return adopt_tokenizer();
}

// The checkpoint's, or else the one that was named, the one of the model to begin with, or the data's.
Status TrainRun::adopt_tokenizer() {
  if (!from_) {
    const std::vector<NamedFile>& of_data = data_->info().tokenizer;
    head_.separator = data_->info().separator;
    if (!options_.tokenizer.empty()) {
      auto files = read_tokenizer_files(options_.tokenizer, options_.hub);
      if (!files) return files.status();
      head_.tokenizer = std::move(*files);
    }
    if (head_.tokenizer.empty()) head_.tokenizer = of_data;
    if (init_ && !of_data.empty() && head_.tokenizer != of_data) {
      const auto data = tokenizer_of(of_data, head_.data), model = tokenizer_of(head_.tokenizer, plan_.init);
      if (!data || !model) return data ? model.status() : data.status();
      if (Status status = check_same_vocabulary(*data, head_.data, *model, options_.init); !status.ok()) return status;
    }
  }
  if (head_.tokenizer.empty()) {
    plan_.notes.push_back(
        "the data carry no tokenizer, and so there are no samples, and the model is kept without one;"
        " --tokenizer names one");
    return {};
  }
  auto tokenizer = tokenizer_of(head_.tokenizer, head_.data);
  if (!tokenizer) return tokenizer.status();
  if (tokenizer->vocab_size() > head_.config.vocabulary)
    return invalid_argument("the tokenizer has " + std::to_string(tokenizer->vocab_size()) +
                            " tokens, needed: at most the " + std::to_string(head_.config.vocabulary) +
                            " of the model");
  if (head_.separator < 0 && data_->info().tokenizer.empty()) head_.separator = tokenizer->special().bos;
  tokenizer_ = std::move(*tokenizer);
  return {};
}

Status TrainRun::open_windows() {
  if (Status status = models::check_train_config(head_.config); !status.ok()) return status;
  TrainSettings& settings = head_.settings;
  if (Status status = resolve(settings, head_.config.context); !status.ok()) return status;
  if (settings.accum < ranks())
    return invalid_argument("--accum is " + std::to_string(settings.accum) + ", needed: at least " +
                            std::to_string(ranks()) + ", for every rank a pass of each step");
  auto windows = TokenWindows::create(*data_, settings.context, static_cast<uint64_t>(settings.seed), head_.data);
  if (!windows) return windows.status();
  windows_ = *windows;
  const TokenShard* shard = validation_data_ ? &*validation_data_ : data_->validation_count() > 0 ? &*data_ : nullptr;
  if (shard == nullptr) {
    plan_.notes.push_back("the data have no validation part: no checkpoint is the best");
    return {};
  }
  const int64_t first = validation_data_ ? 0 : data_->info().train_count;
  auto validation = ValidationWindows::create(*shard, first, settings.context, settings.eval_windows,
                                              validation_data_ ? head_.validation_data : head_.data);
  if (!validation) return validation.status();
  validation_ = *validation;
  plan_.validation_tokens = shard->count() - first;
  return {};
}

Status TrainRun::make_model() {
  const models::TrainModel::Options options = {.windows = head_.settings.batch,
                                               .length = head_.settings.context,
                                               .recompute = head_.settings.recompute,
                                               .bf16 = head_.settings.precision == "bf16",
                                               .accumulate = head_.settings.accum > ranks()};
  auto team = Team::create({.threads = options_.threads});
  if (!team) return team.status();
  team_ = std::move(*team);
  if (!options_.make_model) {
    const auto memory = models::TrainModel::memory(head_.config, options, team_->size());
    if (!memory) return memory.status();
    plan_.memory = *memory;
    const int64_t available = this_machine().memory_available;
    if (available > 0 && memory->total() > available)
      return out_of_memory("the model and its training take " + std::to_string(memory->total() >> 20) + " MiB, and " +
                           std::to_string(available >> 20) +
                           " MiB of memory are free, needed: a smaller --batch or --context, --recompute, or a "
                           "smaller model");
  }
  auto model = options_.make_model ? options_.make_model(head_.config, options)
                                   : models::TrainModel::create(head_.config, options, *team_);
  if (!model) return model.status();
  model_ = std::move(*model);
  if (init_) {
    if (Status status = read_pretrained(*init_, team_->size(), model_->weights()); !status.ok()) return status;
    init_.reset();
  } else if (!from_) {
    model_->initialize(static_cast<uint64_t>(head_.settings.seed));
  } else if (Status status = load_checkpoint(from_->checkpoint, *model_); !status.ok()) {
    return status;
  }
  plan_.config = head_.config;
  plan_.settings = head_.settings;
  plan_.state = head_.state;
  plan_.parameters = static_cast<int64_t>(model_->weights().size());
  plan_.train_tokens = data_->info().train_count;
  plan_.per_epoch = windows_->per_epoch();
  plan_.threads = team_->size();
  plan_.ranks = ranks();
  return {};
}

// Ranks that began with different things would wait for one another for ever, or add up what does not belong together.
Status TrainRun::agree() {
  if (options_.group == nullptr) return {};
  const std::string mine = sha256_hex(checkpoint_head_text(head_) + (options_.reduce_in_order ? "order" : "fast"));
  std::string all(mine.size() * static_cast<size_t>(ranks()), ' ');
  Status status = options_.group->exchange("the other ranks to begin", std::as_bytes(std::span(mine)),
                                           std::as_writable_bytes(std::span(all)));
  if (!status.ok()) return status;
  for (int other = 0; other < ranks(); ++other)
    if (all.compare(static_cast<size_t>(other) * mine.size(), mine.size(), all, 0, mine.size()) != 0)
      return invalid_argument("rank " + std::to_string(other) + " on host " + options_.group->host(other) +
                              " begins with another model, data, settings or checkpoint than rank 0, needed: the same "
                              "command for every rank, and files that all of them see under the same names");
  return {};
}

// A few trials are enough for a share in a log. The ranks measure at the same time, as they will compute.
Status TrainRun::measure_ceiling() {
  if (!options_.measure_ceiling) return {};
  std::vector<double> each(static_cast<size_t>(ranks()));
  const auto ceilings =
      tune::measure_ceilings(*team_, {.available_bytes = this_machine().memory_available / 8, .trials = 5});
  if (ceilings)
    each[static_cast<size_t>(rank())] =
        (head_.settings.precision == "bf16" ? ceilings->bf16 : ceilings->fma).giga * 1e9;
  if (Status status = TrainRanks(*model_, options_.group, true).share(each); !status.ok()) return status;
  plan_.ceiling = std::accumulate(each.begin(), each.end(), 0.0);
  return {};
}

Result<std::string> TrainRun::save(const TrainState& state, bool best) {
  CheckpointHead head = head_;
  head.state = state;
  const RunFolder& folder = place_.folder;
  const std::string path = folder.checkpoint_path(state.step);
  if (Status status = save_checkpoint(path, head, *model_); !status.ok()) return status;
  if (best)
    if (Status status = folder.set_best(state.step); !status.ok()) return status;
  folder.prune(head_.settings.keep);
  return path;
}

Result<std::string> TrainRun::sample() {
  return train_sample(*model_, *tokenizer_,
                      {.prompt = options_.prompt,
                       .tokens = options_.sample_tokens,
                       .separator = head_.separator,
                       .context = head_.settings.context,
                       .sampler = {.temperature = 0.8f, .top_p = 0.95f, .seed = head_.settings.seed}});
}

// The log's first line of a run, and of each time that it goes on.
std::string TrainRun::head_line() const {
  const nlohmann::ordered_json line = {
      {"event", from_ ? "resume" : "start"},
      {"step", head_.state.step},
      {"run", fs::path(absolute_path(folder())).filename().string()},
      {"model", nlohmann::ordered_json::parse(models::train_config_json(head_.config))},
      {"init", plan_.init},
      {"parameters", plan_.parameters},
      {"settings", settings_json(head_.settings)},
      {"data", data_->info().source},
      {"train_tokens", plan_.train_tokens},
      {"validation_tokens", plan_.validation_tokens},
      {"memory_bytes", plan_.memory.total()},
      {"threads", plan_.threads},
      {"ranks", plan_.ranks},
      {"cpu", this_machine().cpu},
      {"ceiling_flops", plan_.ceiling}};
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<Trainer::End> TrainRun::run(const RunHooks& hooks) {
  hooks_.stop = hooks.stop;
  hooks_.ceiling = plan_.ceiling;
  hooks_.group = options_.group;
  hooks_.reduce_in_order = options_.reduce_in_order;
  if (rank() == 0) return lead(hooks);
  hooks_.emit = [](TrainEvent&&) {};
  return train();
}

Result<Trainer::End> TrainRun::train() {
  trainer_ = std::make_unique<Trainer>(*model_, *windows_, validation_ ? &*validation_ : nullptr, head_.settings,
                                       head_.state, hooks_);
  return trainer_->run();
}

Result<Trainer::End> TrainRun::lead(const RunHooks& hooks) {
  auto lock = begin_run_folder(place_, head_.state);
  if (!lock) return lock.status();
  lock_.emplace(std::move(*lock));
  std::optional<int64_t> from;
  if (place_.in_place) from = head_.state.step;
  const auto record = RunRecord::open(
      {.folder = folder(), .from = from, .head = head_line(), .tensorboard = options_.tensorboard}, hooks);
  if (!record) return record.status();
  hooks_.emit = [&](TrainEvent&& event) { (*record)->add(std::move(event)); };
  hooks_.save = [&](const TrainState& state, bool best) {
    (*record)->settle();
    return save(state, best);
  };
  if (tokenizer_) hooks_.sample = [this] { return sample(); };
  hooks_.sample_every = options_.sample_every;
  hooks_.ranges_every = options_.ranges_every;
  auto end = train();
  end = (*record)->finish(std::move(end), trainer_->state().step);
  dropped_ = (*record)->dropped();
  return end;
}

}  // namespace lathe::run
