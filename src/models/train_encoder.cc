#include "models/train_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "models/optimizer_step.h"
#include "models/pass_model.h"
#include "models/train_encoder_layout.h"
#include "models/train_encoder_memory.h"
#include "models/train_encoder_step.h"
#include "models/train_initialize.h"
#include "ops/adamw.h"

namespace lathe::models {
namespace {

using Options = TrainEncoder::Options;

Status check_options(const BertConfig& config, const Options& options) {
  if (options.pairs < 2)
    return invalid_argument(fmt::format(
        "a batch has {} pairs, needed: 2 or more, as the others' texts are the wrong answers", options.pairs));
  if (options.longest < 1 || options.longest > config.max_tokens())
    return invalid_argument(fmt::format("the longest text has {} tokens, needed: 1 to the model's {}", options.longest,
                                        config.max_tokens()));
  constexpr int64_t kMost = int64_t{1} << 30;
  const int64_t texts = (options.negatives ? 3 : 2) * std::min(options.pairs, kMost);
  if (options.tokens < texts || options.tokens > kMost)
    return invalid_argument(fmt::format("a batch has {} tokens in {} texts, needed: one of each text, and {} at most",
                                        options.tokens, texts, kMost));
  return {};
}

class TrainedEncoder final : public TrainEncoder {
 public:
  TrainedEncoder(const BertConfig& config, const Options& options, Team& team, EncoderLayout layout,
                 EncoderMemory memory)
      : config_(config),
        options_(options),
        team_(team),
        layout_(std::move(layout)),
        memory_(std::move(memory)),
        kernels_(ops::TrainKernels::best()) {
    for (const TrainTensor& tensor : layout_.tensors)
      ops::cut_pieces(tensor.offset, tensor.size, tensor.decay, pieces_);
    sums_.resize(pieces_.size());
  }

  const BertConfig& config() const override { return config_; }
  std::span<const TrainTensor> tensors() const override { return layout_.tensors; }
  std::span<float> weights() override { return flat(memory_.weights); }
  std::span<float> gradients() override { return flat(memory_.gradients); }
  std::span<float> first_moments() override { return flat(memory_.first_moments); }
  std::span<float> second_moments() override { return flat(memory_.second_moments); }

  void initialize(uint64_t seed, float deviation) override {
    TrainConfig config;
    config.init_scale = deviation;
    config.layers = config_.layers;
    initialize_weights(team_, config, layout_, seed, memory_.weights.as<float>());
  }

  Result<double> backward(const ContrastBatch& batch, bool accumulate, float scale) override {
    if (Status status = run(batch, true, accumulate, scale); !status.ok()) return status;
    return mean_loss(batch);
  }

  Result<Evaluation> evaluate(const ContrastBatch& batch) override {
    if (Status status = run(batch, false, false, 1); !status.ok()) return status;
    Evaluation found{.loss = mean_loss(batch)};
    for (int64_t i = 0; i < batch.pairs; ++i) {
      found.first += memory_.rank[i] < 1 ? 1 : 0;
      found.first_ten += memory_.rank[i] < 10 ? 1 : 0;
    }
    return found;
  }

  std::span<const float> vectors() const override {
    return {memory_.unit, static_cast<size_t>(texts_ * config_.width)};
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

  void set_profile(ops::Profile* profile) override { profile_ = profile; }

  double flops(const ContrastBatch& batch) const override {
    const auto tokens = static_cast<double>(batch.texts.tokens());
    const TrainLayer& layer = layout_.layers.front();
    double weights = 0;
    for (const TrainLinear* each : {&layer.qkv, &layer.out, &layer.up, &layer.down})
      weights += static_cast<double>(each->in * each->out);
    ops::WindowAttention a;
    a.windows = batch.texts.texts();
    a.offsets = batch.texts.offsets.data();
    a.causal = false;
    a.heads = config_.heads;
    a.head_dim = config_.head_dim();
    const double attention = ops::window_attention_flops(a) + ops::window_attention_back_flops(a);
    const auto scores = static_cast<double>(batch.pairs * (batch.count() - batch.pairs) * config_.width);
    return static_cast<double>(config_.layers) * (6 * tokens * weights + attention) + 6 * scores;
  }

 private:
  std::span<float> flat(Buffer& buffer) { return {buffer.as<float>(), static_cast<size_t>(layout_.size)}; }

  double mean_loss(const ContrastBatch& batch) const {
    double sum = 0;
    for (int64_t i = 0; i < batch.pairs; ++i) sum += memory_.losses[i];
    return sum / static_cast<double>(batch.pairs);
  }

  Status check(const ContrastBatch& b) const {
    if (b.pairs < 2 || b.pairs > options_.pairs || b.negatives != options_.negatives)
      return invalid_argument(fmt::format("found {} pairs {} negatives, needed: 2 to {} {} them", b.pairs,
                                          b.negatives ? "with" : "without", options_.pairs,
                                          options_.negatives ? "with" : "without"));
    if (b.texts.texts() != b.count() || static_cast<int64_t>(b.identity.size()) != b.count())
      return invalid_argument(fmt::format("{} pairs have {} texts and {} identities, needed: {} of each", b.pairs,
                                          b.texts.texts(), b.identity.size(), b.count()));
    if (b.texts.tokens() > options_.tokens || b.texts.tokens() != static_cast<int64_t>(b.texts.ids.size()))
      return invalid_argument(fmt::format("found {} tokens, needed: as many as the last text ends at, and {} at most",
                                          b.texts.ids.size(), options_.tokens));
    if (!(b.temperature > 0) || !std::isfinite(1 / b.temperature))
      return invalid_argument(fmt::format("the temperature is {}, needed: more than 0", b.temperature));
    for (size_t i = 1; i < b.texts.offsets.size(); ++i) {
      const int64_t length = b.texts.offsets[i] - b.texts.offsets[i - 1];
      if (length < 1 || length > options_.longest)
        return invalid_argument(fmt::format("text {} has {} tokens, needed: 1 to {}", i - 1, length, options_.longest));
    }
    for (size_t i = 0; i < b.texts.ids.size(); ++i)
      if (b.texts.ids[i] < 0 || b.texts.ids[i] >= config_.vocabulary)
        return invalid_argument(fmt::format("token {} is {}, needed: 0 to less than the vocabulary's {}", i,
                                            b.texts.ids[i], config_.vocabulary));
    return {};
  }

  Result<EncoderStep::Plans> plans_of(const ContrastBatch& batch) {
    const auto layer = plans_.at(batch.texts.tokens(),
                                 [&](int64_t tokens) { return EncoderPlans::create(layout_, tokens, team_.size()); });
    if (!layer) return layer.status();
    const auto scores = score_plans_.at(batch.pairs, [&](int64_t pairs) {
      return ScorePlans::create(pairs, batch.negatives, config_.width, team_.size());
    });
    if (!scores) return scores.status();
    const int64_t bytes = std::max((*layer)->workspace_bytes(), (*scores)->workspace_bytes());
    if (Status status = memory_.reserve_products(bytes); !status.ok()) return status;
    return EncoderStep::Plans{**layer, **scores};
  }

  Status run(const ContrastBatch& batch, bool gradients, bool accumulate, float scale) {
    if (Status status = check(batch); !status.ok()) return status;
    const auto plans = plans_of(batch);
    if (!plans) return plans.status();
    texts_ = batch.count();
    EncoderStep::Input input{batch};
    input.gradients = gradients;
    input.accumulate = accumulate;
    input.scale = scale;
    for (int64_t i = 0; i < texts_; ++i) {
      const int64_t begin = batch.texts.offsets[static_cast<size_t>(i)],
                    end = batch.texts.offsets[static_cast<size_t>(i) + 1];
      input.longest = std::max(input.longest, end - begin);
      for (int64_t t = begin; t < end; ++t)
        memory_.places[t] = static_cast<int32_t>(config_.first_position + t - begin);
    }
    if (profile_ != nullptr) profile_->begin();
    team_.run([&](Team::Worker& worker) {
      ops::TrainExecutor executor(worker, profile_);
      EncoderStep(config_, layout_, memory_, kernels_, *plans, input, executor).run();
    });
    if (profile_ != nullptr) profile_->end();
    return {};
  }

  const BertConfig config_;
  const Options options_;
  Team& team_;
  const EncoderLayout layout_;
  EncoderMemory memory_;
  const ops::TrainKernels kernels_;
  ops::Profile* profile_ = nullptr;
  PlanCache<EncoderPlans> plans_;
  PlanCache<ScorePlans> score_plans_;
  std::vector<ops::OptimizerPiece> pieces_;
  std::vector<double> sums_;
  int64_t texts_ = 0;
};

}  // namespace

Result<TrainModel::Memory> TrainEncoder::memory(const BertConfig& config, const Options& options, int threads) {
  if (Status status = check_options(config, options); !status.ok()) return status;
  return EncoderMemory::sizes(config, encoder_layout(config), options, threads);
}

Result<std::unique_ptr<TrainEncoder>> TrainEncoder::create(const BertConfig& config, const Options& options,
                                                           Team& team) {
  if (Status status = check_options(config, options); !status.ok()) return status;
  EncoderLayout layout = encoder_layout(config);
  auto memory = EncoderMemory::create(config, layout, options, team.size());
  if (!memory) return memory.status();
  return std::unique_ptr<TrainEncoder>(
      std::make_unique<TrainedEncoder>(config, options, team, std::move(layout), std::move(*memory)));
}

}  // namespace lathe::models
