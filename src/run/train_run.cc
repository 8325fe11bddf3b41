#include "run/train_run.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/sha256.h"
#include "base/shown.h"
#include "formats/checkpoint_manifest.h"
#include "platform/cpu.h"
#include "platform/machine.h"
#include "run/event_thread.h"
#include "run/init_model.h"
#include "run/tensorboard_log.h"
#include "run/tokenizer_files.h"
#include "run/train_sample.h"
#include "tune/ceilings.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

std::string absolute(const std::string& path) {
  std::error_code error;
  const fs::path whole = path.empty() ? fs::path() : fs::absolute(path, error);
  std::string text = error ? path : whole.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

bool same_place(const std::string& a, const std::string& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

template <class Value>
std::string text_of(const Value& value) {
  return nlohmann::json(value).dump();
}

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
  std::error_code error;
  const fs::path real = fs::canonical(options_.resume, error);
  if (error) return not_found(options_.resume + ": there is no such run or checkpoint");
  if (fs::exists(real / "train.json", error)) {
    checkpoint_ = real.string();
    folder_ = RunFolder(real.parent_path().string());
    if (Status status = verify_checkpoint(checkpoint_); !status.ok()) return status;
  } else {
    folder_ = RunFolder(options_.resume);
    auto latest = folder_.latest();
    if (!latest) return latest.status();
    checkpoint_ = latest->path;
    for (const std::string& why : latest->skipped) plan_.notes.push_back(why + "; the checkpoint before it is used");
  }
  const auto head = read_checkpoint_head(checkpoint_);
  if (!head) return head.status();
  plan_.resumed = checkpoint_;
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

// Settings and model are the checkpoint's; what the user named besides may only be what decides no bit of the weights.
Status TrainRun::adopt(const CheckpointHead& head) {
  head_ = head;
  Status status;
  visit_settings(options_.settings, [&](const char* name, const auto& asked, bool fixed) {
    if (!options_.given.contains(name)) return;
    visit_settings(head_.settings, [&](const char* other, auto& kept, bool) {
      if constexpr (std::is_same_v<std::decay_t<decltype(asked)>, std::decay_t<decltype(kept)>>) {
        if (std::string_view(name) != other || asked == kept) return;
        if (fixed)
          status = invalid_argument(option_name(name) + " is " + text_of(asked) + ", needed: " + text_of(kept) +
                                    ", as the checkpoint " + checkpoint_ + " was trained with");
        else
          kept = asked;
      }
    });
  });
  if (!status.ok()) return status;
  if (head_.settings.steps <= head_.state.step)
    return invalid_argument("--steps is " + std::to_string(head_.settings.steps) + ", needed: more than the " +
                            std::to_string(head_.state.step) + " that the checkpoint " + checkpoint_ + " has made");
  if (options_.given.contains("steps") && head_.settings.schedule != "constant")
    plan_.notes.push_back("the learning rate's schedule now ends at step " + std::to_string(head_.settings.steps));
  if (options_.model.empty()) return {};
  auto config = models::read_train_config(options_.model);
  if (!config) return config.status();
  if (config->vocabulary == 0) config->vocabulary = head_.config.vocabulary;
  if (models::train_config_json(*config) != models::train_config_json(head_.config))
    return invalid_argument("--model is " + shown(options_.model) + ", which is another configuration than that of " +
                            checkpoint_ + ", needed: the same, or none");
  return {};
}

// Where the run is kept: a new folder, or the one that holds the checkpoint.
Status TrainRun::choose_folder() {
  const std::string& output = options_.output;
  if (!checkpoint_.empty() && (output.empty() || same_place(output, folder_.path()))) {
    const auto steps = folder_.steps();
    if (absolute(options_.resume) != absolute(folder_.path()) && !steps.empty() && steps.back() > head_.state.step)
      return invalid_argument(folder_.path() + ": has gone on to step " + std::to_string(steps.back()) +
                              ", needed: -o with a new folder to go on from step " + std::to_string(head_.state.step) +
                              " once more");
    in_place_ = true;
    return {};
  }
  folder_ = RunFolder(output);
  std::error_code error;
  if (fs::exists(output, error) && !fs::is_directory(output, error))
    return invalid_argument(output + ": is there and is no folder, needed: a new folder for the run");
  if (!folder_.steps().empty())
    return invalid_argument(output + ": holds a run that came to step " + std::to_string(folder_.steps().back()) +
                            ", needed: a new folder, or --resume " + output + " to go on with it");
  if (!checkpoint_.empty()) {  // a best one of the new run is yet to come
    head_.state.best_step = 0;
    head_.state.best = 0;
  }
  return {};
}

Status TrainRun::open_data() {
  const auto open = [&](const std::string& given, const std::string& kept, const std::string& sha256,
                        std::optional<TokenShard>& shard, std::string& path) -> Status {
    path = given.empty() ? kept : absolute(given);
    auto opened = TokenShard::open_any(path, head_.config.vocabulary);
    if (!opened) return opened.status();
    if (!sha256.empty() && opened->sha256() != sha256)
      return invalid_argument(path + ": is other data than the checkpoint " + checkpoint_ +
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
  if (checkpoint_.empty()) {
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
  } else if (checkpoint_.empty()) {
    model_->initialize(static_cast<uint64_t>(head_.settings.seed));
  } else if (Status status = load_checkpoint(checkpoint_, *model_); !status.ok()) {
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

Status TrainRun::begin_folder() {
  std::error_code error;
  fs::create_directories(folder_.path(), error);
  if (error) return io_error(folder_.path() + ": cannot be created: " + error.message());
  auto lock = IndexLock::take(absolute(folder_.path()));
  if (!lock) return lock.status();
  lock_.emplace(std::move(*lock));
  remove_unfinished_checkpoints(folder_.path());
  if (!in_place_) return {};
  folder_.set_aside_after(head_.state.step);
  const int64_t best = head_.state.best_step;
  if (best > 0 && fs::exists(folder_.checkpoint_path(best), error)) return folder_.set_best(best);
  if (folder_.best() > 0) fs::remove(folder_.best_path(), error);
  return {};
}

Result<std::string> TrainRun::save(const TrainState& state, bool best) {
  CheckpointHead head = head_;
  head.state = state;
  const std::string path = folder_.checkpoint_path(state.step);
  if (Status status = save_checkpoint(path, head, *model_); !status.ok()) return status;
  if (best)
    if (Status status = folder_.set_best(state.step); !status.ok()) return status;
  folder_.prune(head_.settings.keep);
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
  nlohmann::ordered_json settings;
  visit_settings(head_.settings, [&](const char* name, const auto& value, bool) { settings[name] = value; });
  const nlohmann::ordered_json line = {
      {"event", checkpoint_.empty() ? "start" : "resume"},
      {"step", head_.state.step},
      {"run", fs::path(absolute(folder_.path())).filename().string()},
      {"model", nlohmann::ordered_json::parse(models::train_config_json(head_.config))},
      {"init", plan_.init},
      {"parameters", plan_.parameters},
      {"settings", std::move(settings)},
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

Result<Trainer::End> TrainRun::run(const Hooks& hooks) {
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

Result<Trainer::End> TrainRun::lead(const Hooks& hooks) {
  if (Status status = begin_folder(); !status.ok()) return status;
  auto log = TrainLog::open(folder_.path(), in_place_ ? head_.state.step : -1, head_line());
  if (!log) return log.status();
  std::optional<TensorboardLog> board;
  if (options_.tensorboard) {
    auto opened = TensorboardLog::open(folder_.path(), in_place_ ? head_.state.step : 0);
    if (!opened) return opened.status();
    board.emplace(std::move(*opened));
  }
  EventThread to_log(
      [&](const TrainEvent& event) {
        log->add(event);
        if (board) board->add(event, unix_time());
      },
      [&] {
        log->flush();
        if (board) board->flush();
      });
  EventThread to_watch([&](const TrainEvent& event) { hooks.watch ? hooks.watch(event) : void(); }, hooks.idle);
  hooks_.emit = [&](TrainEvent&& event) {
    to_log.push(event);
    to_watch.push(std::move(event));
  };
  hooks_.save = [this](const TrainState& state, bool best) { return save(state, best); };
  if (tokenizer_) hooks_.sample = [this] { return sample(); };
  hooks_.sample_every = options_.sample_every;
  hooks_.ranges_every = options_.ranges_every;
  auto end = train();
  to_log.finish();
  to_watch.finish();
  dropped_ = to_log.dropped() + to_watch.dropped();
  log->line(nlohmann::ordered_json{{"event", "end"},
                                   {"step", trainer_->state().step},
                                   {"reason", !end                             ? end.status().message()
                                              : *end == Trainer::End::finished ? "finished"
                                                                               : "stopped"},
                                   {"dropped_events", dropped_}}
                .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  log->flush();
  if (end && !log->status().ok()) return log->status();
  if (end && board && !board->status().ok()) return board->status();
  return end;
}

}  // namespace lathe::run
