#include "models/train_model.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "models/gradient_norms.h"
#include "models/optimizer_step.h"
#include "models/pass_model.h"
#include "models/train_initialize.h"
#include "models/train_layout.h"
#include "models/train_memory.h"
#include "models/train_plans.h"
#include "models/train_step.h"
#include "ops/adamw.h"
#include "ops/largest.h"
#include "ops/share.h"

namespace lathe::models {
namespace {

using Options = TrainModel::Options;

Status check_options(const TrainConfig& config, const Options& options) {
  if (Status status = check_train_config(config); !status.ok()) return status;
  if (options.length < 1 || options.length > config.context)
    return invalid_argument(fmt::format("the length of a window is {}, needed: 1 to the model's context, {}",
                                        options.length, config.context));
  constexpr int64_t kMost = int64_t{1} << 30;  // tokens
  if (options.windows < 1 || options.windows > kMost / options.length)
    return invalid_argument(fmt::format("the count of windows is {}, needed: 1 to {} of {} tokens", options.windows,
                                        kMost / options.length, options.length));
  return {};
}

TrainPlans::Rows rows_of(const Options& options, int64_t tokens) {
  return {tokens, options.bf16 ? matmul::Type::bf16_b16 : matmul::Type::f32};
}

class TrainedDecoder final : public TrainModel {
 public:
  TrainedDecoder(const TrainConfig& config, const Options& options, Team& team, TrainLayout layout, TrainMemory memory)
      : config_(config),
        options_(options),
        team_(team),
        layout_(std::move(layout)),
        memory_(std::move(memory)),
        kernels_(ops::TrainKernels::best()) {
    if (memory_.cos != nullptr) build_positions();
    for (const TrainTensor& tensor : layout_.tensors)
      ops::cut_pieces(tensor.offset, tensor.size, tensor.decay, pieces_);
    sums_.resize(pieces_.size());
    parts_.emplace(layout_, pieces_);
  }

  const TrainConfig& config() const override { return config_; }
  std::span<const TrainTensor> tensors() const override { return layout_.tensors; }
  std::span<float> weights() override { return flat(memory_.weights); }
  std::span<float> gradients() override { return flat(memory_.gradients); }
  std::span<float> pass_gradients() override {
    return options_.accumulate ? flat(memory_.pass_gradients) : std::span<float>();
  }
  std::span<float> first_moments() override { return flat(memory_.first_moments); }
  std::span<float> second_moments() override { return flat(memory_.second_moments); }

  void initialize(uint64_t seed) override {
    initialize_weights(team_, config_, layout_, seed, memory_.weights.as<float>());
  }

  Result<double> backward(const TrainWindows& windows, bool accumulate, float scale) override {
    const auto loss = backward_pass(windows, {.scale = scale, .second = accumulate});
    if (loss && accumulate) add_pass();
    return loss;
  }
  Result<double> backward_pass(const TrainWindows& windows, const Pass& pass) override {
    if (pass.second && !options_.accumulate)
      return invalid_argument("a model of a single pass a step was asked to accumulate, needed: Options::accumulate");
    return loss(windows, {.until = TrainStep::Until::gradients,
                          .scale = pass.scale,
                          .gradients = (pass.second ? memory_.pass_gradients : memory_.gradients).as<float>(),
                          .final_from = pass.final_from});
  }
  Result<double> evaluate(const TrainWindows& windows) override {
    return loss(windows, {.until = TrainStep::Until::loss});
  }

  Status logits(std::span<const int32_t> ids, std::span<float> out) override {
    const auto count = static_cast<int64_t>(ids.size());
    if (count < 1 || count > options_.length)
      return invalid_argument(fmt::format("a text has {} tokens, needed: 1 to {}", count, options_.length));
    if (static_cast<int64_t>(out.size()) != config_.vocabulary)
      return invalid_argument(
          fmt::format("logits have {} elements, needed: the vocabulary's {}", out.size(), config_.vocabulary));
    if (Status status = check_ids("input", ids, 0); !status.ok()) return status;
    TrainStep::Input input;
    input.ids = ids.data();
    input.windows = 1;
    input.length = count;
    input.until = TrainStep::Until::logits;
    input.last_logits = out.data();
    return run(input);
  }

  double update(const AdamW& settings, int64_t number) override {
    return OptimizerStep{.team = team_,
                         .profile = profile_,
                         .kernels = kernels_,
                         .pieces = pieces_,
                         .arrays = {memory_.weights.as<float>(), memory_.gradients.as<float>(),
                                    memory_.first_moments.as<float>(), memory_.second_moments.as<float>()}}
        .run(settings, number, sums_);
  }

  GradientNorms gradient_norms() const override { return parts_->norms(sums_); }

  std::vector<float> activation_ranges() override {
    const auto streams = static_cast<int64_t>(memory_.x.size());
    std::vector<float> found(static_cast<size_t>(streams * team_.size()));
    team_.run([&](const Team::Worker& worker) {
      const ops::Share share(worker, tokens_ * config_.width);
      for (int64_t i = 0; i < streams; ++i)
        found[static_cast<size_t>(i * team_.size() + worker.id())] =
            ops::largest_magnitude(memory_.x[static_cast<size_t>(i)] + share.begin, share.end - share.begin);
    });
    std::vector<float> ranges;
    for (int64_t i = 0; i < streams; ++i)
      ranges.push_back(ops::largest_magnitude(found.data() + i * team_.size(), team_.size()));
    return ranges;
  }

  void set_profile(ops::Profile* profile) override { profile_ = profile; }

  double flops(int64_t windows, int64_t length) const override {
    const auto tokens = static_cast<double>(windows * length);
    const TrainLayer& layer = layout_.layers.front();
    double weights = static_cast<double>(config_.vocabulary * config_.width);
    for (const TrainLinear* each : {&layer.qkv, &layer.out, &layer.up, &layer.down})
      weights += static_cast<double>(config_.layers) * static_cast<double>(each->in * each->out);
    ops::WindowAttention a;
    a.windows = windows;
    a.length = length;
    a.heads = config_.heads;
    a.head_dim = config_.head_dim;
    return 6 * tokens * weights +
           static_cast<double>(config_.layers) * (ops::window_attention_flops(a) + ops::window_attention_back_flops(a));
  }

 private:
  std::span<float> flat(Buffer& buffer) { return {buffer.as<float>(), static_cast<size_t>(layout_.size)}; }

  void build_positions() {
    const int64_t half = config_.head_dim / 2;
    rope::TableArgs args{};
    args.count = options_.length;
    args.rotary = config_.head_dim;
    args.base = config_.rope_base;
    rope::build_table(args, memory_.cos, memory_.sin);
    for (int64_t i = 0; i < options_.length * half; ++i) memory_.minus_sin[i] = -memory_.sin[i];
  }

  // Negative ids are none of the vocabulary, but as targets (least -1) they are not counted.
  Status check_ids(std::string_view what, std::span<const int32_t> ids, int64_t least) const {
    for (size_t i = 0; i < ids.size(); ++i)
      if ((ids[i] < 0 && least == 0) || ids[i] >= config_.vocabulary)
        return invalid_argument(fmt::format("{} {} is {}, needed: below the vocabulary's {}{}", what, i, ids[i],
                                            config_.vocabulary, least == 0 ? " and not negative" : ""));
    return {};
  }

  Status check(const TrainWindows& w) const {
    if (w.count < 1 || w.length < 1 || w.count > options_.windows || w.length > options_.length)
      return invalid_argument(fmt::format("found {} windows of {} tokens, needed: at most {} of {}, and 1 of each",
                                          w.count, w.length, options_.windows, options_.length));
    const auto tokens = static_cast<size_t>(w.count * w.length);
    if (w.inputs.size() != tokens || w.targets.size() != tokens)
      return invalid_argument(fmt::format("{} windows of {} tokens have {} inputs and {} targets, needed: {} of each",
                                          w.count, w.length, w.inputs.size(), w.targets.size(), tokens));
    if (Status status = check_ids("input", w.inputs, 0); !status.ok()) return status;
    return check_ids("target", w.targets, -1);
  }

  Result<double> loss(const TrainWindows& windows, TrainStep::Input input) {
    if (Status status = check(windows); !status.ok()) return status;
    int64_t counted = 0;
    for (const int32_t target : windows.targets) counted += target >= 0;
    if (counted == 0) return invalid_argument("no target of the windows is counted, needed: one that is not negative");
    input.ids = windows.inputs.data();
    input.targets = windows.targets.data();
    input.windows = windows.count;
    input.length = windows.length;
    input.scale /= static_cast<float>(counted);
    if (Status status = run(input); !status.ok()) return status;
    double sum = 0;
    for (int64_t i = 0; i < windows.count * windows.length; ++i) sum += memory_.losses[i];
    return sum / static_cast<double>(counted);
  }

  Status run(const TrainStep::Input& input) {
    const auto plans = plans_.at(input.windows * input.length, [&](int64_t tokens) {
      return TrainPlans::create(config_, layout_, rows_of(options_, tokens), team_.size());
    });
    if (!plans) return plans.status();
    if (Status status = reserve((*plans)->workspace_bytes()); !status.ok()) return status;
    tokens_ = input.windows * input.length;
    if (profile_ != nullptr) profile_->begin();
    team_.run([&](Team::Worker& worker) {
      ops::TrainExecutor executor(worker, profile_);
      TrainStep(config_, layout_, memory_, kernels_, **plans, input, executor).run();
    });
    if (profile_ != nullptr) profile_->end();
    return {};
  }

  // gradients += pass_gradients, in one pass over both.
  void add_pass() {
    float* const sum = memory_.gradients.as<float>();
    const float* const pass = memory_.pass_gradients.as<float>();
    if (profile_ != nullptr) profile_->begin();
    team_.run([&](Team::Worker& worker) {
      ops::TrainExecutor x(worker, profile_);
      x.run("backward accumulate", [&](const Team::Worker& w) {
        const ops::ColumnShare share(w, layout_.size);
        kernels_.optimizer->add(sum + share.begin, pass + share.begin, share.end - share.begin);
      });
      x.sync();
    });
    if (profile_ != nullptr) profile_->end();
  }

  // Fewer tokens may be divided otherwise, and need more: with few of them, of little.
  Status reserve(int64_t bytes) {
    for (Buffer& buffer : memory_.products.workspaces) {
      if (static_cast<int64_t>(buffer.size()) >= bytes) continue;
      auto larger = Buffer::create(bytes);
      if (!larger) return larger.status();
      buffer = std::move(*larger);
    }
    return {};
  }

  const TrainConfig config_;
  const Options options_;
  Team& team_;
  const TrainLayout layout_;
  TrainMemory memory_;
  const ops::TrainKernels kernels_;
  ops::Profile* profile_ = nullptr;
  PlanCache<TrainPlans> plans_;
  std::vector<ops::OptimizerPiece> pieces_;
  std::vector<double> sums_;
  std::optional<GradientParts> parts_;
  int64_t tokens_ = 0;  // of the last pass
};

}  // namespace

Result<TrainModel::Memory> TrainModel::memory(const TrainConfig& config, const Options& options, int threads) {
  if (Status status = check_options(config, options); !status.ok()) return status;
  const TrainLayout layout = train_layout(config);
  const auto plans = TrainPlans::create(config, layout, rows_of(options, options.windows * options.length), threads);
  if (!plans) return plans.status();
  return TrainMemory::sizes(config, layout, options, *plans, threads);
}

Result<std::unique_ptr<TrainModel>> TrainModel::create(const TrainConfig& config, const Options& options, Team& team) {
  if (Status status = check_options(config, options); !status.ok()) return status;
  TrainLayout layout = train_layout(config);
  const auto plans =
      TrainPlans::create(config, layout, rows_of(options, options.windows * options.length), team.size());
  if (!plans) return plans.status();
  auto memory = TrainMemory::create(config, layout, options, *plans, team.size());
  if (!memory) return memory.status();
  return std::unique_ptr<TrainModel>(
      std::make_unique<TrainedDecoder>(config, options, team, std::move(layout), std::move(*memory)));
}

}  // namespace lathe::models
